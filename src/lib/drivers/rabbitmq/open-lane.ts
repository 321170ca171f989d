/** The way to the broker on which one publisher writes: its AMQP channel, opened where the target is there. */
import { NotFoundError } from '../../errors.ts';
import type { AmqpConnection } from './amqp-client.ts';
import { AmqpQueues } from './amqp-queues.ts';
import type { ChannelName } from './channel-name.ts';
import { defaultsOf } from './outgoing-message.ts';
import { PublishLane } from './publish-lane.ts';
import type { Session } from './session.ts';

/** So many chunks may wait for the socket. */
const chunksWaiting = 4;

/** Nothing is created by publishing. Throws `NotFoundError`. */
export async function requireChannel(
  session: Session,
  connection: AmqpConnection,
  { kind, name }: ChannelName,
  signal: AbortSignal,
): Promise<void> {
  const queues = new AmqpQueues({
    timeoutMs: session.timeoutMs,
    openChannel: (aborting) => session.channelOn(connection, aborting),
  });
  if (kind === 'queue') {
    if ((await queues.check(name, signal)) === null) throw new NotFoundError('queue', name, session.target);
  } else if (name !== '' && !(await queues.hasExchange(name, signal))) {
    throw new NotFoundError('exchange', name, session.target);
  }
}

/** A channel of its own on the connection. `confirms` false: the broker does not say what became of a message. */
export async function openLane(
  session: Session,
  connection: AmqpConnection,
  confirms: boolean,
  signal: AbortSignal,
): Promise<PublishLane> {
  const channel = confirms
    ? await session.confirmChannelOn(connection, chunksWaiting, signal)
    : await session.channelOn(connection, signal);
  return new PublishLane(connection, channel, confirms, session.timeoutMs, defaultsOf);
}
