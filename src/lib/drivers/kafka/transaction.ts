import { setTimeout as sleep } from 'node:timers/promises';
import { FailedError, MqctlError, UnreachableError } from '../../errors.ts';
import { protocolFailure } from './failures.ts';
import type { Api } from './protocol/api.ts';
import { errorCodes, isRetriable } from './protocol/error-codes.ts';
import { addOffsetsToTxn } from './protocol/transactions/add-offsets-to-txn.ts';
import { addPartitionsToTxn } from './protocol/transactions/add-partitions-to-txn.ts';
import { describeTransactions } from './protocol/transactions/describe-transactions.ts';
import type { TransactionState } from './protocol/transactions/describe-transactions.ts';
import { endTxn } from './protocol/transactions/end-txn.ts';
import { initProducerId } from './protocol/transactions/init-producer-id.ts';
import type { TransactionIdentity } from './protocol/transactions/transaction-identity.ts';
import { txnOffsetCommit } from './protocol/transactions/txn-offset-commit.ts';
import type { TxnOffsetCommitRequest } from './protocol/transactions/txn-offset-commit.ts';
import type { Session } from './session.ts';
import { TransactionMarks } from './transaction-marks.ts';
import type { GroupPart, TransactionReach } from './transaction-marks.ts';

/** The old transaction is still being ended, or the coordinator is moving: the same request goes through soon. */
const soon: ReadonlySet<number> = new Set([
  errorCodes.CONCURRENT_TRANSACTIONS,
  errorCodes.COORDINATOR_LOAD_IN_PROGRESS,
  errorCodes.COORDINATOR_NOT_AVAILABLE,
  errorCodes.NOT_COORDINATOR,
  errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
]);

/** Answers that say that a newer producer has this transactional id, or that the broker ended the transaction. */
export const fencedCodes: ReadonlySet<number> = new Set([
  errorCodes.INVALID_PRODUCER_EPOCH,
  errorCodes.PRODUCER_FENCED,
  errorCodes.INVALID_PRODUCER_ID_MAPPING,
  errorCodes.INVALID_TXN_STATE,
]);

const pauseMs = 20;

/**
 * Transactions of one transactional id, one after the other (KIP-98), in the protocol that brokers with `transaction.version` 2
 * still speak with older clients. Whoever opens the same id later fences this one.
 */
export class Transactions {
  readonly identity: TransactionIdentity;
  readonly #session: Session;
  readonly #timeoutMs: number;
  /** Of the open transaction: partitions by topic, and groups. */
  readonly #partitions = new Map<string, Set<number>>();
  readonly #groups = new Map<string, GroupPart>();
  readonly #marks: TransactionMarks;
  /** The last transaction that was ended, and how. */
  #decided: (TransactionReach & { readonly commit: boolean }) | null = null;
  /** In which another producer has a transaction open: they do not tell of ours. */
  readonly #occupied = new Set<string>();
  #ended: FailedError | null = null;

  private constructor(session: Session, identity: TransactionIdentity, timeoutMs: number) {
    this.#session = session;
    this.identity = identity;
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
    const request = { transactionalId, timeoutMs };
    const { producerId, epoch } = await ask(
      session,
      'transaction',
      transactionalId,
      initProducerId,
      request,
      signal,
    );
    return new Transactions(session, { transactionalId, producerId, epoch }, timeoutMs);
  }

  /**
   * As `open`, for an id that is used again: what the run before had decided is first seen to its end everywhere that it may have
   * written to, which is `reach`; what it had not decided is aborted. Throws `FailedError`, retriable, where that takes too long.
   */
  static async takeOver(
    session: Session,
    transactionalId: string,
    timeoutMs: number,
    reach: TransactionReach,
    signal: AbortSignal,
  ): Promise<Transactions> {
    if ((await session.versionAtAny(describeTransactions, signal)) !== null)
      await endFormer(
        session,
        transactionalId,
        reach,
        (identity) => new Transactions(session, identity, timeoutMs),
        signal,
      );
    return Transactions.open(session, transactionalId, timeoutMs, signal);
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
    const added = this.#partitions.get(topic) ?? new Set();
    const missing = partitions.filter((partition) => !added.has(partition));
    if (missing.length === 0) return;
    await this.#ask(addPartitionsToTxn, { ...this.identity, topic, partitions: missing }, signal);
    this.#partitions.set(topic, added.union(new Set(missing)));
  }

  /** Commits offsets of a group with the transaction. */
  async commitOffsets(
    request: Pick<TxnOffsetCommitRequest, 'group' | 'topic' | 'partitions'>,
    signal: AbortSignal,
  ): Promise<void> {
    if (!this.#groups.has(request.group)) {
      await this.#ask(addOffsetsToTxn, { ...this.identity, group: request.group }, signal);
    }
    const { group, topic } = request;
    const before = this.#groups.get(group)?.partitions ?? [];
    const partitions = [...new Set([...before, ...request.partitions.map(({ partition }) => partition)])];
    this.#groups.set(group, { topic, partitions });
    const commit = { ...this.identity, ...request };
    await this.#unfenced(ask(this.#session, 'group', request.group, txnOffsetCommit, commit, signal));
  }

  /** Decides it. What was decided stands from then on, and shows a little later: `shown`. */
  async end(commit: boolean, signal: AbortSignal): Promise<void> {
    if (!this.begun) return;
    await this.#ask(endTxn, { ...this.identity, commit }, signal);
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
   * another transaction of this producer, with nothing in it. False: the time-out has passed, and not all of them are seen.
   * Throws `FailedError` where a newer run has taken over.
   */
  async shown(signal: AbortSignal): Promise<boolean> {
    const decided = this.#decided;
    if (decided === null) return true;
    const session = this.#session;
    const deadline = Date.now() + session.environment.timeoutMs;
    const repeated = new Set<string>();
    for (;;) {
      try {
        if ((await session.versionAtAny(describeTransactions, signal)) === null) return true;
        if (await this.#isComplete(signal)) {
          const missing = await this.#marks.missing(decided, signal);
          for (const group of this.#occupied) if (!missing.groups.has(group)) this.#occupied.delete(group);
          for (const group of missing.groups.keys()) if (repeated.has(group)) this.#occupied.add(group);
          const unmarked = this.#notOccupied(missing.groups);
          if (missing.partitions.size === 0 && unmarked.size === 0) {
            if (!missing.untold) return true;
          } else {
            await this.#markAgain(
              decided.commit,
              { partitions: missing.partitions, groups: unmarked },
              signal,
            );
            for (const group of unmarked.keys()) repeated.add(group);
          }
        }
      } catch (thrown) {
        if (!(thrown instanceof MqctlError) || this.#ended !== null) throw thrown;
        session.environment.log(`whether the transaction shows: ${thrown.message}`);
      }
      if (Date.now() > deadline) return false;
      await sleep(pauseMs, undefined, { signal });
    }
  }

  /** Whether the coordinator holds that all is marked; also where this login may not ask. */
  async #isComplete(signal: AbortSignal): Promise<boolean> {
    const { errorCode, state } = await describe(this.#session, this.identity.transactionalId, signal);
    return errorCode === 0 ? !state.startsWith('Prepare') : !isRetriable(errorCode);
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
      `kafka transaction ${this.identity.transactionalId}: the coordinator left out the mark in ${where}: it is written now`,
    );
    for (const group of groups.keys()) await this.#ask(addOffsetsToTxn, { ...this.identity, group }, signal);
    for (const [topic, list] of partitions)
      await this.#ask(addPartitionsToTxn, { ...this.identity, topic, partitions: list }, signal);
    await this.#ask(endTxn, { ...this.identity, commit }, signal);
  }

  async #ask<Request>(
    api: Api<Request, { readonly errorCode: number }>,
    request: Request,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#unfenced(
      ask(this.#session, 'transaction', this.identity.transactionalId, api, request, signal),
    );
  }

  async #unfenced(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (thrown) {
      if (!(thrown instanceof FencedError)) throw thrown;
      this.#ended = this.fenced();
      throw this.#ended;
    }
  }

  /** The error for an answer that says that this producer was fenced. */
  fenced(): FailedError {
    this.#ended ??= new FailedError(
      `the transaction "${this.identity.transactionalId}" was ended by the broker: it ran longer than ${String(this.#timeoutMs / 1000)} s, or another run took it over`,
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

class FencedError extends Error {}

function describe(session: Session, transactionalId: string, signal: AbortSignal): Promise<TransactionState> {
  const options = { signal, lane: 'transactions' } as const;
  return session.sendToCoordinator(
    'transaction',
    transactionalId,
    describeTransactions,
    transactionalId,
    options,
  );
}

/**
 * Sees to its end what the last producer with this id had begun. An id that is taken over without forgets how the last
 * transaction was decided, so this comes first.
 */
async function endFormer(
  session: Session,
  transactionalId: string,
  reach: TransactionReach,
  as: (identity: TransactionIdentity) => Transactions,
  signal: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + session.environment.timeoutMs;
  for (;;) {
    const { errorCode, state, producerId, epoch } = await describe(session, transactionalId, signal);
    // Never used, not ours to see, or nothing was begun since it was taken over.
    if (errorCode === 0 ? state === 'Empty' || state === 'Dead' : !isRetriable(errorCode)) return;
    const identity = { transactionalId, producerId, epoch };
    if (state === 'CompleteCommit' || state === 'CompleteAbort') {
      const former = as(identity);
      former.decided(state === 'CompleteCommit', reach);
      if (await former.shown(signal)) return;
      throw notShown(session, state === 'CompleteCommit');
    }
    // Whatever comes of it shows in the state.
    if (state === 'Ongoing')
      await session.sendToCoordinator(
        'transaction',
        transactionalId,
        endTxn,
        { ...identity, commit: false },
        { signal, lane: 'transactions' },
      );
    if (Date.now() > deadline) throw notShown(session, state === 'PrepareCommit');
    await sleep(pauseMs, undefined, { signal });
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

/** Sends until it is done or the time-out has passed: each of these requests may be repeated. */
async function ask<Request, Response extends { readonly errorCode: number }>(
  session: Session,
  kind: 'transaction' | 'group',
  key: string,
  api: Api<Request, Response>,
  request: Request,
  signal: AbortSignal,
): Promise<Response> {
  const deadline = Date.now() + session.environment.timeoutMs;
  for (;;) {
    try {
      const response = await session.sendToCoordinator(kind, key, api, request, {
        signal,
        lane: 'transactions',
      });
      const { errorCode } = response;
      if (errorCode === 0) return response;
      if (fencedCodes.has(errorCode)) throw new FencedError(String(errorCode));
      if (!soon.has(errorCode) || Date.now() > deadline) {
        throw protocolFailure(errorCode, {
          doing: `do ${api.name} for`,
          kind,
          name: key,
          where: session.target,
        });
      }
    } catch (thrown) {
      if (!(thrown instanceof UnreachableError) || Date.now() > deadline) throw thrown;
      session.forgetCoordinator(kind, key);
    }
    await sleep(pauseMs, undefined, { signal });
  }
}
