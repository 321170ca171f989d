/** Values of a message type for the search of witnesses: first the edges of each type, then random ones by a seed. */
import type { JsonValue } from '../../message/record.ts';
import type { Random } from '../random.ts';
import type { FieldKind, MessageField, MessageType, ScalarName } from './model.ts';

/** How many values of a message inside of another are tried, by its depth: a recursive type has endlessly many. */
const samplesAtDepth = [2_000, 60, 6, 1] as const;
/** Beyond, a message that must not be absent has no value: it holds itself for ever. */
const maxDepth = 32;
/** Fields of which each is also set together with each other one. */
const pairedFields = 12;

type JsonMessage = Readonly<Record<string, JsonValue>>;

const edges: Readonly<Record<ScalarName, readonly JsonValue[]>> = {
  double: [1.5, -1e300, 7],
  float: [1.5, -2.5, 7],
  int32: [7, -1, 2_147_483_647, -2_147_483_648, 1],
  int64: ['7', '-1', '9007199254740993', '-9223372036854775808', '1'],
  uint32: [7, 4_294_967_295, 2_147_483_648, 1],
  uint64: ['7', '18446744073709551615', '4294967296', '1'],
  sint32: [7, -1, 2_147_483_647, -2_147_483_648],
  sint64: ['7', '-1', '9007199254740993', '-9223372036854775808'],
  fixed32: [7, 4_294_967_295, 1_078_530_011],
  fixed64: ['7', '18446744073709551615', '4614253070214989087'],
  sfixed32: [7, -1, 1_078_530_011],
  sfixed64: ['7', '-1', '4614253070214989087'],
  bool: [true, false],
  string: ['a', 'é', '\n\u0001a', '12345678', ''],
  bytes: ['/w==', 'CAE=', 'YQ==', 'gA==', ''],
};

/** An open enum takes any number. */
const unknownEnumNumber = 4242;

/** With the required fields only; null where a required message holds itself for ever. */
export function leastMessage(type: MessageType, depth = 0): JsonMessage | null {
  if (depth > maxDepth) return null;
  const message: Record<string, JsonValue> = {};
  for (const field of type.fields.values()) {
    if (field.label !== 'required') continue;
    const [value] = fieldSamples(field, Math.max(depth + 1, samplesAtDepth.length));
    if (value === undefined) return null;
    message[field.jsonName] = value;
  }
  return message;
}

/** Values of one field, as its JSON form has them: for a list also of none, one and two. */
export function* fieldSamples(field: MessageField, depth = 0): Generator<JsonValue> {
  if (field.label !== 'repeated' || field.type.kind === 'map') {
    yield* kindSamples(field.type, depth);
    return;
  }
  const single = [...kindSamples(field.type, depth)];
  const [first, second] = [single[0], single[1] ?? single[0]];
  if (first !== undefined && second !== undefined) yield [first, second];
  for (const value of single) yield [value];
  yield [];
}

function* kindSamples(type: FieldKind, depth: number): Generator<JsonValue> {
  switch (type.kind) {
    case 'scalar':
      yield* edges[type.scalar];
      return;
    case 'enum': {
      const names = [...type.of.names.keys()];
      yield* names.slice(1);
      yield* names.slice(0, 1);
      if (!type.of.closed) yield unknownEnumNumber;
      return;
    }
    case 'map': {
      const [first, ...others] = edges[type.key].map(String);
      let value: JsonValue | undefined;
      for (const sample of kindSamples(type.value, depth + 1)) {
        value ??= sample;
        yield { [first ?? '']: sample };
      }
      if (value !== undefined) for (const key of others) yield { [key]: value };
      return;
    }
    case 'message':
      yield* messageSamples(type.of, depth + 1);
  }
}

/** Each field alone with each of its samples, pairs of fields, and the least message. */
export function* messageSamples(type: MessageType, depth = 0): Generator<JsonValue> {
  const known = wellKnown.get(type.fullName);
  if (known !== undefined) {
    yield* known;
    return;
  }
  const least = leastMessage(type, depth);
  if (least === null) return;
  let left = samplesAtDepth[depth] ?? 1;
  if (left > 1)
    for (const sample of setSamples(type, least, depth)) {
      left -= 1;
      if (left <= 0) break;
      yield sample;
    }
  yield least;
}

function* setSamples(type: MessageType, least: JsonMessage, depth: number): Generator<JsonValue> {
  for (const field of type.fields.values()) {
    const [value] = fieldSamples(field, depth);
    if (value !== undefined) yield { ...least, [field.jsonName]: value };
  }
  for (const field of type.fields.values()) {
    let first = true;
    for (const value of fieldSamples(field, depth)) {
      if (!first) yield { ...least, [field.jsonName]: value };
      first = false;
    }
  }
  yield* pairSamples(type, least, depth);
}

/** Two fields at once, for what cannot be read together. */
function* pairSamples(type: MessageType, least: JsonMessage, depth: number): Generator<JsonValue> {
  const fields = [...type.fields.values()].slice(0, pairedFields);
  for (const [index, one] of fields.entries())
    for (const other of fields.slice(index + 1))
      if (one.oneof === null || one.oneof !== other.oneof) {
        const together = setTogether(least, [one, other], depth);
        if (together !== null) yield together;
      }
}

/** Each of the fields with its first sample; null where one has none. */
export function setTogether(
  least: JsonMessage,
  fields: readonly MessageField[],
  depth = 0,
): JsonMessage | null {
  const message: Record<string, JsonValue> = { ...least };
  for (const field of fields) {
    const [value] = fieldSamples(field, depth + 1);
    if (value === undefined) return null;
    message[field.jsonName] = value;
  }
  return message;
}

/** Several fields at once, of each one sample; no two of one oneof. */
export function randomMessage(type: MessageType, random: Random): JsonValue {
  const message: Record<string, JsonValue> = { ...leastMessage(type) };
  const oneofs = new Set<string>();
  for (const field of type.fields.values()) {
    if (random.next() < 0.5 || (field.oneof !== null && oneofs.has(field.oneof))) continue;
    const samples = [...fieldSamples(field, 1)];
    const value = random.pick(samples);
    if (value === undefined) continue;
    if (field.oneof !== null) oneofs.add(field.oneof);
    message[field.jsonName] = value;
  }
  return message;
}

/** Their JSON is no object of their fields. */
const wellKnown: ReadonlyMap<string, readonly JsonValue[]> = new Map<string, readonly JsonValue[]>([
  ['google.protobuf.Timestamp', ['2026-11-20T10:00:00Z']],
  ['google.protobuf.Duration', ['1.500s']],
  ['google.protobuf.FieldMask', ['a,b']],
  ['google.protobuf.Any', []],
  ['google.protobuf.Empty', [{}]],
  ['google.protobuf.Struct', [{ a: 1 }]],
  ['google.protobuf.Value', [1, 'a']],
  ['google.protobuf.ListValue', [[1]]],
  ['google.protobuf.BoolValue', [true]],
  ['google.protobuf.BytesValue', ['/w==']],
  ['google.protobuf.StringValue', ['a']],
  ['google.protobuf.DoubleValue', [1.5]],
  ['google.protobuf.FloatValue', [1.5]],
  ['google.protobuf.Int32Value', [7]],
  ['google.protobuf.UInt32Value', [7]],
  ['google.protobuf.Int64Value', ['7']],
  ['google.protobuf.UInt64Value', ['7']],
]);
