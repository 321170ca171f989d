/** Publishing to topics. */
import { PublishBatchCommand, type PublishBatchRequestEntry } from '@aws-sdk/client-sns';
import type { OutgoingMessage } from '../../message/message.ts';
import { BatchPublisher } from '../aws/batch-publisher.ts';
import type { Encoded } from '../aws/batch-publisher.ts';
import { encodeAttributes } from '../aws/message-attributes.ts';
import { namesOf, propertyFault, textProperty } from '../aws/message-names.ts';
import { bodyOf } from '../aws/message-text.ts';
import type { Publish, Publisher } from '../driver.ts';
import type { Session } from './session.ts';
import { attributesOf } from './topics.ts';

/** Of one message, and of one request. */
const mostBytes = 256 * 1_024;

type Entry = Omit<PublishBatchRequestEntry, 'Id'>;

export class SnsPublish implements Publish {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async open({ channel }: { readonly channel: string }, signal: AbortSignal): Promise<Publisher> {
    const attributes = await attributesOf(this.#session, channel, signal);
    const TopicArn = await this.#session.arn(channel, signal);
    const fifo = channel.endsWith('.fifo');
    const byContent = attributes['ContentBasedDeduplication'] === 'true';
    return new BatchPublisher<Entry>(
      {
        system: 'SNS',
        requestBytes: mostBytes,
        // A standard topic promises no order; what is sent in turn arrives in turn more often.
        ordered: true,
        tellsDuplicates: false,
        encode: (message) => encode(message, { fifo, byContent }),
        send: (entries, within) =>
          this.#session.once(
            (client, options) =>
              client.send(
                new PublishBatchCommand({ TopicArn, PublishBatchRequestEntries: [...entries] }),
                options,
              ),
            within,
          ),
        failure: (thrown) => this.#session.failure(thrown, channel),
      },
      signal,
    );
  }

  async limits(channel: string, signal: AbortSignal) {
    await attributesOf(this.#session, channel, signal);
    return { messageBytes: mostBytes, headers: null, retentionMs: null };
  }
}

function encode(
  { key, value, headers, properties }: OutgoingMessage,
  topic: { readonly fifo: boolean; readonly byContent: boolean },
): Encoded<Entry> {
  if (key !== null)
    return { fault: 'it has a key, and SNS has no keys: make it a header or the property groupId' };
  const body = bodyOf(value, 'SNS');
  if ('fault' in body) return body;
  const encoded = encodeAttributes(headers, 'SNS');
  if ('fault' in encoded) return encoded;
  const named = namesOf(properties, { ...topic, system: 'SNS' });
  if ('fault' in named) return named;
  const subjectFault = propertyFault(properties, ['subject'], 'SNS');
  if (subjectFault !== null) return { fault: subjectFault };
  const subject = textProperty(properties['subject']);
  const bytes = Buffer.byteLength(body.text) + encoded.bytes + Buffer.byteLength(subject ?? '');
  if (bytes > mostBytes)
    return { fault: `it has ${String(bytes)} bytes, and SNS takes ${String(mostBytes)} bytes` };
  return {
    bytes,
    entry: {
      Message: body.text,
      MessageAttributes: encoded.attributes,
      ...(subject !== null && { Subject: subject }),
      ...named.names,
    },
  };
}
