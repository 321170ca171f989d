/** Making, deleting, emptying and setting queues. */
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  PurgeQueueCommand,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import { FailedError, NotFoundError, UnsupportedError, UsageError } from '../../../errors.ts';
import { awsErrorNames, awsWords } from '../failures.ts';
import type { Admin, AlterRequest, ChannelSetting, CreateRequest } from '../../driver.ts';
import { attributesIfThere } from './channels.ts';
import { fifoSuffix, isFifo, checkNewName } from './queue-name.ts';
import { checkReceiveCount, checkSetting, maxReceiveCount, settingRule } from './queue-settings.ts';
import { parseRedrivePolicy, redrivePolicyText } from './redrive-policy.ts';
import type { Attributes, Session } from './session.ts';
import { shellLine } from '../../../shell-line.ts';

/** Where `--dead-letter` is said and nothing else: what AWS's own console offers. */
const standardReceiveCount = 10;

/** Names of errors that say that what was asked for is wrong. */
const wrongRequest = new Set([
  'InvalidAttributeName',
  'InvalidAttributeValue',
  'InvalidParameterValue',
  'InvalidParameterValueException',
]);

/** Of queues. Purging one twice, or creating one again that was deleted, throws `FailedError` with code `BUSY` for a minute. */
export function admin(session: Session): Admin {
  return {
    create: (request, signal) => create(session, request, signal),

    async delete(channel, signal) {
      const QueueUrl = await session.url(channel, signal);
      try {
        await session.ask(
          (client, options) => client.send(new DeleteQueueCommand({ QueueUrl }), options),
          signal,
          channel,
        );
      } finally {
        session.forget(channel);
      }
    },

    async purge(channel, signal) {
      const QueueUrl = await session.url(channel, signal);
      try {
        await session.once(
          (client, options) => client.send(new PurgeQueueCommand({ QueueUrl }), options),
          signal,
        );
      } catch (error) {
        if (!awsErrorNames(error).some((name) => name.includes('PurgeQueueInProgress')))
          throw session.failure(error, channel);
        throw new FailedError(`queue "${channel}" was purged less than 60 seconds ago`, {
          cause: error,
          code: 'BUSY',
          hint: 'SQS purges a queue once a minute: wait for the minute to end',
          retriable: true,
        });
      }
      return null; // SQS does not say how many, and takes up to a minute
    },

    settings: (channel, names, signal) => settings(session, channel, names, signal),
    alter: (request, signal) => alter(session, request, signal),
  };
}

async function create(session: Session, request: CreateRequest, signal: AbortSignal): Promise<void> {
  const { channel } = request;
  checkNewName(channel);
  const fifo = isFifoRequest(request);
  if (request.partitions !== null)
    throw new UsageError('queues of SQS have no partitions', { hint: 'leave --partitions out' });
  const { [maxReceiveCount]: count, ...attributes } = request.settings;
  for (const [name, value] of Object.entries(attributes)) checkSetting(name, value);
  const policy = await policyOf(session, request.deadLetter, count, fifo, signal);
  if ((await attributesIfThere(session, channel, signal)) !== null) throw exists(channel, session.target);
  try {
    await session.once(
      (client, options) =>
        client.send(
          new CreateQueueCommand({
            QueueName: channel,
            Attributes: {
              ...attributes,
              ...(fifo && { FifoQueue: 'true' }),
              ...(policy !== null && { RedrivePolicy: policy }),
            },
          }),
          options,
        ),
      signal,
    );
  } catch (error) {
    const names = awsErrorNames(error);
    if (names.some((name) => /QueueNameExists|QueueAlreadyExists/.test(name)))
      throw exists(channel, session.target);
    if (names.some((name) => /QueueDeletedRecently/.test(name)))
      throw new FailedError(`queue "${channel}" was deleted less than 60 seconds ago`, {
        cause: error,
        code: 'BUSY',
        hint: 'SQS gives a name out again after a minute: wait for it, or take another name',
        retriable: true,
      });
    throw refusal(session, error, channel);
  }
}

/** Whether it shall be FIFO: the type and the name have to say the same. */
function isFifoRequest({ channel, type, settings: given }: CreateRequest): boolean {
  if (type !== null && type !== 'standard' && type !== 'fifo')
    throw new UsageError(`SQS has no queues of type "${type}"`, { hint: 'use one of standard, fifo' });
  const named = isFifo(channel);
  if (type === 'fifo' && !named)
    throw new UsageError(`the name of a FIFO queue ends with ${fifoSuffix}`, {
      hint: `name it ${channel}${fifoSuffix}`,
    });
  if ((type === 'standard' || given['FifoQueue'] === 'false') && named)
    throw new UsageError(`only the name of a FIFO queue ends with ${fifoSuffix}`, {
      hint: 'say --type fifo, or take another name',
    });
  return named;
}

/** The text of its redrive policy; null: it has none. */
async function policyOf(
  session: Session,
  deadLetter: string | null,
  count: string | undefined,
  fifo: boolean,
  signal: AbortSignal,
): Promise<string | null> {
  if (deadLetter === null) {
    if (count === undefined) return null;
    throw new UsageError(
      `${maxReceiveCount} says when a message goes to the dead-letter queue, and none is named`,
      {
        hint: 'name it with --dead-letter',
      },
    );
  }
  const attributes = await attributesIfThere(session, deadLetter, signal);
  if (attributes === null)
    throw new NotFoundError('queue', deadLetter, session.target, {
      hint: shellLine`create it first: mqctl create ${deadLetter}`,
    });
  if (isFifo(deadLetter) !== fifo)
    throw new UsageError(
      `the dead letters of a ${fifo ? 'FIFO' : 'standard'} queue go to a ${fifo ? 'FIFO' : 'standard'} queue, and "${deadLetter}" is none`,
    );
  return redrivePolicyText({
    deadLetterArn: attributes['QueueArn'] ?? deadLetter,
    maxReceiveCount: count === undefined ? standardReceiveCount : checkReceiveCount(count),
  });
}

async function settings(
  session: Session,
  channel: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly ChannelSetting[]> {
  const attributes = await session.attributes(channel, signal);
  return names.map((name) => settingOf(name, attributes));
}

/** SQS does not tell what was set from what holds anyway: a value that is the standard one counts as not set. */
function settingOf(name: string, attributes: Attributes): ChannelSetting {
  if (name === maxReceiveCount) {
    const count = parseRedrivePolicy(attributes['RedrivePolicy'])?.maxReceiveCount ?? null;
    const text = count === null ? null : String(count);
    const fixed = text === null ? 'the queue has no dead-letter queue: set RedrivePolicy' : null;
    return { name, own: text, effective: text, fixed };
  }
  const { standard, fixed } = settingRule(name);
  const value = attributes[name] ?? standard;
  return { name, own: value === standard ? null : value, effective: value, fixed };
}

async function alter(
  session: Session,
  { channel, changes, checkOnly }: AlterRequest,
  signal: AbortSignal,
): Promise<void> {
  const attributes = await session.attributes(channel, signal);
  const changed: Record<string, string> = {};
  for (const { name, value } of changes) {
    const { fixed } = settingOf(name, attributes);
    if (fixed !== null) throw new UnsupportedError(`${name} of "${channel}" cannot be set`, { hint: fixed });
    if (name === maxReceiveCount) changed['RedrivePolicy'] = changedPolicy(attributes, value);
    else {
      if (value !== null) checkSetting(name, value);
      // An empty text takes an attribute away that has no standard value.
      changed[name] = value ?? settingRule(name).standard ?? '';
    }
  }
  if (checkOnly) return;
  const QueueUrl = await session.url(channel, signal);
  try {
    await session.once(
      (client, options) =>
        client.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: changed }), options),
      signal,
    );
  } catch (error) {
    throw refusal(session, error, channel);
  }
}

function changedPolicy(attributes: Attributes, value: string | null): string {
  const policy = parseRedrivePolicy(attributes['RedrivePolicy']);
  if (policy === null)
    throw new UsageError('the queue has no dead-letter queue', { hint: 'set RedrivePolicy' });
  const count = value === null ? standardReceiveCount : checkReceiveCount(value);
  return redrivePolicyText({ ...policy, maxReceiveCount: count });
}

function refusal(session: Session, error: unknown, channel: string): unknown {
  if (awsErrorNames(error).some((name) => wrongRequest.has(name)))
    return new UsageError(`queue "${channel}" does not take this: ${awsWords(error)}`, { cause: error });
  return session.failure(error, channel);
}

function exists(channel: string, target: string): FailedError {
  return new FailedError(`queue "${channel}" is at ${target} already`, {
    code: 'EXISTS',
    hint: shellLine`see it with: mqctl describe ${channel}`,
  });
}
