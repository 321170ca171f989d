/**
 * Whether bytes that one field's type wrote can be read otherwise by another's. `compatible` is proved by the encoding:
 * same wire type, and every value the writer can write is the same value to the reader.
 */
import { wireType } from './wire.ts';
import type { EnumType, FieldKind, MessageField, MessageType, ScalarName } from './model.ts';

/** By writer: the readers that see every value as it was written. Narrower or differently signed ones do not. */
const readsTheSame: Readonly<Record<ScalarName, readonly ScalarName[]>> = {
  double: ['double'],
  float: ['float'],
  int32: ['int32', 'int64'],
  int64: ['int64'],
  uint32: ['uint32', 'uint64', 'int64'],
  uint64: ['uint64'],
  sint32: ['sint32', 'sint64'],
  sint64: ['sint64'],
  fixed32: ['fixed32'],
  fixed64: ['fixed64'],
  sfixed32: ['sfixed32'],
  sfixed64: ['sfixed64'],
  bool: ['bool', 'int32', 'int64', 'uint32', 'uint64'],
  string: ['string', 'bytes'],
  bytes: ['bytes'],
};

/** Message pairs that are being compared, so that recursive ones end: what they hold is assumed until refuted. */
type Assumed = Set<string>;

/** Whether every value that `writer` can write is the same to `reader`. False is not yet a proof that one breaks. */
export function readsEveryField(
  reader: MessageField,
  writer: MessageField,
  assumed: Assumed = new Set(),
): boolean {
  return readsEveryKind(reader.type, writer.type, assumed) && readsEveryLabel(reader, writer);
}

function readsEveryLabel(reader: MessageField, writer: MessageField): boolean {
  if (reader.label === 'required' && writer.label !== 'required') return false;
  // A map is on the wire as a list of its entries.
  if (reader.type.kind === 'map' || writer.type.kind === 'map') return isList(reader) && isList(writer);
  // One is a list of one; and where the value is the default, none is an empty list.
  if (writer.label !== 'repeated') return true;
  return reader.label === 'repeated';
}

function isList(field: MessageField): boolean {
  return field.label === 'repeated' || field.type.kind === 'map';
}

function readsEveryKind(reader: FieldKind, writer: FieldKind, assumed: Assumed): boolean {
  if (wireType(reader) !== wireType(writer)) return false;
  if (reader.kind === 'map' || writer.kind === 'map') return readsEveryEntry(reader, writer, assumed);
  if (writer.kind === 'scalar')
    return (
      (reader.kind === 'scalar' && readsTheSame[writer.scalar].includes(reader.scalar)) ||
      (reader.kind === 'enum' && !reader.of.closed && (writer.scalar === 'int32' || writer.scalar === 'bool'))
    );
  if (writer.kind === 'enum')
    return reader.kind === 'enum'
      ? readsEveryNumber(reader.of, writer.of)
      : reader.kind === 'scalar' && (reader.scalar === 'int32' || reader.scalar === 'int64');
  return reader.kind === 'message' && readsEveryMessage(reader.of, writer.of, assumed);
}

/** A map's entry is a message of a key and a value, and is written as one where only one side has a map. */
function readsEveryEntry(reader: FieldKind, writer: FieldKind, assumed: Assumed): boolean {
  const [read, written] = [entryOf(reader), entryOf(writer)];
  // Where the writer's list may hold a key twice, a map keeps the last.
  if (read === null || written === null || (reader.kind === 'map' && writer.kind !== 'map')) return false;
  return readsEveryKind(read.key, written.key, assumed) && readsEveryKind(read.value, written.value, assumed);
}

function entryOf(type: FieldKind): { readonly key: FieldKind; readonly value: FieldKind } | null {
  if (type.kind === 'map') return { key: { kind: 'scalar', scalar: type.key }, value: type.value };
  if (type.kind !== 'message' || type.delimited || type.of.fields.size !== 2) return null;
  const [key, value] = [type.of.fields.get(1), type.of.fields.get(2)];
  if (key?.label !== 'singular' || value?.label !== 'singular') return null;
  return { key: key.type, value: value.type };
}

/** An open enum keeps every number. A closed one has to know each that the writer may write. */
function readsEveryNumber(reader: EnumType, writer: EnumType): boolean {
  if (!reader.closed) return true;
  if (!writer.closed) return false;
  const known = new Set(reader.names.values());
  return [...writer.names.values()].every((number) => known.has(number));
}

/** Fields that one of them lacks are skipped, as the format means it. */
function readsEveryMessage(reader: MessageType, writer: MessageType, assumed: Assumed): boolean {
  const pair = `${reader.fullName} ${writer.fullName}`;
  if (assumed.has(pair)) return true;
  assumed.add(pair);
  for (const field of reader.fields.values()) {
    const written = writer.fields.get(field.number);
    if (written === undefined) {
      if (field.label === 'required') return false;
      continue;
    }
    if (!readsEveryField(field, written, assumed) || effectiveDefault(field) !== effectiveDefault(written))
      return false;
    if (field.oneof !== null && sharesAnewWith(field, reader, writer).length > 0) return false;
  }
  return true;
}

/** What an absent field is read as. A message is absent, whatever its defaults. */
export function effectiveDefault(field: MessageField): string | null {
  if (field.label === 'repeated' || field.type.kind === 'message' || field.type.kind === 'map') return null;
  if (field.type.kind === 'enum') {
    const named = field.default === null ? undefined : field.type.of.names.get(field.default.slice(1, -1));
    if (named !== undefined) return named.toString();
    const [first] = field.type.of.names.values();
    return (first ?? 0).toString();
  }
  if (field.type.scalar === 'string' || field.type.scalar === 'bytes') return field.default ?? '""';
  return field.default ?? (field.type.scalar === 'bool' ? 'false' : '0');
}

/** The fields of the reader's `oneof` that the writer could set together with this one: the last one wins. */
export function sharesAnewWith(
  field: MessageField,
  reader: MessageType,
  writer: MessageType,
): readonly MessageField[] {
  const before = writer.fields.get(field.number);
  if (field.oneof === null || before === undefined) return [];
  return [...reader.fields.values()].filter((other) => {
    const otherBefore = writer.fields.get(other.number);
    return (
      other !== field &&
      other.oneof === field.oneof &&
      otherBefore !== undefined &&
      (before.oneof === null || otherBefore.oneof !== before.oneof)
    );
  });
}
