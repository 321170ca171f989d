/** Taking messages from a queue: each is acknowledged, given back, or given back by the broker when the channel ends. */
import { UnsupportedError, UsageError } from '../../errors.ts';
import type { Positions } from '../../message/position.ts';
import type { Claim, ClaimRequest } from '../driver.ts';
import { deletesItself } from './auto-delete.ts';
import { readableQueue } from './channel-name.ts';
import { QueueClaiming } from './claiming.ts';
import { declaration } from './declaration.ts';
import { goesBackByClosing } from './delivery-limit.ts';
import type { Management } from './management.ts';
import { queueType } from './queue-type.ts';
import type { Session } from './session.ts';

/** Opening throws `NotFoundError`, `UsageError` for what cannot be asked of a queue, `UnsupportedError` for a stream. */
export function claim(session: Session, management: Management): Claim {
  return {
    async open(request, signal) {
      const queue = readableQueue(request.channel);
      refuseUnsupported(request);
      if ((await queueType(session, queue, signal)) === 'stream')
        throw new UnsupportedError(`"${queue}" is a stream: reading takes nothing from it`, {
          hint: 'look at it, from an offset or a time: consume --from',
        });
      const { channel, window, follow } = request;
      const oneByOne = !follow && (await deletesItself(session, management, queue, signal));
      const closeToGiveBack = !oneByOne && (await goesBackByClosing(session, management, queue, signal));
      return QueueClaiming.open(
        session,
        queue,
        { channel, window, follow, oneByOne, closeToGiveBack },
        signal,
      );
    },
  };
}

function isStart(from: Positions): boolean {
  return 'every' in from && from.every.kind === 'start' && from.every.shift === 0n;
}

const holdLimit = declaration.facets.claim?.holdLimit ?? 0;

function refuseUnsupported(request: ClaimRequest): void {
  if (request.group !== null)
    throw new UsageError('a RabbitMQ queue has no groups', { hint: 'leave --group out, and use --ack' });
  if (request.from !== null && !isStart(request.from))
    throw new UsageError('a RabbitMQ queue is taken from its start', { hint: 'leave --from out' });
  if (request.select !== null)
    throw new UsageError('messages of a RabbitMQ queue have no names to be claimed by');
  if (request.window < 1 || request.window > holdLimit)
    throw new UsageError(`${String(request.window)} messages cannot be held at once`, {
      hint: `from 1 to ${String(holdLimit)} can`,
    });
}
