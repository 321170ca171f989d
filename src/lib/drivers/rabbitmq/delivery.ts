/** What the broker delivers as our message. */
import type { Header, HeaderValue, Message, Properties } from '../../message/message.ts';
import type { RawDelivery } from './amqp-client.ts';
import { decodeProperties } from './basic-properties.ts';
import { readDeath } from './dead-letters.ts';

/** The broker adds it when it delivers from a stream: where the message stands, not what it is. */
const streamOffset = 'x-stream-offset';
/** How often a quorum queue delivered it before; not there the first time. */
const deliveryCount = 'x-delivery-count';

/** Beyond this, JavaScript has no date (ECMA-262, 21.4.1.1). */
const lastSecond = 8_640_000_000_000n;

/** Throws `FailedError` for properties that cannot be read. */
export function toMessage(channel: string, delivery: RawDelivery): Message {
  return messageOf(channel, delivery, false);
}

/** The same for a stream, whose messages have an offset. */
export function toStreamMessage(channel: string, delivery: RawDelivery): Message {
  return messageOf(channel, delivery, true);
}

function messageOf(
  channel: string,
  { fields, properties: raw, content }: RawDelivery,
  stream: boolean,
): Message {
  const decoded = decodeProperties(raw);
  const offset = stream ? integerHeader(decoded.headers, streamOffset) : null;
  const headers =
    offset === null ? decoded.headers : decoded.headers.filter(({ name }) => name !== streamOffset);
  const { properties } = decoded;
  properties['exchange'] = fields.exchange;
  properties['routingKey'] = fields.routingKey;
  const timestamp = timeOf(properties);
  const message: Message = {
    channel,
    partition: null,
    offset,
    id: null,
    key: null,
    value: content,
    headers,
    properties,
    timestamp,
    timestampType: timestamp === null ? null : 'create',
    delivery: {
      count: stream ? null : countOf(headers, fields.redelivered),
      redelivered: fields.redelivered,
    },
    deadLetter: null,
  };
  return headers.length === 0 ? message : { ...message, deadLetter: readDeath(message) };
}

/** Quorum queues count; others only say that it was delivered before. */
function countOf(headers: readonly Header[], redelivered: boolean): number | null {
  const before = integerHeader(headers, deliveryCount);
  if (before !== null) return Number(before) + 1;
  return redelivered ? null : 1;
}

function integerHeader(headers: readonly Header[], name: string): string | null {
  const value: HeaderValue = headers.find((header) => header.name === name)?.value ?? null;
  if (value === null || value instanceof Uint8Array || typeof value.value !== 'string') return null;
  return /^\d{1,19}$/.test(value.value) ? value.value : null;
}

/** Seconds on the wire, milliseconds here. */
function timeOf(properties: Properties): number | null {
  const timestamp = properties['timestamp'];
  if (
    timestamp === undefined ||
    timestamp === null ||
    typeof timestamp !== 'object' ||
    !('type' in timestamp)
  )
    return null;
  if (typeof timestamp.value !== 'string') return null;
  const seconds = BigInt(timestamp.value);
  return seconds > lastSecond ? null : Number(seconds) * 1000;
}
