import type { Message } from '../message/message.ts';

export type EndedBy = 'end' | 'limit' | 'time' | 'idle' | 'signal';

interface Limits {
  readonly limit: number | null;
  readonly forMs: number | null;
  readonly idleMs: number | null;
}

/** Everything that can end a reading beside its end: a limit, a time, silence, the person. Always `stopAll` it. */
export class Ending {
  /** Aborts the reading, for whatever reason. */
  readonly signal: AbortSignal;
  readonly #limit: number | null;
  readonly #idleMs: number | null;
  readonly #outer: AbortSignal;
  readonly #inner = new AbortController();
  readonly #forTimer: NodeJS.Timeout | null;
  #idleTimer: NodeJS.Timeout | null = null;
  #endedBy: EndedBy = 'end';
  #read = 0;
  #matched = 0;

  constructor({ limit, forMs, idleMs }: Limits, outer: AbortSignal) {
    this.#limit = limit;
    this.#idleMs = idleMs;
    this.#outer = outer;
    this.signal = AbortSignal.any([outer, this.#inner.signal]);
    this.#forTimer = forMs === null ? null : setTimeout(() => this.#end('time'), forMs);
    this.#restartIdle();
  }

  get reached(): boolean {
    return this.#limit !== null && this.#matched >= this.#limit;
  }

  /** How many more may be kept. */
  get room(): number {
    return this.#limit === null ? Number.POSITIVE_INFINITY : Math.max(0, this.#limit - this.#matched);
  }

  count(read: number): void {
    this.#read += read;
    this.#restartIdle();
  }

  /** Who works on what came is not idle. */
  async whileBusy<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer);
    try {
      return await work();
    } finally {
      this.#restartIdle();
    }
  }

  /** Those of the kept messages that the limit still lets through. */
  admit(messages: readonly Message[]): readonly Message[] {
    const admitted = messages.slice(0, this.room);
    this.#matched += admitted.length;
    if (this.reached && this.#endedBy === 'end') this.#endedBy = 'limit';
    return admitted;
  }

  /** An error that only says that the reading was ended is none; everything else is thrown again. */
  explains(error: unknown): void {
    if (this.#inner.signal.aborted && error === this.#inner.signal.reason) return;
    if (this.signal.aborted && isAbort(error, this.signal)) return;
    throw error;
  }

  result(): { read: number; matched: number; endedBy: EndedBy } {
    return {
      read: this.#read,
      matched: this.#matched,
      endedBy: this.#outer.aborted ? 'signal' : this.#endedBy,
    };
  }

  stopAll(): void {
    if (this.#forTimer !== null) clearTimeout(this.#forTimer);
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer);
    this.#inner.abort(new Error('the reading has ended'));
  }

  #restartIdle(): void {
    if (this.#idleMs === null || this.#inner.signal.aborted) return;
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => this.#end('idle'), this.#idleMs);
  }

  #end(by: EndedBy): void {
    if (this.#endedBy === 'end') this.#endedBy = by;
    this.#inner.abort(new Error(`ended by ${by}`));
  }
}

function isAbort(error: unknown, signal: AbortSignal): boolean {
  return error === signal.reason || (error instanceof Error && error.name === 'AbortError');
}
