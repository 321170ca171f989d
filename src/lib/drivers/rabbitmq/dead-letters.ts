/** Dead letters as RabbitMQ declares and marks them: dead-letter exchanges, and the header `x-death`. */
import type { DeadLetter, Header, HeaderValue, Message } from '../../message/message.ts';
import type { DeadLetterPair, DeadLetters } from '../driver.ts';
import type { Management } from './management.ts';
import { textOf } from './json.ts';
import { queuePages } from './queue-facts.ts';
import type { QueueFacts } from './queue-facts.ts';
import { Routing } from './routing.ts';

/**
 * Headers that the broker itself writes and changes: the same message redriven and dead once more differs in these.
 * (RabbitMQ, "Dead Letter Exchanges", effects on messages; "Quorum Queues", repeated requeues.)
 */
const volatileHeaders = ['x-delivery-count', 'x-acquired-count'] as const;

/** How a message came here: the way, not what it is. */
const volatileProperties = ['exchange', 'routingKey'] as const;

/** Finding pairs takes the management API: without it `FailedError` with code `MANAGEMENT_UNREACHABLE` is thrown. */
export function deadLetters(management: Management, vhost: string): DeadLetters {
  return {
    pairs: (signal) => declaredPairs(management, vhost, signal),
    read: readDeath,
    routingKey: firstRoutingKey,
    volatileHeaders,
    volatileProperties,
  };
}

export interface DeadLetterTarget {
  readonly exchange: string;
  /** null: each message keeps its own. */
  readonly routingKey: string | null;
  readonly how: string;
}

/** Where a queue's dead letters go; null: they are dropped. A queue's own argument wins over its policy. */
export function deadLetterTarget(queue: QueueFacts): DeadLetterTarget | null {
  const own = textOf(queue.arguments['x-dead-letter-exchange']);
  const exchange = own ?? textOf(queue.effectivePolicy['dead-letter-exchange']);
  if (exchange === null) return null;
  const routingKey =
    textOf(queue.arguments['x-dead-letter-routing-key']) ??
    textOf(queue.effectivePolicy['dead-letter-routing-key']);
  const by = own === null ? `policy ${queue.policy ?? '(operator)'}` : 'x-dead-letter-exchange';
  return { exchange, routingKey, how: exchange === '' ? by : `${by}, exchange ${exchange}` };
}

async function declaredPairs(
  management: Management,
  vhost: string,
  signal: AbortSignal,
): Promise<readonly DeadLetterPair[]> {
  const api = await management.require('finding declared dead-letter queues', signal);
  const routing = new Routing(api, vhost);
  const pairs: DeadLetterPair[] = [];
  for await (const page of queuePages(api, vhost, signal))
    for (const queue of page) pairs.push(...(await pairsOf(queue, routing, signal)));
  return pairs;
}

/** More than one where the exchange reaches several queues. */
export async function pairsOf(
  queue: QueueFacts,
  routing: Routing,
  signal: AbortSignal,
): Promise<readonly DeadLetterPair[]> {
  const target = deadLetterTarget(queue);
  if (target === null) return [];
  const queues = await routing.queues(target.exchange, target.routingKey, signal);
  return queues.map((deadLetter) => ({ source: queue.name, deadLetter, how: target.how }));
}

/** One entry of `x-death`: one for each queue and reason, the newest first. */
export interface Death {
  readonly queue: string | null;
  /** `rejected`, `expired`, `maxlen`, `delivery_limit`. */
  readonly reason: string | null;
  /** How often it was dead-lettered there for that reason. */
  readonly count: number | null;
  /** Milliseconds since 1970, of the first time. */
  readonly at: number | null;
  readonly exchange: string | null;
  readonly routingKeys: readonly string[];
}

/** Newest first; empty where there is no `x-death`. Anyone can publish such a header: what is odd in it is null. */
export function readDeaths(headers: readonly Header[]): readonly Death[] {
  return arrayOf(headerValue(headers, 'x-death'))
    .map(tableOf)
    .map((entry) => ({
      queue: textValue(headerValue(entry, 'queue')),
      reason: textValue(headerValue(entry, 'reason')),
      count: integerValue(headerValue(entry, 'count')),
      at: timeValue(headerValue(entry, 'time')),
      exchange: textValue(headerValue(entry, 'exchange')),
      routingKeys: arrayOf(headerValue(entry, 'routing-keys'))
        .map(textValue)
        .filter((key) => key !== null),
    }));
}

/**
 * Where and why it died: the newest entry that a consumer caused, since queues that only wait for a retry add `expired`
 * entries after it; without one the newest. `attempts` counts rejections: for other reasons nobody counted.
 */
export function readDeath(message: Message): DeadLetter | null {
  const death = mainDeath(message);
  const firstQueue = textValue(headerValue(message.headers, 'x-first-death-queue'));
  const firstReason = textValue(headerValue(message.headers, 'x-first-death-reason'));
  if (death === undefined && firstQueue === null && firstReason === null) return null;
  return {
    reason: death?.reason ?? firstReason,
    class: null,
    message: null,
    attempts: death?.reason === 'rejected' ? death.count : null,
    origin: { channel: death?.queue ?? firstQueue, partition: null, offset: null },
    consumer: null,
    at: death?.at ?? null,
  };
}

function mainDeath({ headers }: Message): Death | undefined {
  const deaths = readDeaths(headers);
  return deaths.find(({ reason }) => reason === 'rejected' || reason === 'delivery_limit') ?? deaths[0];
}

/** The key with which it came to the queue in which it died; the others of that entry are copies (`CC`). */
function firstRoutingKey(message: Message): string | null {
  return mainDeath(message)?.routingKeys[0] ?? null;
}

function headerValue(headers: readonly Header[], name: string): HeaderValue {
  return headers.find((header) => header.name === name)?.value ?? null;
}

function tableOf(value: HeaderValue): readonly Header[] {
  return entriesOf(value, 'table').filter(isHeader);
}

function arrayOf(value: HeaderValue): readonly HeaderValue[] {
  return entriesOf(value, 'array').filter((item): item is HeaderValue => !isHeader(item));
}

function entriesOf(value: HeaderValue, type: 'table' | 'array'): readonly (HeaderValue | Header)[] {
  if (value === null || value instanceof Uint8Array || value.type !== type) return [];
  const entries = value.value;
  return entries === null || typeof entries === 'string' || entries instanceof Uint8Array ? [] : entries;
}

function isHeader(item: HeaderValue | Header): item is Header {
  return item !== null && 'name' in item;
}

function textValue(value: HeaderValue): string | null {
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : null;
}

function integerValue(value: HeaderValue): number | null {
  if (value === null || value instanceof Uint8Array || typeof value.value !== 'string') return null;
  const number = Number(value.value);
  return Number.isSafeInteger(number) ? number : null;
}

/** AMQP's timestamps are whole seconds. */
function timeValue(value: HeaderValue): number | null {
  const seconds = integerValue(value);
  return seconds === null || Math.abs(seconds) > 8.64e12 ? null : seconds * 1000;
}
