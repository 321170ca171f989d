import { setTimeout as sleep } from 'node:timers/promises';
import { UnreachableError } from '../../errors.ts';
import { protocolFailure } from './failures.ts';
import type { Api } from './protocol/api.ts';
import { errorCodes } from './protocol/error-codes.ts';
import { describeTransactions } from './protocol/transactions/describe-transactions.ts';
import type { TransactionState } from './protocol/transactions/describe-transactions.ts';
import { initProducerId } from './protocol/transactions/init-producer-id.ts';
import type { InitProducerIdRequest } from './protocol/transactions/init-producer-id.ts';
import type { TransactionIdentity } from './protocol/transactions/transaction-identity.ts';
import type { Session } from './session.ts';
import { finishingMs } from './transaction-times.ts';

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

/** Mostly it takes the broker a few milliseconds, which a redrive waits for with every batch. */
const longestPauseMs = 20;

/** Before the next time that the broker is asked, in milliseconds. `asked`: how often it was. */
export function pauseMs(asked: number): number {
  return Math.min(longestPauseMs, 2 ** (asked - 1));
}

/** One of `fencedCodes` was the answer. */
export class FencedError extends Error {}

/** Sends until it is done or the time-out has passed: each of these requests may be repeated. */
export async function ask<Request, Response extends { readonly errorCode: number }>(
  session: Session,
  kind: 'transaction' | 'group',
  key: string,
  api: Api<Request, Response>,
  request: Request,
  signal: AbortSignal,
  taken: ReadonlySet<number> = new Set([0]),
): Promise<Response> {
  const deadline = Date.now() + session.environment.timeoutMs;
  for (let asked = 1; ; asked += 1) {
    try {
      const response = await session.sendToCoordinator(kind, key, api, request, {
        signal,
        lane: 'transactions',
      });
      const { errorCode } = response;
      if (taken.has(errorCode)) return response;
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
    await sleep(pauseMs(asked), undefined, { signal });
  }
}

/** How the coordinator holds the last transaction of an id. Throws `UnreachableError`. */
export async function describe(
  session: Session,
  transactionalId: string,
  signal: AbortSignal,
): Promise<TransactionState> {
  const options = { signal, lane: 'transactions' } as const;
  try {
    return await session.sendToCoordinator(
      'transaction',
      transactionalId,
      describeTransactions,
      transactionalId,
      options,
    );
  } catch (thrown) {
    if (thrown instanceof UnreachableError) session.forgetCoordinator('transaction', transactionalId);
    throw thrown;
  }
}

/** The next epoch of an id: fences who had it, and has what they left open aborted. Throws `FencedError`. */
export async function nextEpoch(
  session: Session,
  request: InitProducerIdRequest & { readonly transactionalId: string },
  signal: AbortSignal,
): Promise<TransactionIdentity> {
  const { transactionalId } = request;
  const { producerId, epoch } = await ask(
    session,
    'transaction',
    transactionalId,
    initProducerId,
    request,
    signal,
  );
  return { transactionalId, producerId, epoch };
}

const orTooLong: ReadonlySet<number> = new Set([0, errorCodes.INVALID_TRANSACTION_TIMEOUT]);

/** The same, noting that the last transaction is committed and is being finished. Throws `FencedError`. */
export async function nextEpochFinishing(
  session: Session,
  { transactionalId, ...current }: TransactionIdentity,
  signal: AbortSignal,
): Promise<TransactionIdentity> {
  const [long, short] = finishingMs;
  const request = { transactionalId, timeoutMs: long, current };
  const { errorCode, producerId, epoch } = await ask(
    session,
    'transaction',
    transactionalId,
    initProducerId,
    request,
    signal,
    orTooLong,
  );
  if (errorCode === 0) return { transactionalId, producerId, epoch };
  return nextEpoch(session, { ...request, timeoutMs: short }, signal);
}
