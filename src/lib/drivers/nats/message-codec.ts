/**
 * Headers that begin with `Nats-` are the server's: they steer what it does with a message (drop it as known, roll the stream
 * up, expect a sequence). They become properties, of which only `subject`, `messageId` and `ttl` are published again: a
 * `Nats-Rollup` that was republished would delete what it was never meant for.
 */
import { headers as noHeaders } from '@nats-io/transport-node';
import type { MsgHdrs } from '@nats-io/transport-node';
import { errorText } from '../../errors.ts';
import type { DeadLetter, Header, Message, OutgoingMessage, PropertyValue } from '../../message/message.ts';

const serverPrefix = 'Nats-';
const messageIdHeader = 'Nats-Msg-Id';
const ttlHeader = 'Nats-TTL';

export interface StoredMessage {
  readonly seq: number;
  readonly subject: string;
  /** Milliseconds since 1970, by the server's clock. */
  readonly time: number;
  readonly headers: MsgHdrs | null;
  readonly data: Uint8Array;
}

export interface Delivery {
  readonly count: number | null;
  readonly redelivered: boolean | null;
}

const neverDelivered: Delivery = { count: null, redelivered: null };

/** `offset` is the place in `channel`, where that is not the one in the stream. */
export function toMessage(
  channel: string,
  stored: StoredMessage,
  more: {
    readonly delivery?: Delivery;
    readonly offset?: string;
    readonly deadLetter?: DeadLetter;
  } = {},
): Message {
  const headers: Header[] = [];
  const properties: Record<string, PropertyValue> = { subject: stored.subject };
  for (const [name, values] of stored.headers ?? []) {
    if (name.startsWith(serverPrefix)) properties[propertyName(name)] = values.at(-1) ?? '';
    else for (const value of values) headers.push({ name, value: new TextEncoder().encode(value) });
  }
  return {
    channel,
    partition: null,
    offset: more.offset ?? String(stored.seq),
    id: null,
    timestamp: stored.time,
    timestampType: 'append',
    key: null,
    value: stored.data,
    headers,
    properties,
    delivery: more.delivery ?? neverDelivered,
    deadLetter: more.deadLetter ?? null,
  };
}

/** `Nats-Expected-Last-Sequence` → `expectedLastSequence`. */
function propertyName(header: string): string {
  if (header === messageIdHeader) return 'messageId';
  const words = header.slice(serverPrefix.length).split('-');
  return words
    .map((word, at) =>
      at === 0 ? word.toLowerCase() : word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase(),
    )
    .join('');
}

export type Encoded =
  | { readonly headers: MsgHdrs; readonly data: Uint8Array; readonly bytes: number }
  | { readonly refused: string };

/** What NATS cannot carry as it is, is refused: nothing is changed on the way. */
export function encode(message: OutgoingMessage): Encoded {
  if (message.value === null) return { refused: 'NATS knows no null value' };
  if (message.key !== null) return { refused: 'NATS knows no keys: use a subject' };
  const headers = noHeaders();
  try {
    for (const header of message.headers) {
      const text = headerText(header);
      if (typeof text !== 'string') return text;
      headers.append(header.name, text);
    }
    const { messageId, ttl } = message.properties;
    if (typeof messageId === 'string') headers.set(messageIdHeader, messageId);
    if (typeof ttl === 'string') headers.set(ttlHeader, ttl);
  } catch (error) {
    return { refused: errorText(error) };
  }
  return { headers, data: message.value, bytes: headerBytes(headers) + message.value.length };
}

/** As they stand on the wire: `NATS/1.0`, a line for each, an empty line. */
function headerBytes(headers: MsgHdrs): number {
  let bytes = 'NATS/1.0\r\n\r\n'.length;
  for (const [name, values] of headers)
    for (const value of values) bytes += Buffer.byteLength(`${name}: ${value}\r\n`);
  return bytes;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function headerText({ name, value, rawName }: Header): string | { readonly refused: string } {
  const refuse = (why: string) => ({ refused: `header "${name}": ${why}` });
  if (rawName !== undefined) return refuse('its name is no text');
  if (value === null) return refuse('NATS knows no null values of headers');
  if (!(value instanceof Uint8Array)) return refuse(`NATS headers are text, not ${value.type}`);
  let text: string;
  try {
    text = utf8.decode(value);
  } catch {
    return refuse('NATS headers are text, and this one is binary');
  }
  if (/[\r\n]/.test(text)) return refuse('a line break would end it');
  if (text !== text.trim()) return refuse('blanks around its value would be lost');
  return text;
}
