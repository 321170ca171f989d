/** Bytes to JSON and back, by protobufjs, after our own look at the wire: the library skips a wrong type in silence. */
import protojson from 'protobufjs/ext/protojson.js';

import { errorText } from '../../errors.ts';
import type { JsonValue } from '../../message/record.ts';
import type { Violation } from '../engine.ts';
import { PayloadError } from '../errors.ts';
import type { FieldKind, MessageField, MessageType } from './model.ts';
import { scanWire, type WireProblem } from './wire.ts';

/** The value in Protobuf's JSON form, in which 64-bit numbers are text. Throws `PayloadError`. */
export function decodeMessage(type: MessageType, payload: Uint8Array): JsonValue {
  const [problem] = wireProblems(type, payload, 1);
  if (problem !== undefined) throw new PayloadError(problem.code, describeProblem(type, problem));
  try {
    return toJsonForm(type, type.codec.decode(payload));
  } catch (thrown) {
    throw new PayloadError('undecodable', `${type.localName}: ${errorText(thrown)}`, { cause: thrown });
  }
}

/** Throws `PayloadError` that names the first violation. */
export function encodeMessage(type: MessageType, value: JsonValue): Uint8Array {
  const [violation] = validateJsonForm(type, value, 1);
  if (violation !== undefined)
    throw new PayloadError(violation.code, `${type.localName}${violation.dataPointer}: ${violation.message}`);
  try {
    return type.codec.encode(protojson.fromJson(type.codec, value)).finish();
  } catch (thrown) {
    throw new PayloadError('unencodable', `${type.localName}: ${errorText(thrown)}`, { cause: thrown });
  }
}

/** What makes the bytes no message of this type. Fields that it does not know are none: that is how the format evolves. */
export function wireProblems(type: MessageType, payload: Uint8Array, limit: number): readonly WireProblem[] {
  return scanWire(payload, type, Number.POSITIVE_INFINITY)
    .filter(({ code }) => code !== 'unknown-field')
    .slice(0, limit);
}

/** `Order/lines/total, at byte 12: …`; the offset is from the start of the payload. */
export function describeProblem(type: MessageType, problem: WireProblem): string {
  return `${type.localName}${problem.pointer}, at byte ${problem.offset.toString()}: ${problem.message}`;
}

/** At most `limit` violations of a value in the JSON form. */
export function validateJsonForm(type: MessageType, value: JsonValue, limit: number): readonly Violation[] {
  const violations: Violation[] = [];
  for (const violation of messageViolations(type, value, '')) {
    violations.push(violation);
    if (violations.length >= limit) break;
  }
  return violations;
}

function toJsonForm(type: MessageType, message: DecodedMessage): JsonValue {
  try {
    return asJson(protojson.toJson(type.codec, message));
  } catch {
    // An Any of a type that the files do not define has no JSON form: its bytes are shown.
    return asJson(type.codec.toObject(message, { longs: String, enums: String, bytes: String }));
  }
}

type DecodedMessage = ReturnType<MessageType['codec']['decode']>;

/** The codec gives JSON by its contract; `unknown` becomes what it is without a cast. */
function asJson(value: unknown): JsonValue {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number')
    return value;
  if (Array.isArray(value)) return value.map(asJson);
  if (typeof value !== 'object') return null;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, asJson(member)]));
}

function* messageViolations(type: MessageType, value: JsonValue, pointer: string): Generator<Violation> {
  // Timestamps, wrappers, Any: their JSON is no object of their fields. The codec knows them.
  if (type.fullName.startsWith('google.protobuf.') || !isObject(value)) {
    yield* codecViolations(type, value, pointer);
    return;
  }
  const fields = fieldsByJsonName(type);
  const missing = new Set([...type.fields.values()].filter(({ label }) => label === 'required'));
  for (const [name, member] of Object.entries(value)) {
    const at = `${pointer}/${escape(name)}`;
    const field = fields.get(name);
    if (field === undefined) {
      yield violation('unknown-field', at, null, `${type.localName} has no field ${name}`);
      continue;
    }
    missing.delete(field);
    if (member !== null) yield* fieldViolations(type, field, name, member, at);
  }
  for (const field of missing)
    yield violation(
      'missing-required',
      pointer,
      schemaPointer(type, field),
      `the required field ${field.name} is missing`,
    );
  yield* oneofViolations(type, fields, value, pointer);
}

function* fieldViolations(
  type: MessageType,
  field: MessageField,
  name: string,
  value: JsonValue,
  pointer: string,
): Generator<Violation> {
  if (field.type.kind === 'map' && isObject(value)) {
    for (const [key, member] of Object.entries(value))
      yield* partViolations(
        type,
        field,
        field.type.value,
        name,
        { [key]: member },
        member,
        `${pointer}/${escape(key)}`,
      );
  } else if (field.label === 'repeated' && isArray(value)) {
    for (const [index, member] of value.entries())
      yield* partViolations(
        type,
        field,
        field.type,
        name,
        [member],
        member,
        `${pointer}/${index.toString()}`,
      );
  } else yield* partViolations(type, field, field.type, name, value, value, pointer);
}

/** `wrapped` is the part as its field holds it: the codec checks it alone, so that the pointer is known. */
function* partViolations(
  type: MessageType,
  field: MessageField,
  kind: FieldKind,
  name: string,
  wrapped: JsonValue,
  part: JsonValue,
  pointer: string,
): Generator<Violation> {
  if (kind.kind === 'message' && isObject(part)) yield* messageViolations(kind.of, part, pointer);
  else
    try {
      protojson.fromJson(type.codec, { [name]: wrapped });
    } catch (thrown) {
      yield violation('type', pointer, schemaPointer(type, field), withoutName(errorText(thrown)));
    }
}

function* codecViolations(type: MessageType, value: JsonValue, pointer: string): Generator<Violation> {
  try {
    protojson.fromJson(type.codec, value);
  } catch (thrown) {
    yield violation(
      'type',
      pointer,
      `/${type.localName.replaceAll('.', '/')}`,
      withoutName(errorText(thrown)),
    );
  }
}

function* oneofViolations(
  type: MessageType,
  fields: ReadonlyMap<string, MessageField>,
  value: { readonly [name: string]: JsonValue },
  pointer: string,
): Generator<Violation> {
  for (const oneof of type.oneofs.keys()) {
    const set = Object.keys(value).filter(
      (name) => fields.get(name)?.oneof === oneof && value[name] !== null,
    );
    if (set.length > 1)
      yield violation(
        'oneof',
        pointer,
        `/${type.localName.replaceAll('.', '/')}/${oneof}`,
        `${set.join(' and ')} cannot be set together`,
      );
  }
}

/** Both the JSON name and the name in the file are read. */
function fieldsByJsonName(type: MessageType): ReadonlyMap<string, MessageField> {
  const fields = [...type.fields.values()];
  return new Map([
    ...fields.map((field) => [field.name, field] as const),
    ...fields.map((field) => [field.jsonName, field] as const),
  ]);
}

function schemaPointer(type: MessageType, field: MessageField): string {
  return `/${type.localName.replaceAll('.', '/')}/${escape(field.name)}`;
}

function violation(
  code: string,
  dataPointer: string,
  schemaPointer: string | null,
  message: string,
): Violation {
  return { code, dataPointer, schemaPointer, message };
}

/** The library puts the full name before its reason; the pointer says it already. */
function withoutName(text: string): string {
  return text.replace(/^\.[\w.]+: /, '');
}

function isObject(value: JsonValue): value is { readonly [name: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !isArray(value);
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function escape(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
