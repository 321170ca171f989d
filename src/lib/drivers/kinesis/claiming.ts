import type { Message } from '../../message/message.ts';
import type { ClaimBatch, Claimed, Claiming, SettleOutcome } from '../driver.ts';
import type { GroupStore } from './group-store.ts';
import type { Place } from './place.ts';

export interface ClaimingOf {
  readonly store: GroupStore;
  readonly group: string;
  readonly stream: string;
  /** How many may be out. */
  readonly window: number;
  /** As they were kept last. */
  readonly places: ReadonlyMap<string, Place>;
  readonly batches: AsyncGenerator<readonly Message[]>;
  readonly lock: { release(): void };
}

/** Settles up to a record: the place of its shard, in a file of this machine. */
export class KinesisClaiming implements Claiming {
  readonly batches: AsyncIterable<ClaimBatch>;
  readonly #of: ClaimingOf;
  readonly #settled = new Map<string, bigint>();
  /** Claimed, and neither settled nor released. */
  readonly #held = new Map<string, { readonly shard: string; readonly sequence: string }>();
  /** Wakes the reading when the window has room. */
  #room = Promise.withResolvers<void>();
  #saving: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(of: ClaimingOf) {
    this.#of = of;
    this.batches = this.#claimed();
  }

  async settle(claims: readonly string[]): Promise<readonly SettleOutcome[]> {
    const outcomes = claims.map((claim): SettleOutcome => {
      const held = this.#held.get(claim);
      if (held === undefined) return 'lost';
      this.#held.delete(claim);
      const sequence = BigInt(held.sequence);
      if (sequence > (this.#settled.get(held.shard) ?? -1n)) this.#settled.set(held.shard, sequence);
      return 'settled';
    });
    if (outcomes.includes('settled')) await this.#save();
    this.#wake();
    return outcomes;
  }

  async release(claims: readonly string[]): Promise<void> {
    for (const claim of claims) this.#held.delete(claim);
    this.#wake();
    await Promise.resolve();
  }

  /** What is held is held as long as this process reads. */
  async extend(): Promise<void> {
    await Promise.resolve();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#held.clear();
    this.#wake();
    try {
      await this.#saving;
    } finally {
      this.#of.lock.release();
    }
  }

  async *#claimed(): AsyncGenerator<ClaimBatch> {
    for await (const messages of this.#of.batches) {
      for (let next = 0; next < messages.length;) {
        await this.#roomToClaim();
        if (this.#closed) return;
        const some = messages.slice(next, next + this.#of.window - this.#held.size);
        next += some.length;
        yield { kind: 'claimed', items: some.map((message) => this.#claim(message)) };
      }
    }
  }

  #claim(message: Message): Claimed {
    const [shard, sequence] = [message.partition ?? '', message.offset ?? ''];
    const claim = `${shard} ${sequence}`;
    this.#held.set(claim, { shard, sequence });
    return { claim, message };
  }

  async #roomToClaim(): Promise<void> {
    while (!this.#closed && this.#held.size >= this.#of.window) {
      this.#room = Promise.withResolvers();
      await this.#room.promise;
    }
  }

  #wake(): void {
    this.#room.resolve();
  }

  /** One after the other: what is written last is what holds. */
  #save(): Promise<void> {
    this.#saving = this.#saving.then(() => {
      const places = new Map(this.#of.places);
      for (const [shard, sequence] of this.#settled)
        places.set(shard, { kind: 'after', sequence: String(sequence) });
      const { store, group, stream } = this.#of;
      return store.keep({ group, stream, places });
    });
    return this.#saving;
  }
}
