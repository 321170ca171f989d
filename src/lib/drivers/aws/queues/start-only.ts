/** A queue is read from its front: there is no other place. */
import { UsageError } from '../../../errors.ts';
import type { Positions } from '../../../message/position.ts';

function isMark(positions: Positions, kind: 'start' | 'end'): boolean {
  if (!('every' in positions)) return false;
  const { every } = positions;
  return every.kind === kind && every.shift === 0n;
}

/** Throws `UsageError`. */
export function refusePositions(
  from: Positions | null,
  until: Positions | null,
  partitions: readonly string[] | null,
): void {
  if (partitions !== null)
    throw new UsageError('a queue of SQS has no partitions', { hint: 'leave --partition out' });
  if ((from !== null && !isMark(from, 'start')) || (until !== null && !isMark(until, 'end')))
    throw new UsageError('a queue of SQS is read from its front only', {
      hint: 'leave --from and --until out, and choose with --filter',
    });
}
