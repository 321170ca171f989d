import { setTimeout as sleep } from 'node:timers/promises';
import type { FailedError } from '../../errors.ts';
import { isRetriable } from './protocol/error-codes.ts';
import { describeTransactions } from './protocol/transactions/describe-transactions.ts';
import type { TransactionState } from './protocol/transactions/describe-transactions.ts';
import { endTxn } from './protocol/transactions/end-txn.ts';
import type { TransactionIdentity } from './protocol/transactions/transaction-identity.ts';
import type { Session } from './session.ts';
import { notShown, Transactions } from './transaction.ts';
import type { TransactionReach } from './transaction-marks.ts';
import { describe, FencedError, nextEpoch, nextEpochFinishing, pauseMs } from './transaction-requests.ts';
import { isFinishing, undoneMs } from './transaction-times.ts';

export interface TakeOver {
  readonly transactionalId: string;
  /** Of what is begun from now on; one of `transaction-times`. */
  readonly timeoutMs: number;
  /** All that the run before may have written to. */
  readonly reach: TransactionReach;
  /** Which run that was, where it is known; null: whichever. */
  readonly former: TransactionIdentity | null;
}

/**
 * As `Transactions.open`, for an id that is used again: what the run before had decided is first seen to its end everywhere that
 * it may have written to; what it had not decided is aborted. Throws `FailedError`: retriable where that takes too long; not where
 * it is not the run that was meant which has the id.
 */
export async function takeOver(
  session: Session,
  request: TakeOver,
  signal: AbortSignal,
): Promise<Transactions> {
  const { transactionalId } = request;
  if ((await session.versionAtAny(describeTransactions, signal)) === null)
    return openUnseen(session, request, signal);
  const deadline = Date.now() + session.environment.timeoutMs;
  for (let asked = 1; ; asked += 1) {
    const told = await describe(session, transactionalId, signal);
    // Never used, or not ours to see.
    if (told.errorCode === 0 ? told.state === 'Dead' : !isRetriable(told.errorCode))
      return openUnseen(session, request, signal);
    if (told.errorCode === 0) {
      refuseOther(session, request, told);
      const taken = await step(session, request, told, signal);
      if (taken !== null) return taken;
    }
    if (Date.now() > deadline) throw notShown(session, told.state === 'PrepareCommit');
    await sleep(pauseMs(asked), undefined, { signal });
  }
}

/** Where the state is not told. */
async function openUnseen(
  session: Session,
  { transactionalId, timeoutMs, former }: TakeOver,
  signal: AbortSignal,
): Promise<Transactions> {
  if (former === null) return Transactions.open(session, transactionalId, timeoutMs, signal);
  try {
    const identity = await nextEpoch(session, { transactionalId, timeoutMs, current: former }, signal);
    return Transactions.as(session, identity, timeoutMs, false);
  } catch (thrown) {
    throw thrown instanceof FencedError ? fencedOff(session, former, timeoutMs) : thrown;
  }
}

/** What is next in this state; null: look at the state again. */
async function step(
  session: Session,
  { transactionalId, timeoutMs, reach, former }: TakeOver,
  { state, timeoutMs: noted, producerId, epoch }: TransactionState,
  signal: AbortSignal,
): Promise<Transactions | null> {
  const identity = { transactionalId, producerId, epoch };
  const finishing = isFinishing(noted);
  // What is open and another's is not ended here: it is fenced below, which aborts it, so that nothing is added to it after that.
  if (state === 'Ongoing' && (finishing || former !== null)) {
    // Whatever comes of it shows in the state.
    const request = { ...identity, commit: finishing };
    await session.sendToCoordinator('transaction', transactionalId, endTxn, request, {
      signal,
      lane: 'transactions',
    });
    return null;
  }
  if (state.startsWith('Prepare')) return null;
  const commit = state === 'CompleteCommit' || (state === 'Empty' && finishing);
  const undone = noted === undoneMs || (state === 'CompleteAbort' && finishing);
  const next = undone ? undoneMs : timeoutMs;
  try {
    // The run before is fenced in the same step in which what it decided is noted: it may still be alive.
    const taken = commit
      ? await nextEpochFinishing(session, identity, signal)
      : await nextEpoch(session, { transactionalId, timeoutMs: next, current: identity }, signal);
    const transactions = Transactions.as(session, taken, next, commit);
    transactions.decided(commit, reach);
    if (await transactions.shown(signal)) return transactions;
    throw notShown(session, commit);
  } catch (thrown) {
    // It had gone on, or what it had open has been aborted.
    if (thrown instanceof FencedError) return null;
    throw thrown;
  }
}

/** A run that was taken over does not take over in its turn. */
function refuseOther(session: Session, { former, timeoutMs }: TakeOver, told: TransactionState): void {
  if (former === null) return;
  if (told.producerId === former.producerId && told.epoch === former.epoch) return;
  throw fencedOff(session, former, timeoutMs);
}

function fencedOff(session: Session, former: TransactionIdentity, timeoutMs: number): FailedError {
  return Transactions.as(session, former, timeoutMs, false).fenced();
}
