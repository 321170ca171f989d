import type { Clock } from './clock.ts';

const jitter = 0.2;

/** Lets messages through at a rate, each interval ±20 %, so that runs of several operators do not beat together. */
export class Pacer {
  readonly #intervalMs: number;
  readonly #clock: Clock;
  #next: number;

  /** null: no limit. */
  constructor(ratePerSecond: number | null, clock: Clock) {
    this.#intervalMs = ratePerSecond === null ? 0 : 1_000 / ratePerSecond;
    this.#clock = clock;
    this.#next = clock.now();
  }

  /** Resolves when `count` messages may go. A pause before is not made up for by a burst. */
  async turn(count: number, signal: AbortSignal): Promise<void> {
    if (this.#intervalMs === 0) return;
    const now = this.#clock.now();
    const wait = this.#next - now;
    let interval = 0;
    for (let message = 0; message < count; message += 1)
      interval += this.#intervalMs * (1 - jitter + 2 * jitter * this.#clock.random());
    this.#next = Math.max(now, this.#next) + interval;
    if (wait > 0) await this.#clock.sleep(wait, signal);
  }
}

/** How many go together: what five batches a second need, at most what may be in flight. */
export function batchSize(ratePerSecond: number | null, inFlight: number): number {
  if (ratePerSecond === null) return inFlight;
  return Math.max(1, Math.min(inFlight, Math.floor(ratePerSecond / 5)));
}
