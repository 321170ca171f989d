import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ValueGenerator, heightsIn } from '../../../../src/lib/schema/avro/generate.ts';
import type { AvroType } from '../../../../src/lib/schema/avro/model.ts';
import { AvroSchema } from '../../../../src/lib/schema/avro/schema.ts';
import { bigLongBytes } from '../../../../src/lib/schema/avro/varint.ts';
import { PayloadError } from '../../../../src/lib/schema/errors.ts';
import { Random } from '../../../../src/lib/schema/random.ts';
import { readByAvsc } from './avsc-judge.ts';
import { changedSchemas } from './schema-arbitrary.ts';

test('values of every schema are read as avsc reads them', () => {
  let read = 0;
  fc.assert(
    fc.property(changedSchemas, fc.integer(), ([, definition], seed) => {
      const schema = schemaOf(definition);
      const generator = new ValueGenerator(heightsIn(schema.type), new Random(seed), false);
      const value = generator.any(schema.type);
      if (value === undefined) return;
      const payload = schema.encode(value);
      const decoded = schema.decode(payload);
      assert.equal(decoded.trailing, 0);
      assert.deepEqual(
        plain(decoded.value),
        plain(readyForJson(schema.type, readByAvsc(definition, payload))),
      );
      read += 1;
    }),
    { numRuns: 300, seed: 11 },
  );
  assert.ok(read > 100, `only ${read.toString()} values were read`);
});

test('of bytes that claim anything the reader refuses those that are found bad, and ends where they end', () => {
  const bytes = fc.uint8Array({ maxLength: 60 });
  fc.assert(
    fc.property(changedSchemas, fc.integer(), bytes, fc.nat(), ([, definition], seed, noise, place) => {
      const schema = schemaOf(definition);
      const value = new ValueGenerator(heightsIn(schema.type), new Random(seed), false).any(schema.type);
      const good = value === undefined ? Buffer.alloc(0) : schema.encode(value);
      const cut = good.length === 0 ? 0 : place % good.length;
      const changed = Buffer.from(good);
      if (good.length > 0) changed[cut] = noise[0] ?? 0x80;
      for (const payload of [noise, changed, good.subarray(0, cut)]) {
        const [problem] = schema.validatePayload(payload, 1);
        const outcome = outcomeOf(schema, payload);
        // Text that is no UTF-8 is shown as well as it can be.
        if (problem?.code === 'utf8') continue;
        if (problem === undefined) assert.equal(outcome, 'trailing 0');
        else if (problem.code === 'trailing-bytes') assert.match(outcome, /^trailing [1-9]/);
        else assert.equal(outcome, problem.code);
      }
    }),
    { numRuns: 500, seed: 12 },
  );
});

test('a long of any size is exact, whatever the length of its varint', () => {
  const schema = schemaOf({ type: 'record', name: 'R', fields: [{ name: 'a', type: 'long' }] });
  const check = (value: bigint): void => {
    const number = Number(value);
    const { value: decoded, trailing } = schema.decode(bigLongBytes(value));
    assert.deepEqual(decoded, { a: Number.isSafeInteger(number) ? number : value.toString() });
    assert.equal(trailing, 0);
  };
  for (let bits = 0n; bits <= 63n; bits += 1n)
    for (const near of [-2n, -1n, 0n, 1n])
      for (const sign of [1n, -1n]) check(BigInt.asIntN(64, sign * 2n ** bits + near));
  fc.assert(fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), check), { seed: 13 });
});

test('a long that was padded is the same number, up to the ten bytes that a varint may have', () => {
  const schema = schemaOf('long');
  for (let length = 2; length <= 10; length += 1) {
    const padded = Buffer.from([0x86, ...new Array<number>(length - 2).fill(0x80), 0x00]);
    assert.deepEqual(schema.decode(padded), { value: 3, trailing: 0, type: null });
  }
});

test('texts of every length and script are what they were', () => {
  const schema = schemaOf({ type: 'map', values: 'string' });
  const texts = fc.oneof(
    fc.string({ unit: 'binary-ascii', maxLength: 40 }),
    fc.string({ unit: 'grapheme', maxLength: 20 }),
  );
  fc.assert(
    fc.property(fc.dictionary(texts, texts), (value) => {
      assert.deepEqual(plain(schema.decode(schema.encode(value)).value), plain(value));
    }),
    { seed: 14 },
  );
});

test('a record may have a field like a property of every object', () => {
  const names = ['__proto__', 'constructor', 'toString', 'class'];
  const schema = schemaOf({
    type: 'record',
    name: '__proto__',
    fields: names.map((name) => ({ name, type: 'int' })),
  });
  assert.equal(
    JSON.stringify(schema.decode(Buffer.from([2, 4, 6, 8])).value),
    '{"__proto__":1,"constructor":2,"toString":3,"class":4}',
  );
});

test('a record of more fields than a function may have arguments is read', () => {
  const fields = Array.from({ length: 70_000 }, (_, index) => ({
    name: `f${index.toString()}`,
    type: 'int',
  }));
  const { value } = schemaOf({ type: 'record', name: 'R', fields }).decode(Buffer.alloc(70_000, 2));
  assert.deepEqual(plain(value), Object.fromEntries(fields.map(({ name }) => [name, 1])));
});

function schemaOf(schema: unknown): AvroSchema {
  return new AvroSchema({ name: 'schema', text: JSON.stringify(schema), references: [] });
}

function outcomeOf(schema: AvroSchema, payload: Uint8Array): string {
  try {
    return `trailing ${schema.decode(payload).trailing.toString()}`;
  } catch (error) {
    if (error instanceof PayloadError) return error.reason;
    throw error;
  }
}

/** What is not of this realm or has another prototype is compared by what it holds. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** By the table of `binary-decoder.ts`, for the schemas that are drawn here: their only unions are of null and one other. */
function readyForJson(type: AvroType, value: unknown): unknown {
  if (typeof value === 'bigint')
    return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  if (typeof value !== 'object' || value === null) return value;
  const inside = new Map(Object.entries(value));
  if (type.kind === 'union') {
    const branch = type.branches.find(({ kind }) => kind !== 'null');
    return branch === undefined ? null : readyForJson(branch, [...inside.values()][0]);
  }
  if (type.kind === 'array') return [...inside.values()].map((item) => readyForJson(type.items, item));
  if (type.kind === 'map')
    return Object.fromEntries([...inside].map(([key, item]) => [key, readyForJson(type.values, item)]));
  if (type.kind === 'record')
    return Object.fromEntries(
      type.fields.map((field) => [field.name, readyForJson(field.type, inside.get(field.name))]),
    );
  throw new TypeError(`a ${type.kind} holds nothing`);
}
