/** The end of a shard as it was when a look began: records that came later are not shown. */
import { cutAt } from './bound.ts';
import type { Cut } from './bound.ts';
import { ShardReader } from './shard-reader.ts';
import type { ShardAnswer, ShardOf } from './shard-reader.ts';

/** Clocks are not compared, only durations; this much is given for the way of an answer. */
const graceMs = 1_000;

export class FrozenEnd {
  readonly #reader: ShardReader;
  readonly #since: number;
  /** The first record behind the end; null while none is known. */
  #first: bigint | null = null;

  private constructor(reader: ShardReader) {
    this.#reader = reader;
    this.#since = performance.now();
  }

  static async hold(of: ShardOf, signal: AbortSignal): Promise<FrozenEnd> {
    const reader = new ShardReader(of, { kind: 'end' }, signal);
    await reader.hold();
    return new FrozenEnd(reader);
  }

  /** What of this answer lies before the end; `reached` when nothing more can. */
  async cut({ messages, behindMs, ended }: ShardAnswer): Promise<Cut> {
    // Only an empty answer says it for certain: others as new as the last of these may still come.
    if (messages.length === 0) return { messages, reached: behindMs === 0 || ended };
    // So far behind the newest record that it is behind the end, too.
    if (!ended && behindMs > performance.now() - this.#since + graceMs) return { messages, reached: false };
    const first = this.#first ?? (await this.#look());
    return cutAt(messages, first === null ? null : { kind: 'sequence', before: first });
  }

  async #look(): Promise<bigint | null> {
    for (;;) {
      const { messages, behindMs, ended }: ShardAnswer = await this.#reader.next(1);
      const offset = messages[0]?.offset;
      if (offset !== undefined && offset !== null) this.#first = BigInt(offset);
      if (this.#first !== null || behindMs === 0 || ended) return this.#first;
    }
  }
}
