import { setTimeout as sleep } from 'node:timers/promises';
import { DeniedError, FailedError, UnreachableError } from '../../errors.ts';
import type { MqctlError } from '../../errors.ts';
import { protocolFailure } from './failures.ts';
import { eachInFlight } from './in-flight.ts';
import { moveId, movesOf, parseMoveId } from './move-id.ts';
import type { MoveId } from './move-id.ts';
import { isRetriable } from './protocol/error-codes.ts';
import { listTransactions } from './protocol/transactions/list-transactions.ts';
import type { Session } from './session.ts';
import { takeOver } from './take-over.ts';
import type { TransactionReach } from './transaction-marks.ts';
import { describe, pauseMs } from './transaction-requests.ts';
import { endedMs } from './transaction-times.ts';

/**
 * Fences every other redrive of the same dead letters, and sees to its end what it left open: as it had decided, else aborted. Without
 * this a run that was suspended could still end its last transaction, and what is moved here were moved twice.
 *
 * Those of another login that this one may not end are left as they are. Throws `FailedError`, retriable, where it takes too long.
 */
export async function endFormerMoves(
  session: Session,
  own: MoveId,
  reachOf: (channel: string) => Promise<TransactionReach>,
  signal: AbortSignal,
): Promise<void> {
  const ids = (await transactionalIds(session, movesOf(own.source), signal)).map(parseMoveId);
  const others = ids.filter((id) => id !== null && id.source === own.source && moveId(id) !== moveId(own));
  await eachInFlight(others, async (id) => {
    if (id === null) return;
    const transactionalId = moveId(id);
    const { errorCode, state, timeoutMs } = await describe(session, transactionalId, signal);
    if (errorCode === 0 && state === 'Empty' && timeoutMs === endedMs) return;
    const reach = await reachOf(id.channel);
    try {
      await takeOver(session, { transactionalId, timeoutMs: endedMs, reach, former: null }, signal);
    } catch (thrown) {
      if (thrown instanceof DeniedError) session.environment.log(`kafka ${thrown.message}: left as it is`);
      else if (thrown instanceof FailedError) throw ofFormer(thrown, id);
      else throw thrown;
    }
  });
}

/** Of all coordinators; none where the brokers are too old to tell. A broker that has gone is not asked again. */
async function transactionalIds(
  session: Session,
  pattern: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const deadline = Date.now() + session.environment.timeoutMs;
  for (let asked = 1; ; asked += 1) {
    try {
      await session.metadata([], signal);
      const answers = await eachInFlight([...session.nodes.keys()], async (node) =>
        (await session.versionAt(node, listTransactions, signal)) === null
          ? null
          : session.send(node, listTransactions, { pattern }, { signal, lane: 'transactions' }),
      );
      const failed = answers.find((answer) => answer !== null && answer.errorCode !== 0)?.errorCode ?? 0;
      if (failed === 0) return answers.flatMap((answer) => answer?.transactionalIds ?? []);
      if (!isRetriable(failed) || Date.now() > deadline) throw notListed(session, failed);
    } catch (thrown) {
      if (!(thrown instanceof UnreachableError) || Date.now() > deadline) throw thrown;
    }
    await sleep(pauseMs(asked), undefined, { signal });
  }
}

function notListed(session: Session, errorCode: number): MqctlError {
  const subject = { doing: 'list the transactions of', kind: 'cluster', name: session.target } as const;
  return protocolFailure(errorCode, { ...subject, where: session.target });
}

function ofFormer(failure: FailedError, { channel, name }: MoveId): FailedError {
  return new FailedError(
    `an earlier redrive to "${channel}" (${name}) is not at its end: ${failure.message}`,
    {
      hint: 'a partition may be without a leader: see "mqctl status"',
      retriable: failure.retriable,
      cause: failure,
    },
  );
}
