/**
 * Publishing with confirms and `mandatory`: a message is accepted when every queue that it was routed to has it.
 *
 * Where a message goes is the channel's: a queue by the default exchange, or `exchange:NAME` with the property
 * `routingKey`. The properties `exchange` and (to a queue) `routingKey` are facts of how a consumed message came, and never
 * lead a message elsewhere than to the channel that was named.
 *
 * What has no property `exchange` is new, not consumed: it is made persistent unless it says otherwise.
 */
import { UnsupportedError, UsageError } from '../../errors.ts';
import type { Publish, PublishRequest } from '../driver.ts';
import { parseChannelName } from './channel-name.ts';
import { openLane, requireChannel } from './open-lane.ts';
import { RabbitmqPublisher } from './publisher.ts';
import type { Session } from './session.ts';

/** Opening throws `NotFoundError`, `UnsupportedError` for transactions, `UsageError` for compression. */
export function publish(session: Session): Publish {
  return {
    async open(request, signal) {
      refuseUnsupported(request);
      const channel = parseChannelName(request.channel);
      const connection = await session.connection('publish', signal);
      await requireChannel(session, connection, channel, signal);
      const lane = await openLane(session, connection, request.delivery !== 'at-most-once', signal);
      return new RabbitmqPublisher(session, connection, channel, lane, request, signal);
    },

    async limits(channel, signal) {
      const connection = await session.connection('publish', signal);
      await requireChannel(session, connection, parseChannelName(channel), signal);
      // `max_message_size` cannot be asked for; it is learnt when it is met.
      return { messageBytes: null, headers: null, retentionMs: null };
    },
  };
}

function refuseUnsupported({ delivery, compression }: PublishRequest): void {
  if (delivery === 'transactional')
    throw new UnsupportedError('RabbitMQ has no transactions that hold for more than one queue', {
      hint: 'use --delivery at-least-once: each message is confirmed',
    });
  if (compression !== null)
    throw new UsageError('RabbitMQ does not compress messages', {
      hint: 'compress the value yourself, and say how with --property contentEncoding=gzip',
    });
}
