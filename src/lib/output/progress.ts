import type { Output } from './output.ts';
import { countText, shortDuration } from './time.ts';

const quietMs = 1_000;
const redrawMs = 200;

/** Count, rate, share and time left on one line of stderr: after a second, only on a terminal. Always `finish` it. */
export class Progress {
  readonly #output: Output;
  readonly #what: string;
  readonly #expected: number | null;
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout | null;
  #count = 0;
  readonly #beside = new Map<string, number>();
  #shown = false;

  /** `what` follows the count: `messages produced`. */
  constructor(output: Output, what: string, expected: number | null) {
    this.#output = output;
    this.#what = what;
    this.#expected = expected;
    const wanted = output.talk.isTerminal && !output.quiet;
    this.#timer = wanted ? setInterval(() => this.#draw(), redrawMs).unref() : null;
    if (wanted) output.setTransient(() => this.#clear());
  }

  add(count: number): void {
    this.#count += count;
  }

  /** Something else that is counted, once there is one: `3 returned`. */
  addBeside(what: string, count: number): void {
    this.#beside.set(what, (this.#beside.get(what) ?? 0) + count);
  }

  finish(): void {
    if (this.#timer === null) return;
    clearInterval(this.#timer);
    this.#clear();
    this.#output.setTransient(null);
  }

  #draw(): void {
    const elapsed = performance.now() - this.#startedAt;
    if (elapsed < quietMs) return;
    const rate = (this.#count / elapsed) * 1_000;
    const parts = [
      `${countText(this.#count)} ${this.#what}`,
      ...[...this.#beside].map(([what, count]) => `${countText(count)} ${what}`),
      `${countText(Math.round(rate))}/s`,
    ];
    if (this.#expected !== null && this.#expected > 0) {
      parts.push(`${Math.min(100, Math.round((this.#count / this.#expected) * 100)).toString()} %`);
      if (rate > 0)
        parts.push(`${shortDuration((Math.max(0, this.#expected - this.#count) / rate) * 1_000)} left`);
    }
    this.#clear();
    this.#output.talk.writeNow(
      this.#output.talkColour.dim(parts.join(', ')).slice(0, this.#output.talk.columns + 20),
    );
    this.#shown = true;
  }

  #clear(): void {
    if (!this.#shown) return;
    this.#output.talk.writeNow('\r\u001b[2K');
    this.#shown = false;
  }
}
