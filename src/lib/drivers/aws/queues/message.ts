/** A message as it was received. */
import type { Message as Received } from '@aws-sdk/client-sqs';
import type { DeadLetter, Message, Properties } from '../../../message/message.ts';
import { decodeAttributes } from '../message-attributes.ts';
import { nameOfArn, parseArn } from './queue-name.ts';

/**
 * What SQS writes by itself, or what says which way it came. The deduplication id is one of these: whoever sends a message
 * again under the id of the first time has it suppressed.
 */
export const volatileProperties = [
  'deduplicationId',
  'sequenceNumber',
  'senderId',
  'firstReceived',
  'deadLetterQueueSourceArn',
] as const;

/** `timestamp` is when it was sent to the queue, in milliseconds since 1970; null: SQS did not say. */
export function toMessage(channel: string, received: Received): Message {
  const { MessageId, Body, Attributes: system = {}, MessageAttributes } = received;
  const count = whole(system.ApproximateReceiveCount);
  const properties = defined({
    groupId: system.MessageGroupId,
    deduplicationId: system.MessageDeduplicationId,
    sequenceNumber: system.SequenceNumber,
    senderId: system.SenderId,
    traceHeader: system.AWSTraceHeader,
    firstReceived: isoTime(whole(system.ApproximateFirstReceiveTimestamp)),
    deadLetterQueueSourceArn: system.DeadLetterQueueSourceArn,
  });
  const message = {
    channel,
    partition: null,
    offset: null,
    id: MessageId ?? null,
    timestamp: whole(system.SentTimestamp),
    timestampType: 'append',
    key: null,
    value: Buffer.from(Body ?? '', 'utf8'),
    headers: decodeAttributes(MessageAttributes),
    properties,
    delivery: { count, redelivered: count === null ? null : count > 1 },
    deadLetter: null,
  } as const;
  return { ...message, deadLetter: readDeath(message) };
}

/**
 * SQS keeps no reason: that it was received too often is the only one there is. It has that attribute as soon as a redrive
 * policy moved it, and then anyone can read where from.
 */
export function readDeath({ properties }: Pick<Message, 'properties'>): DeadLetter | null {
  const source = properties['deadLetterQueueSourceArn'];
  if (typeof source !== 'string') return null;
  return {
    reason: 'maxReceiveCount',
    class: null,
    message: null,
    attempts: null,
    // A dead-letter queue is of the region and account of those that feed it.
    origin: {
      channel: parseArn(source) === null ? source : nameOfArn(source, source),
      partition: null,
      offset: null,
    },
    consumer: null,
    at: null,
  };
}

function defined(texts: Readonly<Record<string, string | undefined>>): Properties {
  return Object.fromEntries(
    Object.entries(texts).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function whole(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function isoTime(milliseconds: number | null): string | undefined {
  return milliseconds === null ? undefined : new Date(milliseconds).toISOString();
}
