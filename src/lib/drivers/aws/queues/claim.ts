/** Taking messages from a queue: each is deleted, given back, or comes back by itself when its lease ends. */
import { UsageError } from '../../../errors.ts';
import type { Claim } from '../../driver.ts';
import { QueueClaiming } from './claiming.ts';
import type { Session } from './session.ts';
import { refusePositions } from './start-only.ts';

/** Opening throws `NotFoundError`, `UsageError` for a group, messages by reference, and another place than the start. */
export function claim(session: Session): Claim {
  return {
    async open(request, signal) {
      if (request.group !== null)
        throw new UsageError('a queue of SQS has no groups', { hint: 'leave --group out, and use --ack' });
      if (request.select !== null)
        throw new UsageError(
          'messages of SQS cannot be asked for by name: they come in an order of SQS’s own',
        );
      refusePositions(request.from, null, null);
      return QueueClaiming.open(session, request, signal);
    },
  };
}
