/** What a CEL expression sees of a message. Names and types are part of the surface. */
import { isUtf8 } from 'node:buffer';

import type { Header, HeaderValue, Message, PropertyValue, TypedValue } from '../message/message.ts';

/** CEL types of the variables, `dyn` where it depends on the message. */
export const celTypes = {
  /** What a schema decoded; else the JSON of the value where it is JSON, else its text; bytes where it is no text; null for a tombstone. */
  value: 'dyn',
  /** The value's bytes; null for a tombstone. */
  raw: 'dyn',
  /** Text, bytes where it is none, or null. */
  key: 'dyn',
  /** By name; of repeated ones the first. */
  headers: 'map',
  /** All, in order: `{name, value}`. */
  headerList: 'list',
  properties: 'map',
  /** Texts, as the record has them: `int(offset) > 100`. */
  partition: 'dyn',
  offset: 'dyn',
  id: 'dyn',
  /** A timestamp: `timestamp > timestamp("2026-11-20T00:00:00Z")`. */
  timestamp: 'dyn',
  channel: 'string',
  /** `{count, redelivered}`. */
  delivery: 'map',
  /** `{reason, class, message, attempts, origin: {channel, partition, offset}, consumer, at}`, or null. */
  deadLetter: 'dyn',
} as const;

type VariableName = keyof typeof celTypes;

const readers: Readonly<Record<VariableName, (message: Message) => unknown>> = {
  // CEL knows plain objects only, and a codec may have classes of its own.
  value: ({ value, decoded }) =>
    decoded?.value !== undefined ? structuredClone(decoded.value) : value === null ? null : decode(value),
  raw: ({ value }) => value,
  key: ({ key }) => bytesToNative(key),
  headers: ({ headers }) => firstByName(headers),
  headerList: ({ headers }) => headers.map(({ name, value }) => ({ name, value: toNative(value) })),
  properties: ({ properties }) =>
    byName(Object.entries(properties).map(([name, value]) => [name, propertyToNative(value)])),
  partition: ({ partition }) => partition,
  offset: ({ offset }) => offset,
  id: ({ id }) => id,
  timestamp: ({ timestamp }) => timeToNative(timestamp),
  channel: ({ channel }) => channel,
  delivery: ({ delivery }) => ({ count: delivery.count, redelivered: delivery.redelivered }),
  deadLetter: ({ deadLetter }) =>
    deadLetter === null
      ? null
      : { ...deadLetter, origin: { ...deadLetter.origin }, at: timeToNative(deadLetter.at) },
};

/** Builds only the variables whose names stand in the expression: decoding JSON costs more than most filters. */
export function celVariables(expression: string): (message: Message) => Record<string, unknown> {
  const used = Object.entries(readers).filter(([name]) => expression.includes(name));
  return (message) => {
    const variables: Record<string, unknown> = {};
    for (const [name, read] of used) variables[name] = read(message);
    return variables;
  };
}

/** JSON first, text else. */
function decode(value: Uint8Array): unknown {
  if (!isUtf8(value)) return value;
  const text = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8');
  try {
    // Integers that a double would round become CEL's int. The digits decide, since a reviver makes parsing slow.
    return /\d{16}/.test(text) ? JSON.parse(text, keepLargeIntegers) : JSON.parse(text);
  } catch {
    return text;
  }
}

function keepLargeIntegers(_name: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  return source !== undefined && /^-?\d+$/.test(source) && fitsInt64(BigInt(source)) ? BigInt(source) : value;
}

function fitsInt64(integer: bigint): boolean {
  return BigInt.asIntN(64, integer) === integer;
}

function bytesToNative(bytes: Uint8Array | null): string | Uint8Array | null {
  if (bytes === null || !isUtf8(bytes)) return bytes;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

function toNative(value: HeaderValue): unknown {
  return value === null || value instanceof Uint8Array ? bytesToNative(value) : typedToNative(value);
}

function propertyToNative(value: PropertyValue): unknown {
  if (value === null || typeof value === 'string') return value;
  if (value instanceof Uint8Array) return value;
  return 'type' in value ? typedToNative(value) : firstByName(value);
}

function typedToNative({ type, value }: TypedValue): unknown {
  if (value === null || value instanceof Uint8Array) return value;
  if (typeof value === 'string') return scalarToNative(type, value);
  return isTable(value) ? firstByName(value) : value.map(toNative);
}

/** Seconds since 1970 is AMQP's timestamp (0-9-1, section 4.2.5.4), the only system with typed ones. */
function scalarToNative(type: string, text: string): unknown {
  if (type === 'boolean') return text === 'true';
  if (type === 'timestamp') return /^-?\d+$/.test(text) ? timeToNative(Number(text) * 1000) : text;
  if (/^u?int\d+$/.test(type)) {
    if (!/^-?\d+$/.test(text)) return text;
    const integer = BigInt(text);
    return fitsInt64(integer) ? integer : Number(integer);
  }
  if (type !== 'float' && type !== 'double' && type !== 'decimal') return text;
  const number = Number(text);
  return Number.isNaN(number) && text !== 'NaN' ? text : number;
}

function isTable(items: readonly HeaderValue[] | readonly Header[]): items is readonly Header[] {
  const first = items[0];
  return first !== null && first !== undefined && !(first instanceof Uint8Array) && 'name' in first;
}

function firstByName(headers: readonly Header[]): Record<string, unknown> {
  return byName(headers.map(({ name, value }) => [name, toNative(value)]));
}

/** Without a prototype: a header may be called `__proto__`. */
function byName(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  const named: Record<string, unknown> = { __proto__: null };
  for (const [name, value] of entries) if (!(name in named)) named[name] = value;
  return named;
}

/** Beyond what a Date can say it is unknown. */
function timeToNative(time: number | null): Date | null {
  if (time === null) return null;
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? null : date;
}
