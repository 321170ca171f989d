/** Messages to test with, and what is compared of them. */
import assert from 'node:assert/strict';
import type { Header, HeaderValue, Message, OutgoingMessage } from '../../../src/lib/message/message.ts';

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The value as text; a tombstone is `null`. */
export const textOf = ({ value }: OutgoingMessage): string =>
  value === null ? 'null' : new TextDecoder().decode(value);

export const textsOf = (messages: readonly OutgoingMessage[]): string[] => messages.map(textOf);

export function message(
  value: string | Uint8Array | null,
  change: Partial<OutgoingMessage> = {},
): OutgoingMessage {
  return {
    key: null,
    value: typeof value === 'string' ? bytes(value) : value,
    headers: [],
    properties: {},
    partition: null,
    timestamp: null,
    ...change,
  };
}

/** `prefix-0`, `prefix-1`… */
export function numbered(count: number, prefix = 'message'): OutgoingMessage[] {
  return Array.from({ length: count }, (_, index) => message(`${prefix}-${index}`));
}

/** What a message needs to be published again. */
export function outgoing({ key, value, headers, properties }: Message): OutgoingMessage {
  return { key, value, headers, properties, partition: null, timestamp: null };
}

/**
 * Byte for byte: key, value, headers, in their order where it is kept, and the properties that were sent. The system may
 * add properties of its own, and headers that it declares volatile.
 */
export function assertSame(
  received: Message | undefined,
  sent: OutgoingMessage,
  { volatileHeaders, inOrder }: { readonly volatileHeaders: readonly string[]; readonly inOrder: boolean },
): void {
  assert.ok(received !== undefined, 'the message is missing');
  const byName = (one: Header, other: Header) => (one.name < other.name ? -1 : 1);
  const own = (headers: readonly Header[]) => {
    const kept = headers.filter(({ name }) => !volatileHeaders.includes(name));
    return inOrder ? kept : kept.toSorted(byName);
  };
  const properties = Object.fromEntries(
    Object.keys(sent.properties).map((name) => [name, plain(received.properties[name])]),
  );
  assert.deepEqual(
    {
      key: plain(received.key),
      value: plain(received.value),
      headers: plain(own(received.headers)),
      properties,
    },
    {
      key: plain(sent.key),
      value: plain(sent.value),
      headers: plain(own(sent.headers)),
      properties: plain(sent.properties),
    },
  );
}

/** Buffers and other views of bytes become hexadecimal text: two of them are compared by content, and print well. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}

/** A header of every type that a typed system knows, nested ones included, without those types. */
export function headersOfEveryType(without: readonly string[]): Header[] {
  const scalars: [string, string][] = [
    ['boolean', 'true'],
    ['int8', '-128'],
    ['uint8', '255'],
    ['int16', '-32768'],
    ['uint16', '65535'],
    ['int32', '-2147483648'],
    ['uint32', '4294967295'],
    ['int64', '9223372036854775807'],
    ['float', '1.5'],
    ['double', '0.1'],
    ['decimal', '12.34'],
    ['timestamp', '1700000000'],
  ];
  const values: [string, HeaderValue][] = [
    ...scalars.map(([type, value]): [string, HeaderValue] => [type, { type, value }]),
    ['bytes', { type: 'bytes', value: Uint8Array.of(0, 255, 128) }],
    ['void', null],
    ['text', bytes('naïve ☃')],
    ['binary', Uint8Array.of(255, 254, 0)],
    ['table', { type: 'table', value: [{ name: 'inner', value: { type: 'int8', value: '7' } }] }],
    ['array', { type: 'array', value: [bytes('one'), { type: 'int64', value: '2' }] }],
  ];
  return values.filter(([name]) => !without.includes(name)).map(([name, value]) => ({ name, value }));
}
