/**
 * Reads the lossless record of `record.ts` back. A record may be written by hand, so only `value` is required; a field
 * that is not known is an error, because a misspelt `vlaue` would else be published as a tombstone.
 */
import { isUtf8 } from 'node:buffer';

import { UsageError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import type { DeadLetter, Header, HeaderValue, Message, PropertyValue, TypedValue } from './message.ts';
import { maxNesting } from './record.ts';
import { parseRfc3339 } from './time.ts';

/** A whole message, except that a record written by hand may not say where it comes from. */
export interface ParsedRecord extends Omit<Message, 'channel'> {
  readonly channel: string | null;
}

type Fields = Readonly<Record<string, unknown>>;

const recordFields = [
  'channel',
  'partition',
  'offset',
  'id',
  'timestamp',
  'timestampType',
  'key',
  'value',
  'headers',
  'properties',
  'delivery',
  'deadLetter',
  'schema',
  'decoded',
  'inspection',
  'crc32',
  'redacted',
];

/** Fields that every record of ours has, and that hardly any other JSON object has together. */
const markingFields = ['key', 'value', 'headers', 'properties', 'delivery', 'deadLetter'];

/** Whether this line is a record as `recordLine` writes it (not merely JSON with a `value`). Never throws. */
export function looksLikeRecord(line: Uint8Array): boolean {
  if (line[0] !== 0x7b || !isUtf8(line)) return false;
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8'));
  } catch {
    return false;
  }
  return isFields(parsed) && markingFields.every((name) => Object.hasOwn(parsed, name));
}

/** Throws `UsageError` that names the field. `decoded`, `schema`, `inspection` and `crc32` are not read: the bytes are the truth. */
export function parseRecord(line: string | Uint8Array): ParsedRecord {
  const record = parseObject(line);
  refuseUnknown(record, recordFields, '');
  if (record['redacted'] === true)
    throw new UsageError('record: something was taken out of it (it is redacted)', {
      hint: 'it is for reading: publish from an archive that is complete',
    });
  if (!Object.hasOwn(record, 'value'))
    throw new UsageError('record: "value" is missing', { hint: 'write "value":null for a tombstone' });
  return {
    channel: optionalText(record, 'channel', ''),
    partition: optionalText(record, 'partition', ''),
    offset: optionalText(record, 'offset', ''),
    id: optionalText(record, 'id', ''),
    timestamp: parseTime(record['timestamp'], 'timestamp'),
    timestampType: parseTimestampType(record['timestampType']),
    key: parseBytes(record['key'], 'key'),
    value: parseBytes(record['value'], 'value'),
    headers: parseEntries(record['headers'] ?? [], 'headers', 0),
    properties: parseProperties(record['properties']),
    delivery: parseDelivery(record['delivery']),
    deadLetter: parseDeadLetter(record['deadLetter']),
  };
}

function parseObject(line: string | Uint8Array): Fields {
  if (typeof line !== 'string' && !isUtf8(line)) throw new UsageError('record: not valid UTF-8, so no JSON');
  const text =
    typeof line === 'string'
      ? line
      : Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`record: not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!isFields(parsed)) throw new UsageError(`record: expected a JSON object, got ${kindOf(parsed)}`);
  return parsed;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`;
}

function wrong(path: string, expected: string, got: unknown): UsageError {
  return new UsageError(`record: ${path}: expected ${expected}, got ${kindOf(got)}`);
}

function refuseUnknown(fields: Fields, known: readonly string[], path: string): void {
  for (const name of Object.keys(fields)) {
    if (known.includes(name)) continue;
    const close = nearest(name, known);
    throw new UsageError(`record: unknown field ${JSON.stringify(path + name)}`, {
      hint: close === null ? `known are ${known.join(', ')}` : `did you mean "${close}"?`,
    });
  }
}

function optionalText(fields: Fields, name: string, path: string): string | null {
  const value = fields[name] ?? null;
  if (value !== null && typeof value !== 'string') throw wrong(path + name, 'a string or null', value);
  return value;
}

function optionalNumber(fields: Fields, name: string, path: string): number | null {
  const value = fields[name] ?? null;
  if (value !== null && typeof value !== 'number') throw wrong(path + name, 'a number or null', value);
  return value;
}

/** A string that UTF-8 can say: a lone surrogate would silently become U+FFFD. */
function wellFormed(text: string, path: string): string {
  if (!text.isWellFormed())
    throw new UsageError(`record: ${path}: a lone surrogate is no text`, {
      hint: 'write the bytes as {"base64":"…"}',
    });
  return text;
}

function parseTime(value: unknown, path: string): number | null {
  if (value === undefined || value === null || typeof value === 'number') return value ?? null;
  const time = typeof value === 'string' ? parseRfc3339(value) : null;
  if (time === null)
    throw new UsageError(
      `record: ${path}: expected a time such as "2026-11-20T10:00:00.000Z", a number of milliseconds, or null`,
    );
  return time;
}

function parseTimestampType(value: unknown): 'create' | 'append' | null {
  if (value === undefined || value === null) return null;
  if (value === 'create' || value === 'append') return value;
  throw new UsageError('record: timestampType: expected "create", "append" or null');
}

/** A string, `{"base64":"…"}` or null, as a record writes bytes. Throws `UsageError` that names `path`. */
export function parseBytes(value: unknown, path: string): Buffer | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return Buffer.from(wellFormed(value, path), 'utf8');
  if (isFields(value) && Object.hasOwn(value, 'base64')) return parseBase64(value, path);
  throw wrong(path, 'a string, {"base64":"…"} or null', value);
}

function parseBase64(fields: Fields, path: string): Buffer {
  refuseUnknown(fields, ['base64'], `${path}.`);
  const text = fields['base64'];
  if (typeof text !== 'string') throw wrong(`${path}.base64`, 'a string', text);
  const bytes = Buffer.from(text, 'base64');
  // Node skips what is no base64: only the canonical form is surely what was meant.
  if (bytes.toString('base64') !== text)
    throw new UsageError(`record: ${path}.base64: not base64 (RFC 4648, section 4, with padding)`);
  return bytes;
}

function parseEntries(value: unknown, path: string, depth: number): Header[] {
  if (!Array.isArray(value)) throw wrong(path, 'an array of [name, value]', value);
  return value.map((entry: unknown, index) => parseEntry(entry, `${path}[${index}]`, depth));
}

function parseEntry(entry: unknown, path: string, depth: number): Header {
  const parts: readonly unknown[] = Array.isArray(entry) ? entry : [];
  const [name, value] = parts;
  if (parts.length !== 2) throw new UsageError(`record: ${path}: expected [name, value]`);
  const parsed = parseValue(value, path, depth);
  if (typeof name === 'string') return { name: wellFormed(name, `${path} name`), value: parsed };
  if (!isFields(name)) throw wrong(`${path} name`, 'a string or {"base64":"…"}', name);
  const rawName = parseBase64(name, `${path} name`);
  const text = rawName.toString('utf8');
  return isUtf8(rawName) ? { name: text, value: parsed } : { name: text, value: parsed, rawName };
}

/** A header's value as a record writes it. Throws `UsageError` that names `path`. */
export function parseValue(value: unknown, path: string, depth: number): HeaderValue {
  if (isFields(value) && Object.hasOwn(value, 'type')) return parseTyped(value, path, depth);
  return parseBytes(value, path);
}

function parseTyped(fields: Fields, path: string, depth: number): TypedValue {
  refuseUnknown(fields, ['type', 'value'], `${path}.`);
  const { type, value } = fields;
  if (typeof type !== 'string') throw wrong(`${path}.type`, 'a string', type);
  if (value === null || value === undefined) return { type, value: null };
  if (typeof value === 'string') return { type, value };
  if (isFields(value)) return { type, value: parseBase64(value, `${path}.value`) };
  if (!Array.isArray(value))
    throw wrong(
      `${path}.value`,
      'a string (numbers too, so that nothing is rounded), {"base64":"…"}, an array or null',
      value,
    );
  if (depth >= maxNesting) throw new UsageError(`record: ${path}: nests deeper than ${maxNesting} levels`);
  const items: readonly unknown[] = value;
  // An item is never an array itself, so entries are told from items by their shape.
  if (type === 'table' || Array.isArray(items[0]))
    return { type, value: parseEntries(items, `${path}.value`, depth + 1) };
  return {
    type,
    value: items.map((item, index) => parseValue(item, `${path}.value[${index}]`, depth + 1)),
  };
}

function parseProperties(value: unknown): Readonly<Record<string, PropertyValue>> {
  if (value === undefined || value === null) return {};
  if (!isFields(value)) throw wrong('properties', 'an object', value);
  return Object.fromEntries(
    Object.entries(value).map(([name, property]) => [name, parseProperty(property, `properties.${name}`)]),
  );
}

/** A property as a record writes it. Throws `UsageError` that names `path`. */
export function parseProperty(value: unknown, path: string): PropertyValue {
  if (typeof value === 'string') return wellFormed(value, path);
  if (Array.isArray(value)) return parseEntries(value, path, 0);
  return parseValue(value, path, 0);
}

function parseDelivery(value: unknown): Message['delivery'] {
  if (value === undefined || value === null) return { count: null, redelivered: null };
  if (!isFields(value)) throw wrong('delivery', 'an object', value);
  refuseUnknown(value, ['count', 'redelivered'], 'delivery.');
  const redelivered = value['redelivered'] ?? null;
  if (redelivered !== null && typeof redelivered !== 'boolean')
    throw wrong('delivery.redelivered', 'true, false or null', redelivered);
  return { count: optionalNumber(value, 'count', 'delivery.'), redelivered };
}

const deadLetterFields = ['reason', 'class', 'message', 'attempts', 'origin', 'consumer', 'at'];

function parseDeadLetter(value: unknown): DeadLetter | null {
  if (value === undefined || value === null) return null;
  if (!isFields(value)) throw wrong('deadLetter', 'an object or null', value);
  refuseUnknown(value, deadLetterFields, 'deadLetter.');
  const origin = value['origin'] ?? {};
  if (!isFields(origin)) throw wrong('deadLetter.origin', 'an object', origin);
  refuseUnknown(origin, ['channel', 'partition', 'offset'], 'deadLetter.origin.');
  return {
    reason: optionalText(value, 'reason', 'deadLetter.'),
    class: optionalText(value, 'class', 'deadLetter.'),
    message: optionalText(value, 'message', 'deadLetter.'),
    attempts: optionalNumber(value, 'attempts', 'deadLetter.'),
    origin: {
      channel: optionalText(origin, 'channel', 'deadLetter.origin.'),
      partition: optionalText(origin, 'partition', 'deadLetter.origin.'),
      offset: optionalText(origin, 'offset', 'deadLetter.origin.'),
    },
    consumer: optionalText(value, 'consumer', 'deadLetter.'),
    at: parseTime(value['at'], 'deadLetter.at'),
  };
}
