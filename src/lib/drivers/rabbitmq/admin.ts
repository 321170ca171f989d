/** Making, deleting and emptying queues, streams and exchanges. */
import { FailedError, NotFoundError, UnsupportedError, UsageError } from '../../errors.ts';
import type { Admin, CreateRequest } from '../driver.ts';
import type { AmqpQueues, QueueDeclaration } from './amqp-queues.ts';
import { exchangeChannel, parseChannelName } from './channel-name.ts';
import { exchangeTypes, queueTypes, parseSettings } from './declare-settings.ts';
import type { Management } from './management.ts';
import { PolicySettings } from './policy-settings.ts';
import type { QueueType } from './queue-type.ts';
import { shellLine } from '../../shell-line.ts';

export interface AdminContext {
  readonly queues: AmqpQueues;
  readonly typeOf: (queue: string, signal: AbortSignal) => Promise<QueueType>;
  readonly management: Management;
  readonly vhost: string;
  /** For errors. */
  readonly target: string;
}

/**
 * Of queues and exchanges, over AMQP; settings are read and altered as policies. Throws `NotFoundError`, and `UnsupportedError`
 * where an exchange or a stream is to be purged.
 */
export function admin({ queues, typeOf, management, vhost, target }: AdminContext): Admin {
  const policies = new PolicySettings(management, vhost, target);
  return {
    async create(request, signal) {
      const { kind, name } = parseChannelName(request.channel);
      if (kind === 'exchange' || request.type === 'exchange')
        await createExchange(queues, name, request, target, signal);
      else await createQueue(queues, request, target, signal);
    },

    async delete(channel, signal) {
      const { kind, name } = parseChannelName(channel);
      if (kind === 'exchange') {
        if (!(await queues.hasExchange(name, signal))) throw new NotFoundError(kind, name, target);
        await queues.deleteExchange(name, signal);
      } else {
        await queues.checked(name, target, signal);
        await queues.deleteQueue(name, signal);
      }
    },

    async purge(channel, signal) {
      if (parseChannelName(channel).kind === 'exchange')
        throw new UnsupportedError(`"${channel}" is an exchange: it holds no messages`);
      await queues.checked(channel, target, signal);
      // Asked to purge a stream, RabbitMQ would close the whole connection.
      if ((await typeOf(channel, signal)) === 'stream') throw streamsCannot(channel);
      return queues.purge(channel, signal);
    },

    settings: (channel, names, signal) => policies.read(channel, names, signal),

    alter: (request, signal) => policies.alter(request, signal),
  };
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
        hint: shellLine`create it first: mqctl create ${deadLetter}`,
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
  name: string,
  request: CreateRequest,
  target: string,
  signal: AbortSignal,
): Promise<void> {
  if (request.type !== null && request.type !== 'exchange')
    throw new UsageError(`"${request.channel}" names an exchange, not a ${request.type} queue`);
  if (request.partitions !== null || request.deadLetter !== null)
    throw new UsageError('an exchange has neither partitions nor dead letters');
  const { type = exchangeTypes[0], ...others } = request.settings;
  const settings = parseSettings('exchange', others);
  if (await queues.hasExchange(name, signal)) throw exists('exchange', exchangeChannel(name), target);
  await queues.declareExchange(name, type, settings, signal);
}

function exists(kind: string, channel: string, target: string): FailedError {
  return new FailedError(`${kind} "${channel}" is at ${target} already`, {
    code: 'EXISTS',
    hint: shellLine`see it with: mqctl describe ${channel}`,
  });
}
