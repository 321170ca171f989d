/**
 * The 14 properties of AMQP 0-9-1's class "basic" (specification, 4.2.6 and the class's table), as they stand in a
 * content header after the body's size: 16 flags, the first property at the highest bit, then those that are there.
 */
import { isUtf8 } from 'node:buffer';
import { FailedError, UsageError } from '../../errors.ts';
import type { Header, OutgoingMessage, Properties, PropertyValue } from '../../message/message.ts';
import type { ByteWriter } from './byte-writer.ts';
import { parseInteger } from './field-value.ts';
import { decodeTable, encodeTable } from './table-codec.ts';

type PropertyKind = 'text' | 'table' | 'uint8' | 'timestamp';

/** In wire order. */
const layout: readonly (readonly [name: string, kind: PropertyKind])[] = [
  ['contentType', 'text'],
  ['contentEncoding', 'text'],
  ['headers', 'table'],
  ['deliveryMode', 'uint8'],
  ['priority', 'uint8'],
  ['correlationId', 'text'],
  ['replyTo', 'text'],
  ['expiration', 'text'],
  ['messageId', 'text'],
  ['timestamp', 'timestamp'],
  ['type', 'text'],
  ['userId', 'text'],
  ['appId', 'text'],
  ['clusterId', 'text'],
];

/** `exchange` and `routingKey` say how a message came; `headers` is only there as the mark of an empty table. */
export const basicPropertyNames: readonly string[] = layout.map(([name]) => name);

const firstFlag = 15;

/**
 * A table that is there and empty is not the same as none. `headers` cannot tell them apart, so this mark stands among
 * the properties of such a message.
 */
const emptyHeaders = { type: 'table', value: [] } as const;

export interface BasicProperties {
  readonly headers: readonly Header[];
  readonly properties: Properties;
}

/** A decoded message's own object, to which its reader may add. */
export interface DecodedProperties {
  readonly headers: readonly Header[];
  readonly properties: Record<string, PropertyValue>;
}

/** Flags and properties. Throws `FailedError` for what is neither. */
export function decodeProperties(bytes: Buffer): DecodedProperties {
  if (bytes.length < 2) throw malformed('it ends in the middle');
  const flags = bytes.readUInt16BE(0);
  if ((flags & 0b11) !== 0) throw malformed('it has flags that the protocol does not know');
  let headers: readonly Header[] = [];
  const properties: Record<string, PropertyValue> = {};
  let at = 2;
  const skip = (length: number): number => {
    const from = at;
    if (length > bytes.length - at) throw malformed('it ends in the middle');
    at += length;
    return from;
  };
  for (let index = 0; index < layout.length; index += 1) {
    const place = layout[index];
    if (place === undefined || (flags & (1 << (firstFlag - index))) === 0) continue;
    const [name, kind] = place;
    switch (kind) {
      case 'text': {
        const length = bytes.readUInt8(skip(1));
        const from = skip(length);
        properties[name] = textOf(bytes.subarray(from, from + length));
        break;
      }
      case 'table': {
        const length = bytes.readUInt32BE(skip(4));
        const from = skip(length);
        headers = decodeTable(bytes.subarray(from, from + length));
        if (length === 0) properties[name] = emptyHeaders;
        break;
      }
      case 'uint8':
        properties[name] = { type: 'uint8', value: String(bytes.readUInt8(skip(1))) };
        break;
      case 'timestamp':
        properties[name] = { type: 'timestamp', value: String(bytes.readBigUInt64BE(skip(8))) };
        break;
    }
  }
  if (at !== bytes.length) throw malformed('there is something after its end');
  return { headers, properties };
}

/** Text where it is valid UTF-8, which decodes and encodes to the same bytes; else the bytes. */
export function textOf(bytes: Buffer): string | Uint8Array {
  return isUtf8(bytes) ? bytes.toString('utf8') : bytes;
}

function malformed(why: string): FailedError {
  return new FailedError(`the properties of a message cannot be read: ${why}`, { code: 'MALFORMED' });
}

/**
 * Flags and properties. A `TypedValue` and plain text of a number are both taken for numbers. What a message does not
 * say is not there, except what `defaults` say. Throws `UsageError` for what AMQP 0-9-1 cannot carry.
 */
export function encodeProperties(
  writer: ByteWriter,
  message: Pick<OutgoingMessage, 'headers' | 'properties'>,
  defaults: Properties = {},
): void {
  const start = writer.length;
  let flags = 0;
  writer.uint16(0);
  for (let index = 0; index < layout.length; index += 1) {
    const place = layout[index];
    if (place === undefined) break;
    const [name, kind] = place;
    const value = message.properties[name] ?? defaults[name] ?? null;
    if (kind === 'table') {
      if (message.headers.length === 0 && value === null) continue;
      encodeTable(writer, message.headers);
    } else {
      if (value === null) continue;
      writeProperty(writer, name, kind, value);
    }
    flags |= 1 << (firstFlag - index);
  }
  writer.setUint16(start, flags);
}

function writeProperty(
  writer: ByteWriter,
  name: string,
  kind: 'text' | 'uint8' | 'timestamp',
  value: PropertyValue,
): void {
  switch (kind) {
    case 'text':
      writeShortText(writer, `property ${name}`, value);
      return;
    case 'uint8':
      writer.uint8(Number(numberOf(name, kind, value)));
      return;
    case 'timestamp':
      writer.uint64(numberOf(name, kind, value));
  }
}

/** Up to 255 bytes with their length before them. Throws `UsageError` that names `what`. */
export function writeShortText(writer: ByteWriter, what: string, value: PropertyValue): void {
  const start = writer.length;
  writer.uint8(0);
  if (typeof value === 'string') writer.text(value);
  else if (value instanceof Uint8Array) writer.bytes(value);
  else throw new UsageError(`${what} is text, and this is not`);
  const length = writer.length - start - 1;
  if (length > 0xff)
    throw new UsageError(`${what} takes ${String(length)} bytes`, { hint: 'AMQP 0-9-1 allows 255' });
  writer.setUint8(start, length);
}

function numberOf(name: string, kind: 'uint8' | 'timestamp', value: PropertyValue): bigint {
  const text = value !== null && typeof value === 'object' && 'type' in value ? value.value : value;
  if (typeof text !== 'string') throw new UsageError(`property ${name} is a number, and this is not`);
  try {
    return parseInteger(text, kind);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`property ${name}: ${error.message}`, {
      ...(error.hint !== undefined && { hint: error.hint }),
    });
  }
}
