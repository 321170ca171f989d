/** Making, deleting and emptying queues, streams and exchanges. */
import type { ChannelModel } from 'amqplib';
import { FailedError, NotFoundError, UnsupportedError, UsageError } from '../../errors.ts';
import type { Admin, CreateRequest } from '../driver.ts';
import { AmqpQueues, codeOf, replyCode } from './amqp-queues.ts';
import type { QueueDeclaration } from './amqp-queues.ts';
import { exchangeTypes, queueTypes, parseSettings } from './declare-settings.ts';
import type { Management } from './management.ts';
import { queueFacts } from './queue-facts.ts';

export interface AdminContext {
  readonly management: Management;
  readonly queues: AmqpQueues;
  /** A connection beside the driver's; `name` is shown to operators. */
  readonly connect: (name: string, signal: AbortSignal) => Promise<ChannelModel>;
  readonly timeoutMs: number;
  readonly vhost: string;
  readonly target: string;
}

export function admin(context: AdminContext): Admin {
  const { queues, target } = context;
  return {
    async create(request, signal) {
      if (request.type === 'exchange') await createExchange(queues, request, target, signal);
      else await createQueue(queues, request, target, signal);
    },

    async delete(channel, signal) {
      if ((await queues.check(channel, signal)) !== null) await queues.deleteQueue(channel, signal);
      else if (await queues.hasExchange(channel, signal)) await queues.deleteExchange(channel, signal);
      else throw new NotFoundError('queue', channel, target);
    },

    async purge(channel, signal) {
      if ((await queues.check(channel, signal)) === null) throw new NotFoundError('queue', channel, target);
      const { api } = await context.management.reach(signal);
      const facts = api === null ? null : await queueFacts(api, context.vhost, channel, signal);
      if (facts?.type === 'stream') throw streamsCannot(channel);
      return purgeAlone(context, channel, signal);
    },
  };
}

/** On a connection of its own: asked to purge a stream, RabbitMQ closes the connection, not only the channel. */
async function purgeAlone(context: AdminContext, channel: string, signal: AbortSignal): Promise<number> {
  const connection = await context.connect(`mqctl purge ${channel}`, signal);
  let closedBy: unknown = null;
  connection.on('error', (error) => {
    closedBy = error;
  });
  try {
    const openChannel = () => connection.createChannel();
    return await new AmqpQueues({ openChannel, timeoutMs: context.timeoutMs }).purge(channel, signal);
  } catch (error) {
    if (codeOf(closedBy) === replyCode.notImplemented) throw streamsCannot(channel);
    throw error;
  } finally {
    await connection.close().catch(() => undefined);
  }
}

function streamsCannot(channel: string): UnsupportedError {
  return new UnsupportedError(`"${channel}" is a stream: RabbitMQ cannot purge streams`, {
    hint: 'limit it by its retention (x-max-age, x-max-length-bytes), or delete and create it again',
  });
}

async function createQueue(
  queues: AmqpQueues,
  request: CreateRequest,
  target: string,
  signal: AbortSignal,
): Promise<void> {
  const { channel, deadLetter } = request;
  const type = request.type ?? queueTypes[0];
  if (!queueTypes.some((known) => known === type))
    throw new UsageError(`RabbitMQ has no queues of type "${type}"`, {
      hint: `use one of ${[...queueTypes, 'exchange'].join(', ')}`,
    });
  if (request.partitions !== null)
    throw new UsageError('RabbitMQ queues have no partitions', { hint: 'leave --partitions out' });
  const settings = parseSettings(type, request.settings);
  if (deadLetter !== null) {
    if (type === 'stream')
      throw new UsageError('a stream has no dead letters', { hint: 'leave --dead-letter out' });
    // Without that queue, dead letters would be dropped without a word.
    if ((await queues.check(deadLetter, signal)) === null)
      throw new NotFoundError('queue', deadLetter, target, {
        hint: `create it first: mqctl create ${deadLetter}`,
      });
  }
  if ((await queues.check(channel, signal)) !== null) throw exists('queue', channel, target);
  const declaration: QueueDeclaration = {
    ...settings,
    arguments: {
      ...settings.arguments,
      'x-queue-type': type,
      ...(deadLetter !== null && { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': deadLetter }),
    },
  };
  await queues.declareQueue(channel, declaration, signal);
}

async function createExchange(
  queues: AmqpQueues,
  request: CreateRequest,
  target: string,
  signal: AbortSignal,
): Promise<void> {
  const { channel } = request;
  if (request.partitions !== null || request.deadLetter !== null)
    throw new UsageError('an exchange has neither partitions nor dead letters');
  const { type = exchangeTypes[0], ...others } = request.settings;
  const settings = parseSettings('exchange', others);
  if (await queues.hasExchange(channel, signal)) throw exists('exchange', channel, target);
  await queues.declareExchange(channel, type, settings, signal);
}

function exists(kind: string, channel: string, target: string): FailedError {
  return new FailedError(`${kind} "${channel}" is at ${target} already`, {
    code: 'EXISTS',
    hint: `see it with: mqctl describe ${channel}`,
  });
}
