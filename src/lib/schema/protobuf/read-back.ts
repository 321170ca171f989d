/**
 * The judge of witnesses: a value is encoded by the writer's type, read by the reader's, and the two are compared field
 * by field, by number. Only what both know counts: what the reader does not know it skips, as the format means it.
 */
import protojson from 'protobufjs/ext/protojson.js';

import { errorText } from '../../errors.ts';
import type { JsonValue } from '../../message/record.ts';
import type { Witness } from '../finding.ts';
import { decodeMessage, encodeMessage, wireProblems } from './codec.ts';
import type { FieldKind, MessageField, MessageType } from './model.ts';

type DecodedMessage = ReturnType<MessageType['codec']['decode']>;

/** Null where the reader sees what was written. Throws where the value is none of the writer's. */
export function readBack(reader: MessageType, writer: MessageType, value: JsonValue): Witness | null {
  const bytes = encodeMessage(writer, value);
  const written = writer.codec.decode(bytes);
  let read: DecodedMessage;
  try {
    read = reader.codec.decode(bytes);
  } catch (thrown) {
    return {
      written: value,
      bytes,
      outcome: 'refused',
      read: null,
      detail: `${reader.localName}: ${errorText(thrown)}`,
    };
  }
  const difference = differenceOf(reader, writer, read, written, '');
  if (difference === null) return null;
  const [problem] = wireProblems(reader, bytes, 1);
  return {
    written: value,
    bytes,
    outcome: 'differs',
    read: jsonOrNull(reader, read),
    detail: problem === undefined ? difference : `${difference} (${problem.message})`,
  };
}

/** The same in the JSON form. */
export function readBackJson(reader: MessageType, writer: MessageType, value: JsonValue): Witness | null {
  const written = writer.codec.decode(encodeMessage(writer, value));
  const text = decodeMessage(writer, encodeMessage(writer, value));
  let read: DecodedMessage;
  try {
    // Through the bytes, so that both sides have been decoded: defaults and all.
    read = reader.codec.decode(reader.codec.encode(protojson.fromJson(reader.codec, text)).finish());
  } catch (thrown) {
    return {
      written: text,
      bytes: null,
      outcome: 'refused',
      read: null,
      detail: `in the JSON form, ${errorText(thrown).replace(/^\./, '')}`,
    };
  }
  const difference = differenceOf(reader, writer, read, written, '');
  if (difference === null) return null;
  return {
    written: text,
    bytes: null,
    outcome: 'differs',
    read: jsonOrNull(reader, read),
    detail: `in the JSON form, ${difference}`,
  };
}

function jsonOrNull(type: MessageType, message: DecodedMessage): JsonValue {
  try {
    return decodeMessage(type, type.codec.encode(message).finish());
  } catch {
    return null;
  }
}

/** A sentence about the first field that is not what it was; null where all are. */
function differenceOf(
  reader: MessageType,
  writer: MessageType,
  read: object,
  written: object,
  path: string,
): string | null {
  for (const field of reader.fields.values()) {
    const before = writer.fields.get(field.number);
    if (before === undefined) continue;
    const difference = fieldDifference(field, before, read, written, `${path}${field.name}`);
    if (difference !== null) return difference;
  }
  for (const oneof of reader.oneofs.keys()) {
    const set = [...writer.fields.values()].find(
      (field) => field.oneof === oneof && !reader.fields.has(field.number) && isPresent(field, written),
    );
    const seen = [...reader.fields.values()].some((field) => field.oneof === oneof && isPresent(field, read));
    if (set !== undefined && !seen) return `${path}${oneof} is read as not set, ${set.name} was set`;
  }
  return null;
}

function fieldDifference(
  field: MessageField,
  before: MessageField,
  read: object,
  written: object,
  path: string,
): string | null {
  const [now, then] = [valuesOf(field, read), valuesOf(before, written)];
  if (field.type.kind === 'map' || before.type.kind === 'map')
    return mapDifference(field, before, read, written, path);
  const lists = field.label === 'repeated' || before.label === 'repeated';
  // One value is a list of one; where it is the default and not on the wire, an empty list.
  if (
    lists &&
    now.length !== then.length &&
    !(now.length === 0 && isDefault(before, then)) &&
    !(then.length === 0 && isDefault(field, now))
  )
    return `${path} is read as ${now.length.toString()} values, ${then.length.toString()} were written`;
  for (let index = 0; index < Math.min(now.length, then.length); index += 1) {
    const difference = valueDifference(field.type, before.type, now[index], then[index], path);
    if (difference !== null) return difference;
  }
  return now.length === then.length || lists
    ? null
    : `${path} is read as ${now.length === 0 ? 'absent' : 'present'}, it was ${then.length === 0 ? 'absent' : 'present'}`;
}

function valueDifference(
  type: FieldKind,
  before: FieldKind,
  now: unknown,
  then: unknown,
  path: string,
): string | null {
  if (type.kind === 'message' && before.kind === 'message' && isObject(now) && isObject(then))
    return differenceOf(type.of, before.of, now, then, `${path}.`);
  const [shown, was] = [canonical(type, now), canonical(before, then)];
  return shown === was ? null : `${path} is read as ${show(shown)}, ${show(was)} was written`;
}

function mapDifference(
  field: MessageField,
  before: MessageField,
  read: object,
  written: object,
  path: string,
): string | null {
  if (field.type.kind !== 'map' || before.type.kind !== 'map') {
    const [now, then] = [valuesOf(field, read).length, valuesOf(before, written).length];
    return now === then
      ? null
      : `${path} is read as ${now.toString()} entries, ${then.toString()} were written`;
  }
  const [now, then] = [entriesOf(read, field), entriesOf(written, before)];
  if (now.size !== then.size)
    return `${path} is read with ${now.size.toString()} entries, ${then.size.toString()} were written`;
  for (const [key, value] of then) {
    if (!now.has(key)) return `${path} has lost the key ${show(key)}`;
    const difference = valueDifference(
      field.type.value,
      before.type.value,
      now.get(key),
      value,
      `${path}[${show(key)}]`,
    );
    if (difference !== null) return difference;
  }
  return null;
}

function entriesOf(message: object, field: MessageField): Map<string, unknown> {
  const map: unknown = Reflect.get(message, field.property);
  const entries: [string, unknown][] = isObject(map) ? Object.entries(map) : [];
  return new Map(entries);
}

/** The values of a field: all of a list; for one value itself, its default where it is absent; none for an absent message. */
function valuesOf(field: MessageField, message: object): readonly unknown[] {
  const value: unknown = Reflect.get(message, field.property);
  if (field.type.kind === 'map') return [...entriesOf(message, field).keys()];
  if (field.label === 'repeated') return Array.isArray(value) ? value : [];
  if (field.type.kind === 'message') return isPresent(field, message) ? [value] : [];
  return [value ?? zeroOf(field.type)];
}

function isPresent(field: MessageField, message: object): boolean {
  return Object.hasOwn(message, field.property) && Reflect.get(message, field.property) !== null;
}

function isDefault(field: MessageField, values: readonly unknown[]): boolean {
  return (
    field.label !== 'repeated' &&
    values.length === 1 &&
    canonical(field.type, values[0]) === canonical(field.type, zeroOf(field.type))
  );
}

function zeroOf(type: FieldKind): unknown {
  if (type.kind === 'enum') return [...type.of.names.values()][0] ?? 0;
  if (type.kind !== 'scalar') return null;
  return type.scalar === 'string' || type.scalar === 'bytes' ? '' : 0;
}

/** Equal where two types show the same value: numbers whatever their width, text as its bytes. */
function canonical(type: FieldKind, value: unknown): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString('latin1')}"`;
  if (typeof value === 'string' && type.kind === 'scalar' && type.scalar === 'string')
    return `"${Buffer.from(value, 'utf8').toString('latin1')}"`;
  if (value === '') return '""';
  if (Array.isArray(value)) return `"${Buffer.from(value).toString('latin1')}"`;
  return String(value);
}

function show(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
