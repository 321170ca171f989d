import { FailedError, NotFoundError, UnreachableError, UsageError } from '../../errors.ts';
import type { Message, OutgoingMessage } from '../../message/message.ts';
import type { Outcome } from '../driver.ts';
import { OffsetResolver } from './offset-resolver.ts';
import type { TopicMetadata } from './protocol/metadata.ts';
import { blockOf, blockOffsets, ResolvedSet } from './resolved-set.ts';
import type { Session } from './session.ts';
import { TopicReader } from './topic-reader.ts';
import { topicRetention } from './topic-retention.ts';

const version = 1;
/** A transaction that is open there ends by then: no record of ours lies behind one for longer. */
const openTransactionMs = 15_000;

/** What a record is about. One without a block says how far everything is done with. */
interface Subject {
  readonly partition: number;
  readonly block: number | null;
}

/**
 * A compacted topic that a team named for what is done with of its topics of dead letters. Unlike the metadata of a commit it
 * has room for any set, and nothing of it is forgotten.
 *
 * A record for each block of offsets, and one for how far everything is done with: then the blocks before that are deleted.
 *
 *     {"topic":"orders.dlq","id":"<topic id>","partition":0,"block":3}  {"version":1,"watermark":24600,"set":"1b..<base64>"}
 *     {"topic":"orders.dlq","id":"<topic id>","partition":0}            {"version":1,"watermark":8190}
 *
 * The id keeps a topic that was deleted and made again from being taken for the one before. Sets only grow, so whatever is
 * read of a block is put together: older records that compaction has left do no harm.
 */
export class ResolvedTopic {
  readonly name: string;
  readonly #session: Session;
  readonly #self: TopicMetadata;
  readonly #of: TopicMetadata;
  /** Of each partition, the blocks that have a record. */
  readonly #blocks = new Map<number, Set<number>>();

  private constructor(session: Session, self: TopicMetadata, of: TopicMetadata) {
    this.#session = session;
    this.name = self.topic;
    this.#self = self;
    this.#of = of;
  }

  /** Throws `NotFoundError`, and `UsageError` where the topic would lose what it is told. Nothing is ever created. */
  static async open(
    session: Session,
    name: string,
    of: TopicMetadata,
    signal: AbortSignal,
  ): Promise<ResolvedTopic> {
    if (name === of.topic)
      throw new UsageError(`the dead letters of "${name}" cannot be remembered in that topic itself`, {
        hint: 'name another one as resolvedTopic in the context',
      });
    const self = await session.topic(name, signal).catch((error: unknown) => {
      if (!(error instanceof NotFoundError)) throw error;
      throw new NotFoundError('topic', name, session.target, {
        hint: `it remembers which dead letters are resolved: create it (mqctl create ${name} --setting cleanup.policy=compact), or name another one as resolvedTopic in the context`,
      });
    });
    const retention = (await topicRetention(session, [name], signal)).get(name);
    if (retention?.problem === null && (!retention.compacted || retention.retentionMs !== null))
      throw new UsageError(
        `topic "${name}" would forget which dead letters are resolved: it is not compacted`,
        {
          hint: `mqctl set ${name} --setting cleanup.policy=compact`,
        },
      );
    return new ResolvedTopic(session, self, of);
  }

  /** By partition; one of which nothing was told is missing. Throws `FailedError` where it cannot be read. */
  async read(signal: AbortSignal): Promise<ReadonlyMap<number, ResolvedSet>> {
    const partitions = this.#self.partitions.map(({ partition }) => partition);
    // To the very end, behind transactions that are still open: what was committed behind one counts, too.
    const { edges } = await OffsetResolver.open(this.#session, this.#self, partitions, false, signal);
    const ranges = new Map(
      [...edges].map(([partition, { start, end }]) => [partition, { from: start, until: end }]),
    );
    const tooLong = AbortSignal.timeout(openTransactionMs + this.#session.environment.timeoutMs);
    const range = { topic: this.name, ranges, committedOnly: true };
    const sets = new Map<number, ResolvedSet>();
    try {
      const reader = new TopicReader(this.#session, range, AbortSignal.any([signal, tooLong]));
      for await (const messages of reader.batches())
        for (const message of messages) this.#take(message, sets);
    } catch (thrown) {
      if (!tooLong.aborted || signal.aborted) throw thrown;
      throw new FailedError(
        `a transaction in topic "${this.name}" does not end, so nobody knows which dead letters of "${this.#of.topic}" are resolved`,
        { hint: 'try again when it has', cause: thrown },
      );
    }
    for (const set of sets.values()) set.takeChanged();
    return sets;
  }

  /** What has changed of these sets, to be published; to be given back where it was not accepted. */
  changes(sets: ReadonlyMap<number, ResolvedSet>): {
    readonly messages: readonly OutgoingMessage[];
    readonly giveBack: () => void;
  } {
    const messages: OutgoingMessage[] = [];
    const taken: (readonly [ResolvedSet, readonly number[]])[] = [];
    for (const [partition, set] of sets) {
      const known = this.#blocks.get(partition) ?? new Set();
      this.#blocks.set(partition, known);
      const changed = set.takeChanged();
      taken.push([set, changed]);
      for (const block of changed) {
        known.add(block);
        messages.push(this.#record({ partition, block }, set.block(block)));
      }
      messages.push(this.#record({ partition, block: null }, new ResolvedSet(set.watermark)));
      for (const block of known) {
        if (block >= blockOf(set.watermark)) continue;
        known.delete(block);
        messages.push(this.#record({ partition, block }, null));
      }
    }
    const giveBack = (): void => {
      for (const [set, changed] of taken) set.giveBackChanged(changed);
    };
    return { messages, giveBack };
  }

  #take({ key, value }: Message, sets: Map<number, ResolvedSet>): void {
    const subject = this.#subjectOf(key);
    if (subject === null || value === null) return;
    const { partition, block } = subject;
    const told = sets.get(partition) ?? new ResolvedSet(0);
    told.addAll(this.#read(value), block === null ? 0 : block * blockOffsets);
    sets.set(partition, told);
    if (block !== null) this.#blocks.set(partition, (this.#blocks.get(partition) ?? new Set()).add(block));
  }

  #record({ partition, block }: Subject, set: ResolvedSet | null): OutgoingMessage {
    const { topic, topicId: id } = this.#of;
    const key = { topic, id, partition, ...(block !== null && { block }) };
    const told = set?.encode(null) ?? null;
    const value =
      set === null ? null : { version, watermark: set.watermark, ...(told !== null && { set: told }) };
    return {
      key: Buffer.from(JSON.stringify(key)),
      value: value === null ? null : Buffer.from(JSON.stringify(value)),
      headers: [],
      properties: {},
      partition: null,
      timestamp: null,
    };
  }

  /** null for a record of another topic, or of somebody else. */
  #subjectOf(key: Uint8Array | null): Subject | null {
    const fields = fieldsOf(key);
    if (fields === null || fields['topic'] !== this.#of.topic || fields['id'] !== this.#of.topicId)
      return null;
    const { partition, block = null } = fields;
    return isCount(partition) && (block === null || isCount(block)) ? { partition, block } : null;
  }

  #read(value: Uint8Array): ResolvedSet {
    const fields = fieldsOf(value) ?? {};
    const { watermark, set = null } = fields;
    try {
      if (fields['version'] === version && isCount(watermark)) {
        if (set === null) return new ResolvedSet(watermark);
        const decoded = typeof set === 'string' ? ResolvedSet.decode(watermark, set) : null;
        if (decoded !== null) return decoded.set;
      }
    } catch (thrown) {
      if (!(thrown instanceof RangeError)) throw thrown;
    }
    throw new FailedError(
      `what topic "${this.name}" keeps of the dead letters of "${this.#of.topic}" cannot be read`,
      { hint: 'a newer mqctl may have written it' },
    );
  }
}

/** Throws where one of them was not accepted: `UnreachableError` where nobody knows. */
export function requireAccepted(name: string, outcomes: readonly Outcome[]): void {
  for (const outcome of outcomes) {
    if (outcome.status === 'accepted') continue;
    const text = `which dead letters are resolved could not be written to topic "${name}": ${outcome.reason}`;
    throw outcome.status === 'unknown' ? new UnreachableError(text) : new FailedError(text);
  }
}

function fieldsOf(bytes: Uint8Array | null): Readonly<Record<string, unknown>> | null {
  if (bytes === null) return null;
  try {
    const parsed: unknown = JSON.parse(Buffer.from(bytes).toString());
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : null;
  } catch {
    return null; // somebody else's
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
