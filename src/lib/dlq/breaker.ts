const lastCount = 100;
const inARow = 3;
const firstOpenMs = 30_000;
const longestOpenMs = 300_000;
const lastOpening = 3;

export type BreakerState = 'closed' | 'open' | 'half-open' | 'ended';

export interface BreakerRules {
  /** Of the last hundred; null: only those in a row count. */
  readonly tooMany: number | null;
  /** A test that goes well makes it as if it had never been open. */
  readonly forgives: boolean;
}

/** 5 % of the last hundred. */
const ofRedrives: BreakerRules = { tooMany: 5, forgives: false };
/** A consumer runs for months, and gives up some: only when nothing goes well any more it is not for the messages. */
export const ofConsumers: BreakerRules = { tooMany: null, forgives: true };

/**
 * Stops sending when it goes wrong: at 5 of the last 100, or 3 in a row, failed or returned. Open for 30 s, twice as long
 * each time up to 5 min; then one message goes as a test. The third opening ends the run.
 */
export class Breaker {
  readonly #rules: BreakerRules;
  /** A ring of the last outcomes; true is a failure. */
  readonly #last: boolean[] = [];
  /** How many of those. */
  #failures = 0;
  #row = 0;
  #openings = 0;
  #until = 0;
  #state: BreakerState = 'closed';

  constructor(rules: BreakerRules = ofRedrives) {
    this.#rules = rules;
  }

  state(now: number): BreakerState {
    if (this.#state === 'open' && now >= this.#until) this.#state = 'half-open';
    return this.#state;
  }

  /** Milliseconds until a test may go; 0 unless it is open. */
  waitMs(now: number): number {
    return this.#state === 'open' ? Math.max(0, this.#until - now) : 0;
  }

  record(failed: boolean, now: number): void {
    if (this.state(now) === 'half-open') {
      if (failed) this.#open(now);
      else this.#close();
      return;
    }
    this.#last.push(failed);
    if (failed) this.#failures += 1;
    if (this.#last.length > lastCount && this.#last.shift() === true) this.#failures -= 1;
    this.#row = failed ? this.#row + 1 : 0;
    if (this.#state !== 'closed') return;
    const { tooMany } = this.#rules;
    const many = tooMany !== null && this.#failures >= tooMany;
    if (this.#row >= inARow || many) this.#open(now);
  }

  /** Opens for a reason that is not a message's: what lies before it is overloaded. */
  trip(now: number): void {
    if (this.#state === 'closed') this.#open(now);
  }

  #open(now: number): void {
    this.#openings += 1;
    this.#state = this.#openings >= lastOpening ? 'ended' : 'open';
    this.#until = now + Math.min(longestOpenMs, firstOpenMs * 2 ** (this.#openings - 1));
  }

  #close(): void {
    this.#state = 'closed';
    this.#last.length = 0;
    this.#failures = 0;
    this.#row = 0;
    if (this.#rules.forgives) this.#openings = 0;
  }
}
