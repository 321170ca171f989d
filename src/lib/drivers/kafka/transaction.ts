import { setTimeout as sleep } from 'node:timers/promises';
import { FailedError, UnreachableError } from '../../errors.ts';
import { protocolFailure } from './failures.ts';
import type { Api } from './protocol/api.ts';
import { errorCodes } from './protocol/error-codes.ts';
import { addOffsetsToTxn } from './protocol/transactions/add-offsets-to-txn.ts';
import { addPartitionsToTxn } from './protocol/transactions/add-partitions-to-txn.ts';
import { describeTransactions } from './protocol/transactions/describe-transactions.ts';
import { endTxn } from './protocol/transactions/end-txn.ts';
import { initProducerId } from './protocol/transactions/init-producer-id.ts';
import type { TransactionIdentity } from './protocol/transactions/transaction-identity.ts';
import { txnOffsetCommit } from './protocol/transactions/txn-offset-commit.ts';
import type { TxnOffsetCommitRequest } from './protocol/transactions/txn-offset-commit.ts';
import type { Session } from './session.ts';

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
  readonly #groups = new Set<string>();
  #ended: FailedError | null = null;

  private constructor(session: Session, identity: TransactionIdentity, timeoutMs: number) {
    this.#session = session;
    this.identity = identity;
    this.#timeoutMs = timeoutMs;
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
      this.#groups.add(request.group);
    }
    const commit = { ...this.identity, ...request };
    await this.#unfenced(ask(this.#session, 'group', request.group, txnOffsetCommit, commit, signal));
  }

  async end(commit: boolean, signal: AbortSignal): Promise<void> {
    if (!this.begun) return;
    await this.#ask(endTxn, { ...this.identity, commit }, signal);
    this.#partitions.clear();
    this.#groups.clear();
  }

  /**
   * After `end`: waits until every partition shows it. The coordinator answers `end` as soon as it is decided, and writes the marks
   * to the partitions then: on a broker that has just started, that takes a moment. It is decided, however long it takes: so this
   * never throws but for an abort, and ends with the time-out.
   */
  async shown(signal: AbortSignal): Promise<void> {
    const { transactionalId } = this.identity;
    const session = this.#session;
    const deadline = Date.now() + session.environment.timeoutMs;
    try {
      if ((await session.versionAtAny(describeTransactions, signal)) === null) return;
      while (Date.now() < deadline) {
        const options = { signal, lane: 'transactions' } as const;
        const { errorCode, state } = await session.sendToCoordinator(
          'transaction',
          transactionalId,
          describeTransactions,
          transactionalId,
          options,
        );
        if (errorCode !== 0 || !state.startsWith('Prepare')) return;
        await sleep(pauseMs, undefined, { signal });
      }
    } catch (thrown) {
      if (!(thrown instanceof UnreachableError)) throw thrown;
      session.environment.log(`whether the transaction shows: ${thrown.message}`);
    }
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
      { hint: 'nothing of it is visible; run it again' },
    );
    return this.#ended;
  }
}

class FencedError extends Error {}

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
