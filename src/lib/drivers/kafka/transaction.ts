import { setTimeout as sleep } from 'node:timers/promises';
import { FailedError, MqctlError } from '../../errors.ts';
import type { Api } from './protocol/api.ts';
import { isRetriable } from './protocol/error-codes.ts';
import { addOffsetsToTxn } from './protocol/transactions/add-offsets-to-txn.ts';
import { addPartitionsToTxn } from './protocol/transactions/add-partitions-to-txn.ts';
import { describeTransactions } from './protocol/transactions/describe-transactions.ts';
import { endTxn } from './protocol/transactions/end-txn.ts';
import type { TransactionIdentity } from './protocol/transactions/transaction-identity.ts';
import { txnOffsetCommit } from './protocol/transactions/txn-offset-commit.ts';
import type { TxnOffsetCommitRequest } from './protocol/transactions/txn-offset-commit.ts';
import type { Session } from './session.ts';
import { TransactionMarks } from './transaction-marks.ts';
import type { GroupPart, TransactionReach } from './transaction-marks.ts';
import {
  ask,
  describe,
  FencedError,
  nextEpoch,
  nextEpochFinishing,
  pauseMs,
} from './transaction-requests.ts';

/** After so many looks, some 30 ms: a broker may apply a mark a moment after it told that it has it. */
const surelyMarked = 5;

interface Decided extends TransactionReach {
  readonly commit: boolean;
}

/**
 * Transactions of one transactional id, one after the other (KIP-98), in the protocol that brokers with `transaction.version` 2
 * still speak with older clients. Whoever opens the same id later fences this one.
 */
export class Transactions {
  readonly #session: Session;
  readonly #timeoutMs: number;
  #identity: TransactionIdentity;
  /** This epoch is there to write marks of a commit that were left out. */
  #finishing = false;
  /** Of the open transaction: partitions by topic, and groups. */
  readonly #partitions = new Map<string, Set<number>>();
  readonly #groups = new Map<string, GroupPart>();
  readonly #marks: TransactionMarks;
  /** The last transaction that was ended, and how. */
  #decided: Decided | null = null;
  /** In which another producer has a transaction open: they do not tell of ours. */
  readonly #occupied = new Set<string>();
  #ended: FailedError | null = null;

  private constructor(session: Session, identity: TransactionIdentity, timeoutMs: number) {
    this.#session = session;
    this.#identity = identity;
    this.#timeoutMs = timeoutMs;
    this.#marks = new TransactionMarks(session, identity.producerId);
  }

  /**
   * Fences who had this id before and ends their open transaction. `timeoutMs` is after how long the broker aborts a transaction
   * that nobody ends: until then readers of committed records wait. Throws `DeniedError`, `FailedError`, `UnreachableError`.
   */
  static async open(
    session: Session,
    transactionalId: string,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Transactions> {
    const identity = await nextEpoch(session, { transactionalId, timeoutMs }, signal);
    return new Transactions(session, identity, timeoutMs);
  }

  /** An id that is taken over, under its next epoch: `finishing` says that its last transaction is committed, and being finished. */
  static as(
    session: Session,
    identity: TransactionIdentity,
    timeoutMs: number,
    finishing: boolean,
  ): Transactions {
    const transactions = new Transactions(session, identity, timeoutMs);
    transactions.#finishing = finishing;
    return transactions;
  }

  /** Another one after a transaction of which marks had been left out. */
  get identity(): TransactionIdentity {
    return this.#identity;
  }

  /** As it was opened with. */
  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  /** Why the broker takes nothing of it any more; null: it does. */
  get ended(): FailedError | null {
    return this.#ended;
  }

  /** Whether there is anything to commit. */
  get begun(): boolean {
    return this.#partitions.size > 0 || this.#groups.size > 0;
  }

  /** Before the first batch to a partition. */
  async addPartitions(topic: string, partitions: readonly number[], signal: AbortSignal): Promise<void> {
    this.#refuseFinishing();
    const added = this.#partitions.get(topic) ?? new Set();
    const missing = partitions.filter((partition) => !added.has(partition));
    if (missing.length === 0) return;
    await this.#ask(addPartitionsToTxn, { ...this.#identity, topic, partitions: missing }, signal);
    this.#partitions.set(topic, added.union(new Set(missing)));
  }

  /** Commits offsets of a group with the transaction. */
  async commitOffsets(
    request: Pick<TxnOffsetCommitRequest, 'group' | 'topic' | 'partitions'>,
    signal: AbortSignal,
  ): Promise<void> {
    this.#refuseFinishing();
    if (!this.#groups.has(request.group)) {
      await this.#ask(addOffsetsToTxn, { ...this.#identity, group: request.group }, signal);
    }
    const { group, topic } = request;
    const before = this.#groups.get(group)?.partitions ?? [];
    const partitions = [...new Set([...before, ...request.partitions.map(({ partition }) => partition)])];
    this.#groups.set(group, { topic, partitions });
    const commit = { ...this.#identity, ...request };
    await this.#unfenced(ask(this.#session, 'group', request.group, txnOffsetCommit, commit, signal));
  }

  /** Decides it. What was decided stands from then on, and shows a little later: `shown`. */
  async end(commit: boolean, signal: AbortSignal): Promise<void> {
    if (!this.begun) return;
    await this.#ask(endTxn, { ...this.#identity, commit }, signal);
    const partitions = new Map([...this.#partitions].map(([topic, list]) => [topic, [...list]]));
    this.decided(commit, { partitions, groups: new Map(this.#groups) });
    this.#partitions.clear();
    this.#groups.clear();
  }

  /** That a transaction of this producer which reached no further than this has been ended. */
  decided(commit: boolean, reach: TransactionReach): void {
    this.#decided = { ...reach, commit };
  }

  /**
   * After `end`: waits until every partition shows it. The coordinator answers `end` as soon as it is decided, and writes the marks
   * to the partitions then: on a broker that has just started, that takes a moment. A mark that it has left out is written by
   * another transaction of this id, with nothing in it. False: the time-out has passed, and not all of them are seen.
   * Throws `FailedError` where a newer run has taken over.
   */
  async shown(signal: AbortSignal): Promise<boolean> {
    const decided = this.#decided;
    if (decided === null) return true;
    const session = this.#session;
    const timeUp = AbortSignal.timeout(session.environment.timeoutMs);
    const either = AbortSignal.any([signal, timeUp]);
    const repeated = new Set<string>();
    for (let asked = 1; !timeUp.aborted; asked += 1) {
      try {
        if ((await session.versionAtAny(describeTransactions, either)) === null) return true;
        if (
          (await this.#isComplete(either)) &&
          (await this.#isMarked(decided, repeated, asked > surelyMarked, either))
        ) {
          await this.#goOn(either);
          return true;
        }
        await sleep(pauseMs(asked), undefined, { signal: either });
      } catch (thrown) {
        signal.throwIfAborted();
        if (timeUp.aborted) break;
        if (!(thrown instanceof MqctlError) || this.#ended !== null) throw thrown;
        session.environment.log(`whether the transaction shows: ${thrown.message}`);
        await sleep(pauseMs(asked));
      }
    }
    return false;
  }

  /** Whether the coordinator holds that all is marked; also where this login may not ask. */
  async #isComplete(signal: AbortSignal): Promise<boolean> {
    const { transactionalId, producerId, epoch } = this.#identity;
    const told = await describe(this.#session, transactionalId, signal);
    if (told.errorCode !== 0) return !isRetriable(told.errorCode);
    // What is open now may be of a newer run.
    if (told.producerId !== producerId || told.epoch !== epoch) throw this.fenced();
    return !told.state.startsWith('Prepare');
  }

  /**
   * Whether every partition has its mark; what is missing is written, and looked for again the next time. `sure`: it would be there
   * by now, unless it was left out.
   */
  async #isMarked(
    decided: Decided,
    repeated: Set<string>,
    sure: boolean,
    signal: AbortSignal,
  ): Promise<boolean> {
    const missing = await this.#marks.missing(decided, signal);
    for (const group of this.#occupied) if (!missing.groups.has(group)) this.#occupied.delete(group);
    for (const group of missing.groups.keys()) if (repeated.has(group)) this.#occupied.add(group);
    const groups = this.#notOccupied(missing.groups);
    if (missing.partitions.size === 0 && groups.size === 0) return !missing.untold;
    if (!sure) return false;
    await this.#markAgain(decided.commit, { partitions: missing.partitions, groups }, signal);
    for (const group of groups.keys()) repeated.add(group);
    return false;
  }

  /** Whoever takes over would commit it with what is being finished. */
  #refuseFinishing(): void {
    if (this.#finishing) throw notShown(this.#session, true);
  }

  #notOccupied(groups: ReadonlyMap<string, GroupPart>): ReadonlyMap<string, GroupPart> {
    return new Map([...groups].filter(([group]) => !this.#occupied.has(group)));
  }

  /** The same decision once more, for where the first one was not marked. */
  async #markAgain(
    commit: boolean,
    { partitions, groups }: TransactionReach,
    signal: AbortSignal,
  ): Promise<void> {
    const names = [...partitions].map(([topic, list]) => `${topic}-${list.join(',')}`);
    const where = [...names, ...groups.keys()].join(', ');
    this.#session.environment.log(
      `kafka transaction ${this.#identity.transactionalId}: the coordinator left out the mark in ${where}: it is written now`,
    );
    // First of all: whoever comes next sees that it was committed, and has time to.
    if (commit && !this.#finishing) {
      this.#identity = await this.#unfenced(nextEpochFinishing(this.#session, this.#identity, signal));
      this.#finishing = true;
    }
    for (const group of groups.keys()) await this.#ask(addOffsetsToTxn, { ...this.#identity, group }, signal);
    for (const [topic, list] of partitions)
      await this.#ask(addPartitionsToTxn, { ...this.#identity, topic, partitions: list }, signal);
    await this.#ask(endTxn, { ...this.#identity, commit }, signal);
  }

  /** All is marked: what is begun from now on is undecided again. */
  async #goOn(signal: AbortSignal): Promise<void> {
    if (!this.#finishing) return;
    const { transactionalId, ...current } = this.#identity;
    const request = { transactionalId, timeoutMs: this.#timeoutMs, current };
    this.#identity = await this.#unfenced(nextEpoch(this.#session, request, signal));
    this.#finishing = false;
  }

  async #ask<Request>(
    api: Api<Request, { readonly errorCode: number }>,
    request: Request,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#unfenced(
      ask(this.#session, 'transaction', this.#identity.transactionalId, api, request, signal),
    );
  }

  async #unfenced<Answer>(work: Promise<Answer>): Promise<Answer> {
    try {
      return await work;
    } catch (thrown) {
      if (!(thrown instanceof FencedError)) throw thrown;
      this.#ended = this.fenced();
      throw this.#ended;
    }
  }

  /** The error for an answer that says that this producer was fenced. */
  fenced(): FailedError {
    this.#ended ??= new FailedError(
      `the transaction "${this.#identity.transactionalId}" was ended by the broker: it ran longer than ${String(this.#timeoutMs / 1000)} s, or another run took it over`,
      {
        hint:
          this.#decided?.commit === true
            ? 'what was committed before stays so; what came after is not visible: look at the destination before it is sent again'
            : 'nothing of it is visible; run it again',
      },
    );
    return this.#ended;
  }
}

/** Aborts what was begun, and waits until that shows, or the time-out has passed. What is decided already stays as it is. */
export async function abandon(transactions: Transactions): Promise<void> {
  if (!transactions.begun) return;
  const uninterrupted = new AbortController().signal;
  await transactions.end(false, uninterrupted);
  await transactions.shown(uninterrupted);
}

/** For a transaction that is decided, and of which not every partition shows it within the time-out. */
export function notShown(session: Session, committed: boolean): FailedError {
  const seconds = String(session.environment.timeoutMs / 1000);
  return new FailedError(
    `a transaction is ${committed ? 'committed' : 'aborted'}, and not all partitions that it wrote to show it after ${seconds} s`,
    { hint: 'a partition may be without a leader: see "mqctl status"', retriable: true },
  );
}
