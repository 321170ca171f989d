/** Publishing: ten messages in a request, and an outcome for each of them. */
import { PublishBatchCommand, type PublishBatchRequestEntry } from '@aws-sdk/client-sns';
import { randomUUID } from 'node:crypto';
import { UsageError, errorText } from '../../errors.ts';
import type { OutgoingMessage } from '../../message/message.ts';
import { isThrottled, wasNotSent, wasRefused } from '../aws/failures.ts';
import type { Outcome, Publish, Publisher } from '../driver.ts';
import { encodeAttributes } from '../sqs/attributes-codec.ts';
import { answered, mostEntries, type EntryAnswer } from '../sqs/entries.ts';
import { bodyOf } from '../sqs/message-text.ts';
import type { Session } from './session.ts';
import { attributesOf } from './topics.ts';

/** Of one message, and of one request. */
const mostBytes = 256 * 1_024;
const defaultGroup = 'mqctl';
const temporary = /throttl|InternalError|InternalFailure|ServiceUnavailable|RequestLimitExceeded/i;

export class SnsPublish implements Publish {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async open({ channel }: { readonly channel: string }, signal: AbortSignal): Promise<Publisher> {
    const attributes = await attributesOf(this.#session, channel, signal);
    const arn = await this.#session.arn(channel, signal);
    const byContent = attributes['ContentBasedDeduplication'] === 'true';
    return new TopicPublisher(this.#session, { channel, arn, byContent }, signal);
  }

  async limits(channel: string, signal: AbortSignal) {
    await attributesOf(this.#session, channel, signal);
    return { messageBytes: mostBytes, headers: null, retentionMs: null };
  }
}

interface Ready {
  readonly index: number;
  readonly entry: Omit<PublishBatchRequestEntry, 'Id'>;
  readonly bytes: number;
}

class TopicPublisher implements Publisher {
  readonly blocked = null;
  readonly #session: Session;
  readonly #topic: { readonly channel: string; readonly arn: string; readonly byContent: boolean };
  readonly #signal: AbortSignal;
  /** One request after the other: the order of calls is that of the topic. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    session: Session,
    topic: { readonly channel: string; readonly arn: string; readonly byContent: boolean },
    signal: AbortSignal,
  ) {
    this.#session = session;
    this.#topic = topic;
    this.#signal = signal;
  }

  async send(messages: readonly OutgoingMessage[]): Promise<readonly Outcome[]> {
    this.#signal.throwIfAborted();
    const outcomes: Outcome[] = [];
    const ready: Ready[] = [];
    for (const [index, message] of messages.entries()) {
      const encoded = this.#encode(message);
      if ('fault' in encoded)
        outcomes[index] = {
          status: 'rejected',
          reason: encoded.fault.replaceAll('SQS', 'SNS'),
          retriable: false,
        };
      else ready.push({ index, ...encoded });
    }
    const sending = this.#last.then(() => this.#sendAll(requestsOf(ready), outcomes));
    this.#last = sending.catch(() => undefined);
    await sending;
    return outcomes;
  }

  commit(): Promise<void> {
    return Promise.reject(new UsageError('SNS has no transactions'));
  }

  abort(): Promise<void> {
    return Promise.reject(new UsageError('SNS has no transactions'));
  }

  async close(): Promise<void> {
    await this.#last;
  }

  /** What comes behind one of its group that may still be sent again is not sent: it would overtake it. */
  async #sendAll(requests: readonly (readonly Ready[])[], outcomes: Outcome[]): Promise<void> {
    const waiting = new Set<string>();
    for (const request of requests) {
      const groupOf = ({ entry }: Ready): string | undefined => entry.MessageGroupId;
      const free = request.filter((one) => !waiting.has(groupOf(one) ?? ''));
      for (const one of request)
        if (!free.includes(one))
          outcomes[one.index] = {
            status: 'rejected',
            reason: 'not sent, since one of its group before it was not accepted',
            retriable: true,
          };
      await this.#request(free, outcomes);
      for (const one of free) {
        const [group, outcome] = [groupOf(one), outcomes[one.index]];
        if (group !== undefined && outcome?.status !== 'accepted') waiting.add(group);
      }
    }
  }

  async #request(batch: readonly Ready[], outcomes: Outcome[]): Promise<void> {
    if (batch.length === 0) return;
    const PublishBatchRequestEntries = batch.map(({ entry }, index) => ({ Id: String(index), ...entry }));
    const answers = await answered(batch.length, () =>
      this.#session.once(
        (client, options) =>
          client.send(
            new PublishBatchCommand({ TopicArn: this.#topic.arn, PublishBatchRequestEntries }),
            options,
          ),
        this.#signal,
      ),
    );
    for (const [at, { index }] of batch.entries()) outcomes[index] = this.#outcome(answers[at]);
  }

  #outcome(answer: EntryAnswer | undefined): Outcome {
    if (answer?.kind === 'done')
      return { status: 'accepted', partition: null, offset: null, id: answer.messageId };
    if (answer?.kind === 'failed')
      return {
        status: 'rejected',
        reason: answer.reason,
        retriable: !answer.senderFault || temporary.test(answer.code),
      };
    const error = answer?.error;
    const reason = errorText(this.#session.failure(error, this.#topic.channel));
    if (wasNotSent(error) || isThrottled(error)) return { status: 'rejected', reason, retriable: true };
    return wasRefused(error)
      ? { status: 'rejected', reason, retriable: false }
      : { status: 'unknown', reason };
  }

  #encode({
    key,
    value,
    headers,
    properties,
  }: OutgoingMessage): Omit<Ready, 'index'> | { readonly fault: string } {
    if (key !== null)
      return { fault: 'it has a key, and SNS has no keys: make it a header or the property groupId' };
    const body = bodyOf(value);
    if ('fault' in body) return body;
    const encoded = encodeAttributes(headers);
    if ('fault' in encoded) return encoded;
    const texts = new Map<string, string>();
    for (const [name, text] of Object.entries(properties)) {
      if (text === null) continue;
      if (typeof text !== 'string') return { fault: `property ${name} is no text` };
      if ((name === 'groupId' || name === 'deduplicationId') && !/^[!-~]{1,128}$/.test(text))
        return { fault: `property ${name}: SNS takes up to 128 letters, digits and marks, without blanks` };
      texts.set(name, text);
    }
    const subject = texts.get('subject');
    const bytes = Buffer.byteLength(body.text) + encoded.bytes + Buffer.byteLength(subject ?? '');
    if (bytes > mostBytes)
      return { fault: `it has ${String(bytes)} bytes, and SNS takes ${String(mostBytes)} bytes` };
    return {
      bytes,
      entry: {
        Message: body.text,
        MessageAttributes: encoded.attributes,
        ...(subject === undefined ? {} : { Subject: subject }),
        ...this.#fifoNames(texts.get('groupId'), texts.get('deduplicationId')),
      },
    };
  }

  #fifoNames(
    group: string | undefined,
    id: string | undefined,
  ): Pick<PublishBatchRequestEntry, 'MessageGroupId' | 'MessageDeduplicationId'> {
    // A standard topic passes a group on to the fair queues behind it.
    if (!this.#topic.channel.endsWith('.fifo')) return group === undefined ? {} : { MessageGroupId: group };
    const deduplication = id ?? (this.#topic.byContent ? undefined : randomUUID());
    return {
      MessageGroupId: group ?? defaultGroup,
      ...(deduplication === undefined ? {} : { MessageDeduplicationId: deduplication }),
    };
  }
}

/** Ten at most, and no more bytes than a request may have. */
function requestsOf(ready: readonly Ready[]): (readonly Ready[])[] {
  const requests: Ready[][] = [];
  let bytes = 0;
  for (const one of ready) {
    const current = requests.at(-1);
    if (current === undefined || current.length >= mostEntries || bytes + one.bytes > mostBytes) {
      requests.push([one]);
      bytes = one.bytes;
    } else {
      current.push(one);
      bytes += one.bytes;
    }
  }
  return requests;
}
