/** Sending to queues. */
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import type { SendMessageBatchRequestEntry } from '@aws-sdk/client-sqs';
import { UsageError } from '../../../errors.ts';
import type { OutgoingMessage } from '../../../message/message.ts';
import { BatchPublisher } from '../batch-publisher.ts';
import type { Encoded } from '../batch-publisher.ts';
import { encodeAttributes, mostAttributes } from '../message-attributes.ts';
import { namesOf, propertyFault, textProperty } from '../message-names.ts';
import { bodyOf } from '../message-text.ts';
import type { Publish, PublishLimits, PublishRequest } from '../../driver.ts';
import { isFifo } from './queue-name.ts';
import type { Attributes, Session } from './session.ts';

/** No queue takes larger messages, whatever is set. */
const mostBytes = 1_048_576;
/** Of one request, all entries together: older servers take no more. A larger message goes by itself. */
const requestBytes = 256 * 1024;

type Entry = Omit<SendMessageBatchRequestEntry, 'Id'>;

/** Opening throws `NotFoundError`, `UsageError` for transactions and compression. A FIFO queue is sent to in order. */
export function publish(session: Session): Publish {
  return {
    async open(request, signal) {
      refuseUnsupported(request);
      const { channel } = request;
      const attributes = await session.attributes(channel, signal);
      const QueueUrl = await session.url(channel, signal);
      const fifo = isFifo(channel);
      const queue = {
        fifo,
        byContent: attributes['ContentBasedDeduplication'] === 'true',
        messageBytes: limitsOf(attributes).messageBytes,
      };
      return new BatchPublisher<Entry>(
        {
          system: 'SQS',
          requestBytes,
          ordered: fifo,
          tellsDuplicates: fifo,
          encode: (message) => encode(message, queue),
          send: (Entries, within) =>
            session.once(
              (client, options) =>
                client.send(new SendMessageBatchCommand({ QueueUrl, Entries: [...Entries] }), options),
              within,
            ),
          failure: (thrown) => session.failure(thrown, channel),
        },
        signal,
      );
    },
    async limits(channel, signal) {
      return limitsOf(await session.attributes(channel, signal));
    },
  };
}

function limitsOf(attributes: Attributes): PublishLimits {
  const size = attributes['MaximumMessageSize'] ?? mostBytes;
  const retention = attributes['MessageRetentionPeriod'];
  return {
    messageBytes: Number(size),
    headers: mostAttributes,
    retentionMs: retention === undefined ? null : Number(retention) * 1_000,
  };
}

function refuseUnsupported({ delivery, compression }: PublishRequest): void {
  if (delivery === 'transactional')
    throw new UsageError('SQS has no transactions', { hint: 'use --delivery at-least-once' });
  if (compression !== null)
    throw new UsageError(`SQS has no compression "${compression}"`, { hint: 'it takes none' });
}

function encode(
  { key, value, headers, properties }: OutgoingMessage,
  queue: { readonly fifo: boolean; readonly byContent: boolean; readonly messageBytes: number | null },
): Encoded<Entry> {
  if (key !== null)
    return { fault: 'it has a key, and SQS has no keys: make it a header or the property groupId' };
  const body = bodyOf(value, 'SQS');
  if ('fault' in body) return body;
  const encoded = encodeAttributes(headers, 'SQS');
  if ('fault' in encoded) return encoded;
  const named = namesOf(properties, { ...queue, system: 'SQS' });
  if ('fault' in named) return named;
  const bytes = Buffer.byteLength(body.text) + encoded.bytes;
  if (queue.messageBytes !== null && bytes > queue.messageBytes)
    return {
      fault: `it has ${String(bytes)} bytes, and the queue takes ${String(queue.messageBytes)} (MaximumMessageSize)`,
    };
  const traceFault = propertyFault(properties, ['traceHeader'], 'SQS');
  if (traceFault !== null) return { fault: traceFault };
  const trace = textProperty(properties['traceHeader']);
  return {
    bytes,
    entry: {
      MessageBody: body.text,
      MessageAttributes: encoded.attributes,
      ...(trace !== null && {
        MessageSystemAttributes: { AWSTraceHeader: { DataType: 'String', StringValue: trace } },
      }),
      ...named.names,
    },
  };
}
