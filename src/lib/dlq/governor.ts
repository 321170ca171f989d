import type { Breaker } from './breaker.ts';
import type { Canary } from './canary.ts';
import type { Clock } from './clock.ts';
import type { Pacer } from './pacing.ts';
import type { Returns } from './returns.ts';

export interface GovernorParts {
  readonly pacer: Pacer;
  readonly canary: Canary;
  readonly breaker: Breaker;
  readonly returns: Returns;
  readonly clock: Clock;
  /** How long a step of the ramp is watched, and how often the free run is. */
  readonly watchMs: number;
  readonly batchSize: number;
  /** Messages that came back, by their ordinal. Answers how many of them nobody knew of. */
  readonly onReturned: (ordinals: readonly number[]) => number;
  readonly onNote: (text: string) => void;
  /** Why the destinations have enough for now; null: they do not. */
  readonly overload: (signal: AbortSignal) => Promise<string | null>;
}

const usualTrouble = 'too many failed or came back';

/** Says how many messages may go now, and when it has to end: the rate, the ramp and the breaker in one. */
export class Governor {
  readonly #parts: GovernorParts;
  #stopped: string | null = null;
  #watchedAt: number;
  /** One that tries whether it goes well again is on its way. */
  #testing = false;

  constructor(parts: GovernorParts) {
    this.#parts = parts;
    this.#watchedAt = parts.clock.now();
  }

  /** Why nothing more may go; null while it may. */
  get stopped(): string | null {
    return this.#stopped;
  }

  /** How many go together at most. */
  get batchSize(): number {
    return this.#parts.batchSize;
  }

  /** Whether more may go while others are on their way: not where what became of those decides about it, or where it is to be watched. */
  get together(): boolean {
    const { breaker, canary, clock } = this.#parts;
    return canary.room === null && breaker.state(clock.now()) === 'closed' && !this.#isToBeWatched();
  }

  /** How many of `wanted` may go together, after waiting as long as has to be; 0 when it has to end. */
  async admit(wanted: number, signal: AbortSignal): Promise<number> {
    const { breaker, canary, clock, pacer, batchSize } = this.#parts;
    if (this.#stopped !== null || signal.aborted) return 0;
    // A timer may end a little early, and then it is not yet time for the test.
    for (let wait = breaker.waitMs(clock.now()); wait > 0; wait = breaker.waitMs(clock.now())) {
      await clock.sleep(wait, signal);
      if (signal.aborted) return 0;
    }
    this.#testing = breaker.state(clock.now()) === 'half-open';
    const count = Math.min(wanted, batchSize, canary.room ?? wanted, this.#testing ? 1 : wanted);
    await pacer.turn(count, signal);
    return signal.aborted ? 0 : count;
  }

  /** What became of them; watches for what comes back where it is time to, and nothing else is on its way: `alone`. */
  async sent(accepted: number, failed: number, signal: AbortSignal, alone = true): Promise<void> {
    const { canary } = this.#parts;
    if (this.#testing) {
      this.#testing = false;
      const back = failed > 0 || signal.aborted ? 0 : await this.#waitAndWatch(signal);
      const over = signal.aborted ? null : await this.#parts.overload(signal);
      if (!signal.aborted) this.#record(failed + back > 0 || over !== null, 1, over ?? usualTrouble);
      return;
    }
    this.#record(false, accepted);
    this.#record(true, failed);
    if (this.#stopped !== null || signal.aborted) return;
    if (canary.sent(accepted + failed)) {
      const back = await this.#waitAndWatch(signal);
      if (back > 0) this.#stop(`${back.toString()} came back while the first ones were watched`);
      canary.widen();
      await this.#restIfOverloaded(signal);
    } else if (alone && canary.room === null && this.#isToBeWatched()) {
      this.#record(true, await this.#watch(signal));
      await this.#restIfOverloaded(signal);
    }
  }

  #isToBeWatched(): boolean {
    return this.#parts.clock.now() - this.#watchedAt >= this.#parts.watchMs;
  }

  async #restIfOverloaded(signal: AbortSignal): Promise<void> {
    const { breaker, clock, onNote, overload } = this.#parts;
    if (this.#stopped !== null || signal.aborted) return;
    const why = await overload(signal);
    if (why === null) return;
    breaker.trip(clock.now());
    if (breaker.state(clock.now()) === 'ended') this.#stop(`it went wrong three times: ${why}`);
    else
      onNote(
        `${why}: waiting ${Math.ceil(breaker.waitMs(clock.now()) / 1_000).toString()} s, then one is tried`,
      );
  }

  /** A message that came back was met on the way. */
  met(ordinal: number): void {
    const { canary, onReturned } = this.#parts;
    const fresh = onReturned([ordinal]);
    this.#record(true, fresh);
    if (fresh > 0 && canary.room !== null) this.#stop('one came back while the first ones were watched');
  }

  /** When this run holds nothing any more: who they were that came back meanwhile and could not be told. */
  async tellReturned(signal: AbortSignal): Promise<void> {
    const { returns, onReturned } = this.#parts;
    const ordinals = await returns.tellApart(signal);
    if (ordinals.length > 0) onReturned(ordinals);
  }

  async #waitAndWatch(signal: AbortSignal): Promise<number> {
    await this.#parts.clock.sleep(this.#parts.watchMs, signal);
    return signal.aborted ? 0 : this.#watch(signal);
  }

  async #watch(signal: AbortSignal): Promise<number> {
    const { returns, clock, onReturned, onNote } = this.#parts;
    const { ordinals, strangers, unidentified } = await returns.check(signal);
    this.#watchedAt = clock.now();
    const fresh = ordinals.length > 0 ? onReturned(ordinals) : 0;
    if (strangers > 0)
      onNote(
        strangers === 1
          ? '1 other came in meanwhile: it was not sent by this redrive'
          : `${strangers.toString()} others came in meanwhile: they were not sent by this redrive`,
      );
    if (unidentified > 0)
      onNote(
        `${unidentified.toString()} more ${unidentified === 1 ? 'waits' : 'wait'} there than should, and nobody can say ${unidentified === 1 ? 'whether it' : 'whether they'} came back`,
      );
    return fresh + unidentified;
  }

  #record(failed: boolean, count: number, why = usualTrouble): void {
    const { breaker, clock, onNote } = this.#parts;
    for (let message = 0; message < count; message += 1) {
      const before = breaker.state(clock.now());
      breaker.record(failed, clock.now());
      const after = breaker.state(clock.now());
      if (after === before) continue;
      if (after === 'open')
        onNote(
          `${why}: waiting ${Math.ceil(breaker.waitMs(clock.now()) / 1_000).toString()} s, then one is tried`,
        );
      if (after === 'ended') this.#stop(`it went wrong three times: ${why}`);
    }
  }

  #stop(why: string): void {
    this.#stopped ??= why;
  }
}
