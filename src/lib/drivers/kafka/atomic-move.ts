import { errorText, FailedError } from '../../errors.ts';
import type { AtomicMove, MessageReference, MoveItem, Outcome, Recovered } from '../driver.ts';
import { OffsetResolver } from './offset-resolver.ts';
import { KafkaPublish } from './publish.ts';
import type { KafkaPublisher } from './publisher.ts';
import { commit, readResolved, resolvedGroup } from './resolved-offsets.ts';
import type { CommitPart } from './resolved-offsets.ts';
import { ResolvedRecord } from './resolved-record.ts';
import { ResolvedSet } from './resolved-set.ts';
import { requireAccepted } from './resolved-topic.ts';
import type { Session } from './session.ts';
import { keepFor } from './topic-retention.ts';
import type { TransactionReach } from './transaction-marks.ts';
import { endFormerMoves } from './former-moves.ts';
import { moveId } from './move-id.ts';
import type { TransactionIdentity } from './protocol/transactions/transaction-identity.ts';
import { takeOver } from './take-over.ts';
import { abandon, notShown } from './transaction.ts';
import type { Transactions } from './transaction.ts';
import { moveMs, undoneMs } from './transaction-times.ts';

interface MoveOptions {
  readonly session: Session;
  readonly source: string;
  readonly channel: string;
  readonly name: string;
}

interface Working {
  readonly transactions: Transactions;
  readonly publisher: KafkaPublisher;
  readonly sets: ReadonlyMap<number, ResolvedSet>;
  readonly record: ResolvedRecord;
  /** To the topic that remembers what is done with; null: the commits do. */
  readonly recorder: KafkaPublisher | null;
  /** What lies before has been deleted: that the set has it does not say that it was moved. */
  readonly starts: ReadonlyMap<number, number>;
}

/**
 * Publishes messages and records them as resolved in one transaction, so that both hold or none. Its transactional id
 * comes from the redrive's name: a later run of the same redrive fences an earlier one, whose answers then stay true.
 */
export class KafkaAtomicMove implements AtomicMove {
  readonly #options: MoveOptions;
  #working: Working;
  /** Partitions of which something was recorded here. */
  readonly #touched = new Set<number>();
  #closed = false;

  private constructor(options: MoveOptions, working: Working) {
    this.#options = options;
    this.#working = working;
  }

  /** Fences the run before. Throws `NotFoundError`, `DeniedError`, `UnreachableError`. */
  static async open(options: MoveOptions, signal: AbortSignal): Promise<KafkaAtomicMove> {
    return new KafkaAtomicMove(options, await begin(options, null, signal));
  }

  async move(items: readonly MoveItem[], signal: AbortSignal): Promise<readonly Outcome[]> {
    signal.throwIfAborted();
    if (items.length === 0) return [];
    const { transactions, publisher } = this.#working;
    const outcomes = await publisher.send(items.map(({ outgoing }) => outgoing));
    try {
      if (transactions.ended !== null) throw transactions.ended;
      const unsure = outcomes.find(({ status }) => status === 'unknown');
      if (unsure?.status === 'unknown') {
        throw new FailedError(`the move was not finished: ${unsure.reason}`, { retriable: true });
      }
      const sets = new Map([...this.#working.sets].map(([partition, set]) => [partition, set.copy()]));
      const moved = new Set<number>();
      items.forEach(({ source: message }, index) => {
        if (outcomes[index]?.status !== 'accepted') return;
        const partition = Number(message.partition);
        const set = sets.get(partition) ?? new ResolvedSet(0);
        set.add(Number(message.offset));
        sets.set(partition, set);
        moved.add(partition);
      });
      if (moved.size === 0) return outcomes;
      const changed = new Map([...sets].filter(([partition]) => moved.has(partition)));
      await this.#record(changed, null, signal);
      await transactions.end(true, uninterrupted);
      // Only then is it done: what does not show is as good as lost, and may be decided otherwise by what comes after.
      if (!(await transactions.shown(uninterrupted))) throw notShown(this.#options.session, true);
      this.#working = { ...this.#working, sets };
      for (const partition of moved) this.#touched.add(partition);
      return outcomes;
    } catch (thrown) {
      // What the broker did not hear it aborts by itself after the time-out; `recover` asks.
      await abandon(transactions).catch(() => undefined);
      throw thrown;
    }
  }

  async recover(sources: readonly MessageReference[], signal: AbortSignal): Promise<readonly Recovered[]> {
    const former = this.#working.transactions;
    await this.#working.recorder?.close().catch(() => undefined);
    await this.#working.publisher.close().catch(() => undefined);
    // Taken over itself, it does not take back: the answer is for whoever goes on.
    if (former.ended !== null) throw former.ended;
    // Ends what the run before left open, so that what is committed now is all that will ever be.
    this.#working = await begin(this.#options, former.identity, signal);
    const { sets, starts, transactions } = this.#working;
    const recorded = transactions.timeoutMs === undoneMs ? 'in-doubt' : 'moved';
    return sources.map(({ partition, offset }) => {
      if (Number(offset) < (starts.get(Number(partition)) ?? 0)) return 'gone';
      return sets.get(Number(partition))?.has(Number(offset)) === true ? recorded : 'not-moved';
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.#working.publisher.close();
      if (this.#touched.size > 0) await this.#keep();
      await this.#working.recorder?.close();
    } catch (thrown) {
      // Everything is moved and recorded; only how long the record is kept is not what it should be.
      this.#options.session.environment.log(
        `kafka: the resolved set may be forgotten early: ${errorText(thrown)}`,
      );
    }
  }

  /**
   * A transaction cannot say how long its commits are to be kept, and those of a group without members are forgotten after
   * a week: they are repeated with the topic's own retention. A last transaction shows first that no newer run fenced this one,
   * whose record would be overwritten.
   */
  async #keep(): Promise<void> {
    const { session, source } = this.#options;
    const { transactions, sets, record } = this.#working;
    const retentionMs = await keepFor(session, source, uninterrupted);
    const touched = new Map([...sets].filter(([partition]) => this.#touched.has(partition)));
    const parts = await this.#record(touched, Date.now() + retentionMs, uninterrupted);
    await transactions.end(true, uninterrupted);
    if (!(await transactions.shown(uninterrupted))) throw notShown(session, true);
    const { group } = record;
    await commit(session, { group, topic: source, parts, member: null, retentionMs }, uninterrupted);
  }

  /** Writes what is done with into the open transaction. */
  async #record(
    sets: ReadonlyMap<number, ResolvedSet>,
    expiresAt: number | null,
    signal: AbortSignal,
  ): Promise<readonly CommitPart[]> {
    const { transactions, record, recorder } = this.#working;
    const { messages, parts } = record.prepare(sets, expiresAt);
    if (recorder !== null && record.place !== null)
      requireAccepted(record.place.name, await recorder.send(messages));
    const topic = this.#options.source;
    await transactions.commitOffsets({ group: record.group, topic, partitions: parts }, signal);
    return parts;
  }
}

const uninterrupted = new AbortController().signal;

/** `former` is the run before, where that was this very process. */
async function begin(
  options: MoveOptions,
  former: TransactionIdentity | null,
  signal: AbortSignal,
): Promise<Working> {
  const { session, source, channel } = options;
  const reach = await reachOf(options, signal);
  const transactionalId = moveId(options);
  const transactions = await takeOver(session, { transactionalId, timeoutMs: moveMs, reach, former }, signal);
  await endFormerMoves(session, options, (each) => reachOf({ ...options, channel: each }, signal), signal);
  const publisher = await new KafkaPublish(session).openIn(transactions, channel, uninterrupted);
  const topic = await session.topic(source, signal);
  const record = new ResolvedRecord(session, topic);
  const sets = new Map(await record.read(signal));
  const recorder = await record.openIn(transactions, uninterrupted);
  const { edges } = await OffsetResolver.open(
    session,
    topic,
    topic.partitions.map(({ partition }) => partition),
    true,
    signal,
  );
  for (const [partition, { start }] of edges) {
    const set = sets.get(partition) ?? new ResolvedSet(start);
    // What retention has taken needs no remembering.
    set.addRange(set.watermark, start - 1);
    sets.set(partition, set);
  }
  const starts = new Map([...edges].map(([partition, { start }]) => [partition, start]));
  return { transactions, publisher, sets, record, recorder, starts };
}

/** All that a move of this name may have written to. */
async function reachOf(
  { session, source, channel }: MoveOptions,
  signal: AbortSignal,
): Promise<TransactionReach> {
  const group = resolvedGroup(source);
  const dead = await session.topic(source, signal);
  const { elsewhere } = await readResolved(session, group, source, signal);
  const names = new Set([channel, ...elsewhere.values()]);
  if (session.resolvedTopic !== null) names.add(session.resolvedTopic);
  const { topics } = await session.metadata([...names], signal);
  const partitions = new Map(
    topics.map((each) => [each.topic, each.partitions.map(({ partition }) => partition)] as const),
  );
  const part = { topic: source, partitions: dead.partitions.map(({ partition }) => partition) };
  return { partitions, groups: new Map([[group, part]]) };
}
