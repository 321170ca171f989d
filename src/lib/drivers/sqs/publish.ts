/** Sending: ten messages in a request, and an outcome for each of them. */
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import type { SendMessageBatchRequestEntry } from '@aws-sdk/client-sqs';
import { randomUUID } from 'node:crypto';
import { UsageError } from '../../errors.ts';
import { errorText } from '../../errors.ts';
import type { OutgoingMessage, PropertyValue } from '../../message/message.ts';
import { isThrottled, wasNotSent, wasRefused } from '../aws/failures.ts';
import type { Outcome, Publish, Publisher, PublishLimits, PublishRequest } from '../driver.ts';
import { encodeAttributes, mostAttributes } from './attributes-codec.ts';
import { answered, mostEntries } from './entries.ts';
import type { EntryAnswer } from './entries.ts';
import { bodyOf } from './message-text.ts';
import { isFifo } from './queue-name.ts';
import type { Attributes, Session } from './session.ts';

/** No queue takes larger messages, whatever is set. */
const mostBytes = 1_048_576;
/** Of one request, all entries together: older servers take no more. A larger message goes by itself. */
const requestBytes = 256 * 1024;
const concurrent = 8;
/** A FIFO queue wants a group, within which order is kept: where none is said, all that one sends is one. */
export const defaultGroup = 'mqctl';
/** How many ids of what was sent to a FIFO queue are kept, to tell a suppressed duplicate. */
const idsKept = 100_000;
/** Codes of a failed entry that may go well later. */
const temporary = /throttl|InternalError|InternalFailure|ServiceUnavailable|RequestLimitExceeded/i;

export function publish(session: Session): Publish {
  return {
    async open(request, signal) {
      refuseUnsupported(request);
      const attributes = await session.attributes(request.channel, signal);
      const url = await session.url(request.channel, signal);
      return new QueuePublisher(session, { url, name: request.channel, attributes }, signal);
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

type Entry = Omit<SendMessageBatchRequestEntry, 'Id'>;

/** A message that can be sent, and where its outcome belongs. */
interface Ready {
  readonly index: number;
  readonly entry: Entry;
  readonly bytes: number;
}

class QueuePublisher implements Publisher {
  readonly blocked = null;
  readonly #session: Session;
  readonly #url: string;
  readonly #queue: string;
  readonly #fifo: boolean;
  readonly #dedupesByContent: boolean;
  readonly #limits: PublishLimits;
  readonly #signal: AbortSignal;
  /** FIFO: requests go one after the other, so that the order of calls is that of the queue. */
  #last: Promise<unknown> = Promise.resolve();
  readonly #sentIds = new Set<string>();

  constructor(
    session: Session,
    queue: { readonly url: string; readonly name: string; readonly attributes: Attributes },
    signal: AbortSignal,
  ) {
    this.#session = session;
    this.#url = queue.url;
    this.#queue = queue.name;
    this.#fifo = isFifo(queue.name);
    this.#dedupesByContent = queue.attributes['ContentBasedDeduplication'] === 'true';
    this.#limits = limitsOf(queue.attributes);
    this.#signal = signal;
  }

  async send(messages: readonly OutgoingMessage[]): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    const ready: Ready[] = [];
    for (const [index, message] of messages.entries()) {
      const encoded = this.#encode(message);
      if ('fault' in encoded)
        outcomes[index] = { status: 'rejected', reason: encoded.fault, retriable: false };
      else ready.push({ index, ...encoded });
    }
    const sending = this.#fifo
      ? this.#last.then(() => this.#inOrder(requestsOf(ready), outcomes))
      : this.#atOnce(requestsOf(ready), outcomes);
    this.#last = sending.catch(() => undefined);
    await sending;
    return outcomes;
  }

  commit(): Promise<void> {
    return Promise.reject(new UsageError('SQS has no transactions'));
  }

  abort(): Promise<void> {
    return Promise.reject(new UsageError('SQS has no transactions'));
  }

  async close(): Promise<void> {
    await this.#last;
  }

  async #atOnce(requests: readonly (readonly Ready[])[], outcomes: Outcome[]): Promise<void> {
    let next = 0;
    const work = async (): Promise<void> => {
      for (let at = next++; at < requests.length; at = next++)
        await this.#request(requests[at] ?? [], outcomes);
    };
    await Promise.all(Array.from({ length: Math.min(concurrent, requests.length) }, work));
  }

  /** What comes behind one of its group that may still be sent again is not sent: it would overtake it. */
  async #inOrder(requests: readonly (readonly Ready[])[], outcomes: Outcome[]): Promise<void> {
    const waiting = new Set<string>();
    for (const request of requests) {
      const free = request.filter(({ entry }) => !waiting.has(entry.MessageGroupId ?? ''));
      for (const { index } of request.filter((one) => !free.includes(one)))
        outcomes[index] = {
          status: 'rejected',
          reason: 'not sent, since one of its group before it was not accepted',
          retriable: true,
        };
      await this.#request(free, outcomes);
      for (const { index, entry } of free) {
        const outcome = outcomes[index];
        if (outcome?.status === 'unknown' || (outcome?.status === 'rejected' && outcome.retriable))
          waiting.add(entry.MessageGroupId ?? '');
      }
    }
  }

  async #request(batch: readonly Ready[], outcomes: Outcome[]): Promise<void> {
    if (batch.length === 0) return;
    const answers = await answered(batch.length, () =>
      this.#session.once(
        (client, options) =>
          client.send(
            new SendMessageBatchCommand({
              QueueUrl: this.#url,
              Entries: batch.map(({ entry }, index) => ({ Id: String(index), ...entry })),
            }),
            options,
          ),
        this.#signal,
      ),
    );
    for (const [at, { index }] of batch.entries()) outcomes[index] = this.#outcome(answers[at]);
  }

  #outcome(answer: EntryAnswer | undefined): Outcome {
    if (answer?.kind === 'done') {
      const { messageId } = answer;
      return {
        status: 'accepted',
        partition: null,
        offset: null,
        id: messageId,
        ...(this.#isSuppressed(messageId) && { suppressed: true }),
      };
    }
    if (answer?.kind === 'failed')
      return {
        status: 'rejected',
        reason: answer.reason,
        retriable: !answer.senderFault || temporary.test(answer.code),
      };
    const error = answer?.error;
    const reason = errorText(this.#session.failure(error, this.#queue));
    if (wasNotSent(error) || isThrottled(error)) return { status: 'rejected', reason, retriable: true };
    return wasRefused(error)
      ? { status: 'rejected', reason, retriable: false }
      : { status: 'unknown', reason };
  }

  /** SQS answers a duplicate that it suppresses with the id of the message that is there already. */
  #isSuppressed(messageId: string | null): boolean {
    if (!this.#fifo || messageId === null) return false;
    if (this.#sentIds.has(messageId)) return true;
    this.#sentIds.add(messageId);
    const [oldest] = this.#sentIds;
    if (this.#sentIds.size > idsKept && oldest !== undefined) this.#sentIds.delete(oldest);
    return false;
  }

  #encode({ key, value, headers, properties }: OutgoingMessage): Omit<Ready, 'index'> | { fault: string } {
    if (key !== null)
      return { fault: 'it has a key, and SQS has no keys: make it a header or the property groupId' };
    const body = bodyOf(value);
    if ('fault' in body) return body;
    const encoded = encodeAttributes(headers);
    if ('fault' in encoded) return encoded;
    const named = this.#named(properties);
    if ('fault' in named) return named;
    const bytes = Buffer.byteLength(body.text) + encoded.bytes;
    const most = this.#limits.messageBytes;
    if (most !== null && bytes > most)
      return {
        fault: `it has ${String(bytes)} bytes, and the queue takes ${String(most)} (MaximumMessageSize)`,
      };
    return {
      entry: { MessageBody: body.text, MessageAttributes: encoded.attributes, ...named.entry },
      bytes,
    };
  }

  #named(properties: OutgoingMessage['properties']): { readonly entry: Partial<Entry> } | { fault: string } {
    const group = textProperty(properties['groupId']);
    const deduplication = textProperty(properties['deduplicationId']);
    const trace = textProperty(properties['traceHeader']);
    for (const [name, text] of Object.entries({ groupId: group, deduplicationId: deduplication }))
      if (text !== null && !/^[!-~]{1,128}$/.test(text))
        return { fault: `property ${name}: SQS takes up to 128 letters, digits and marks, without blanks` };
    const system = trace === null ? {} : { AWSTraceHeader: { DataType: 'String', StringValue: trace } };
    return {
      entry: {
        ...(trace !== null && { MessageSystemAttributes: system }),
        ...this.#fifoNames(group, deduplication),
      },
    };
  }

  #fifoNames(group: string | null, deduplication: string | null): Partial<Entry> {
    // Of a standard queue a group says who shall not crowd out whom (fair queues); ids of duplicates it does not take.
    if (!this.#fifo) return group === null ? {} : { MessageGroupId: group };
    const id = deduplication ?? (this.#dedupesByContent ? null : randomUUID());
    return {
      MessageGroupId: group ?? defaultGroup,
      ...(id !== null && { MessageDeduplicationId: id }),
    };
  }
}

function textProperty(value: PropertyValue | undefined): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return value;
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : null;
}

/** Ten at most, and no more bytes than a request may have. */
function requestsOf(ready: readonly Ready[]): (readonly Ready[])[] {
  const requests: Ready[][] = [];
  let bytes = 0;
  for (const one of ready) {
    const current = requests.at(-1);
    if (current === undefined || current.length >= mostEntries || bytes + one.bytes > requestBytes) {
      requests.push([one]);
      bytes = one.bytes;
    } else {
      current.push(one);
      bytes += one.bytes;
    }
  }
  return requests;
}
