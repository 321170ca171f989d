/**
 * The lossless record: what `consume`, archives and `produce --format ndjson` share, one line of JSON for each message.
 *
 * Bytes that are valid UTF-8 are written as a string, all others as `{"base64":"…"}`, so that reading gives the same
 * bytes. Validity is `buffer.isUtf8` (strict: no surrogates, no overlong forms), for which decoding and encoding are
 * inverse; a byte order mark is kept, because `Buffer` never strips it (`TextDecoder` would).
 */
import { isUtf8 } from 'node:buffer';

import { FailedError } from '../errors.ts';
import type { JsonValue } from './json-value.ts';
import type {
  DeadLetter,
  DecodedBy,
  Header,
  HeaderValue,
  Message,
  Properties,
  PropertyValue,
  TypedValue,
} from './message.ts';

export type { JsonValue } from './json-value.ts';

/** Bytes that are no valid UTF-8, in canonical base64. */
export interface RecordBytes {
  readonly base64: string;
}

/** What the system itself typed; arrays hold items, or `[name, value]` entries for a table. */
export interface RecordTyped {
  readonly type: string;
  readonly value: string | RecordBytes | null | readonly RecordValue[] | readonly RecordHeader[];
}

export type RecordValue = string | RecordBytes | RecordTyped | null;

export type RecordHeader = readonly [name: string | RecordBytes, value: RecordValue];

export interface RecordDeadLetter extends Omit<DeadLetter, 'at'> {
  readonly at: string | number | null;
}

export interface MessageRecord {
  readonly channel: string;
  readonly partition: string | null;
  readonly offset: string | null;
  readonly id: string | null;
  /** RFC 3339; a number of milliseconds where the year is not one of 0 to 9999, which RFC 3339 cannot say. */
  readonly timestamp: string | number | null;
  readonly timestampType: 'create' | 'append' | null;
  readonly key: string | RecordBytes | null;
  readonly value: string | RecordBytes | null;
  readonly headers: readonly RecordHeader[];
  readonly properties: Readonly<Record<string, RecordValue | readonly RecordHeader[]>>;
  readonly delivery: { readonly count: number | null; readonly redelivered: boolean | null };
  readonly deadLetter: RecordDeadLetter | null;
  /** By what `decoded` was decoded; null where nothing was. */
  readonly schema: DecodedBy | null;
  /** Added by a schema or `--decode json`; the bytes stay in `value`. */
  readonly decoded?: JsonValue;
  readonly decodedKey?: JsonValue;
}

/** How deep tables and arrays may nest: a broker's data cannot exhaust the stack. */
export const maxNesting = 256;

/** The record as an object. Throws `FailedError` beyond `maxNesting`. */
export function toRecord(message: Message): MessageRecord {
  const { value, key, by = null } = message.decoded ?? {};
  const record: MessageRecord = {
    channel: message.channel,
    partition: message.partition,
    offset: message.offset,
    id: message.id,
    timestamp: timeToRecord(message.timestamp),
    timestampType: message.timestampType,
    key: bytesToRecord(message.key),
    value: bytesToRecord(message.value),
    headers: headersToRecord(message.headers, 0),
    properties: propertiesToRecord(message.properties),
    delivery: { count: message.delivery.count, redelivered: message.delivery.redelivered },
    deadLetter: deadLetterToRecord(message.deadLetter),
    schema: by,
  };
  return {
    ...record,
    ...(value === undefined ? {} : { decoded: value }),
    ...(key === undefined ? {} : { decodedKey: key }),
  };
}

/**
 * The record as one line of JSON, without the line's end: the same as `JSON.stringify(toRecord(message))`,
 * written piece by piece because this is what bounds `consume`.
 */
export function recordLine(message: Message): string {
  const { delivery, headers, properties, deadLetter, decoded } = message;
  let line = '{"channel":' + channelLine(message.channel);
  line += ',"partition":' + partitionLine(message.partition);
  line += ',"offset":' + numeralLine(message.offset);
  line += ',"id":' + textLine(message.id);
  line += ',"timestamp":' + timeLine(message.timestamp);
  line += ',"timestampType":' + textLine(message.timestampType);
  line += ',"key":' + bytesLine(message.key);
  line += ',"value":' + bytesLine(message.value);
  line += ',"headers":' + (headers.length === 0 ? '[]' : headersLine(headers));
  line += ',"properties":' + propertiesLine(properties);
  line += ',"delivery":{"count":' + (delivery.count === null ? 'null' : JSON.stringify(delivery.count));
  line += ',"redelivered":' + String(delivery.redelivered);
  line += '},"deadLetter":' + (deadLetter === null ? 'null' : JSON.stringify(deadLetterToRecord(deadLetter)));
  if (decoded === undefined) return line + ',"schema":null}';
  line += ',"schema":' + JSON.stringify(decoded.by);
  if (decoded.value !== undefined) line += ',"decoded":' + JSON.stringify(decoded.value);
  return decoded.key === undefined ? line + '}' : line + ',"decodedKey":' + JSON.stringify(decoded.key) + '}';
}

/** A record's line with further fields at its end, all of which `parseRecord` passes over. */
export function withFields(line: string, fields: Readonly<Record<string, JsonValue>>): string {
  const added = JSON.stringify(fields).slice(1);
  return added === '}' ? line : `${line.slice(0, -1)},${added}`;
}

/** `0000-01-01T00:00:00.000Z` and `9999-12-31T23:59:59.999Z`. */
const firstTime = -62_167_219_200_000;
const lastTime = 253_402_300_799_999;

function timeToRecord(time: number | null): string | number | null {
  if (time === null) return null;
  return Number.isInteger(time) && time >= firstTime && time <= lastTime
    ? new Date(time).toISOString()
    : time;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function base64Of(bytes: Uint8Array): RecordBytes {
  return { base64: asBuffer(bytes).toString('base64') };
}

function bytesToRecord(bytes: Uint8Array | null): string | RecordBytes | null {
  if (bytes === null) return null;
  return isUtf8(bytes) ? asBuffer(bytes).toString('utf8') : base64Of(bytes);
}

function headersToRecord(headers: readonly Header[], depth: number): RecordHeader[] {
  return headers.map((header) => [nameToRecord(header), valueToRecord(header.value, depth)]);
}

function nameToRecord(header: Header): string | RecordBytes {
  return header.rawName === undefined ? header.name : base64Of(header.rawName);
}

function valueToRecord(value: HeaderValue, depth: number): RecordValue {
  if (value === null || value instanceof Uint8Array) return bytesToRecord(value);
  return typedToRecord(value, depth);
}

function typedToRecord({ type, value }: TypedValue, depth: number): RecordTyped {
  if (value === null || typeof value === 'string') return { type, value };
  // Always base64 here: a string is the text of a scalar, and must not be taken for bytes when read again.
  if (value instanceof Uint8Array) return { type, value: base64Of(value) };
  if (depth >= maxNesting)
    throw new FailedError(`a header or property nests deeper than ${maxNesting} levels`);
  if (isTable(value)) return { type, value: headersToRecord(value, depth + 1) };
  return { type, value: value.map((item) => valueToRecord(item, depth + 1)) };
}

function isTable(items: readonly HeaderValue[] | readonly Header[]): items is readonly Header[] {
  const first = items[0];
  return first !== null && first !== undefined && !(first instanceof Uint8Array) && 'name' in first;
}

function propertyToRecord(value: PropertyValue): RecordValue | RecordHeader[] {
  if (value === null || typeof value === 'string') return value;
  // A property that the system defines as text is bytes only when it was not valid UTF-8: base64 keeps the two apart.
  if (value instanceof Uint8Array) return base64Of(value);
  return 'type' in value ? typedToRecord(value, 0) : headersToRecord(value, 0);
}

function propertiesToRecord(properties: Properties): MessageRecord['properties'] {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [name, propertyToRecord(value)] as const),
  );
}

function deadLetterToRecord(deadLetter: DeadLetter | null): RecordDeadLetter | null {
  if (deadLetter === null) return null;
  return {
    reason: deadLetter.reason,
    class: deadLetter.class,
    message: deadLetter.message,
    attempts: deadLetter.attempts,
    origin: {
      channel: deadLetter.origin.channel,
      partition: deadLetter.origin.partition,
      offset: deadLetter.origin.offset,
    },
    consumer: deadLetter.consumer,
    at: timeToRecord(deadLetter.at),
  };
}

function textLine(text: string | null): string {
  return text === null ? 'null' : JSON.stringify(text);
}

/** Offsets mostly are digits, which need no escaping. */
function numeralLine(text: string | null): string {
  return text !== null && /^\d+$/.test(text) ? '"' + text + '"' : textLine(text);
}

/** What is the same in message after message is not written anew for each. */
function unlessSame<Value>(write: (value: Value) => string): (value: Value) => string {
  let last: { readonly value: Value; readonly line: string } | null = null;
  return (value) => {
    if (last?.value !== value) last = { value, line: write(value) };
    return last.line;
  };
}

const channelLine = unlessSame(textLine);
const partitionLine = unlessSame(textLine);
const timeLine = unlessSame((time: number | null): string => {
  const text = timeToRecord(time);
  return typeof text === 'string' ? '"' + text + '"' : JSON.stringify(text);
});

function bytesLine(bytes: Uint8Array | null): string {
  if (bytes === null) return 'null';
  if (isUtf8(bytes)) return JSON.stringify(asBuffer(bytes).toString('utf8'));
  return '{"base64":"' + asBuffer(bytes).toString('base64') + '"}';
}

function headersLine(headers: readonly Header[]): string {
  let line = '[';
  for (const header of headers) {
    if (line !== '[') line += ',';
    const { value } = header;
    line += '[' + JSON.stringify(nameToRecord(header)) + ',';
    line +=
      value === null || value instanceof Uint8Array
        ? bytesLine(value)
        : JSON.stringify(typedToRecord(value, 0));
    line += ']';
  }
  return line + ']';
}

function propertiesLine(properties: Properties): string {
  let line = '{';
  for (const name of Object.keys(properties)) {
    if (line !== '{') line += ',';
    line += JSON.stringify(name) + ':' + JSON.stringify(propertyToRecord(properties[name] ?? null));
  }
  return line + '}';
}
