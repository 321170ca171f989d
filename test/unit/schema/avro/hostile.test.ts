import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { JsonValue } from '../../../../src/lib/message/record.ts';
import { compareAvro } from '../../../../src/lib/schema/avro/compare.ts';
import { AvroSchema } from '../../../../src/lib/schema/avro/schema.ts';
import { bigLongBytes } from '../../../../src/lib/schema/avro/varint.ts';
import { findAvroWitness } from '../../../../src/lib/schema/avro/witness.ts';
import { PayloadError } from '../../../../src/lib/schema/errors.ts';

test('longs beyond 2^53 are exact, in arrays, unions and records', () => {
  const schema = schemaOf({
    type: 'record',
    name: 'R',
    fields: [
      { name: 'a', type: 'long' },
      { name: 'b', type: ['null', 'long'] },
      { name: 'c', type: { type: 'array', items: 'long' } },
    ],
  });
  const value = { a: '9223372036854775807', b: { long: '-9223372036854775808' }, c: [1, '9007199254740993'] };
  const payload = schema.encode(value);
  assert.equal(
    JSON.stringify(schema.decode(payload).value),
    '{"a":"9223372036854775807","b":"-9223372036854775808","c":[1,"9007199254740993"]}',
  );
});

test('a decimal is its digits, whatever its size', () => {
  const schema = schemaOf({ type: 'bytes', logicalType: 'decimal', precision: 40, scale: 4 });
  for (const text of ['0.0000', '-0.0001', '123456789012345678901234567890.1234'])
    assert.equal(schema.decode(schema.encode(text)).value, text);
});

test('a value of a union of named types says which one it is, and is read back', () => {
  const record = (name: string) => ({ type: 'record', name, fields: [{ name: 'id', type: 'int' }] });
  const kind = { type: 'enum', name: 'shop.Kind', symbols: ['CARD'] };
  const schema = schemaOf({
    type: 'array',
    items: ['null', record('shop.Card'), record('shop.Cash'), kind, 'string'],
  });
  const value = [
    { 'shop.Cash': { id: 1 } },
    { 'shop.Card': { id: 2 } },
    null,
    { 'shop.Kind': 'CARD' },
    { string: 'CARD' },
  ];
  assert.deepEqual(JSON.parse(JSON.stringify(schema.decode(schema.encode(value)).value)), value);
});

test('a payload that is refused leaves nothing behind for the next one, which may begin within its bytes', () => {
  const schema = schemaOf({ type: 'array', items: 'null' });
  const other = schemaOf({ type: 'array', items: 'string' });
  const good = Buffer.from([0xff, 0x04, 0x00]); // after a byte of a frame: two nulls
  for (let round = 0; round < 3; round += 1) {
    refuses(schema, Buffer.from([0x80, 0x89, 0x7a, 0x00]), 'count');
    refuses(other, Buffer.from([0x02, 0x08, 0x61]), 'truncated');
    const { value, trailing } = schema.decode(good, { messageIndexes: null }, 1);
    assert.deepEqual([value, trailing], [[null, null], 0]);
    assert.deepEqual(other.decode(other.encode(['a', 'b'])).value, ['a', 'b']);
  }
});

test('an array of nulls in a few bytes that claims a million is refused', () => {
  const schema = schemaOf({ type: 'array', items: 'null' });
  const payload = Buffer.from([0x80, 0x89, 0x7a, 0x00]); // a million items, then none
  refuses(schema, payload, 'count');
});

test('lists of nulls share one limit, however many bytes follow', () => {
  const schema = schemaOf({ type: 'array', items: { type: 'array', items: 'null' } });
  const list = Buffer.from([0x80, 0x10, 0x00]); // 1,024 nulls
  const lists = (count: number) =>
    Buffer.concat([bigLongBytes(BigInt(count)), ...new Array<Buffer>(count).fill(list), Buffer.from([0x00])]);
  assert.equal(schema.decode(lists(64)).trailing, 0);
  refuses(schema, lists(1_000), 'count');
});

test('a boolean that is neither 0 nor 1, and an int of more than 32 bits, are refused', () => {
  refuses(schemaOf('boolean'), Buffer.from([0x02]), 'boolean');
  refuses(schemaOf('int'), bigLongBytes(2n ** 31n), 'range');
  refuses(schemaOf('int'), bigLongBytes(-(2n ** 62n)), 'range');
});

test('a count that the bytes cannot hold is refused at once', () => {
  const strings = schemaOf({ type: 'array', items: 'string' });
  refuses(strings, Buffer.from([0xfe, 0xff, 0xff, 0xff, 0x0f, 0x00]), 'count');
  const map = schemaOf({ type: 'map', values: 'long' });
  refuses(map, Buffer.from([0xfe, 0xff, 0xff, 0xff, 0x0f, 0x00]), 'count');
});

test('a number without an end is refused', () => {
  refuses(schemaOf('long'), Buffer.alloc(100_000, 0xff), 'varint');
  refuses(schemaOf('long'), Buffer.alloc(3, 0xff), 'truncated');
});

test('lengths, indexes and ends that are wrong are named with their place', () => {
  const schema = schemaOf({
    type: 'record',
    name: 'R',
    fields: [
      { name: 'text', type: 'string' },
      { name: 'kind', type: { type: 'enum', name: 'K', symbols: ['A'] } },
      { name: 'maybe', type: ['null', 'int'] },
    ],
  });
  refuses(schema, Buffer.from([0x01]), 'length', '/text');
  refuses(schema, Buffer.from([0x08, 0x61]), 'truncated', '/text');
  refuses(schema, Buffer.from([0x00, 0x02, 0x00]), 'enum-index', '/kind');
  refuses(schema, Buffer.from([0x00, 0x00, 0x06]), 'union-index', '/maybe');
  assert.equal(schema.decode(Buffer.from([0x00, 0x00, 0x00, 0x07])).trailing, 1);
  const [violation] = schema.validatePayload(Buffer.from([0x00, 0x00, 0x00, 0x07]), 10);
  assert.equal(violation?.code, 'trailing-bytes');
});

const node = {
  type: 'record',
  name: 'Node',
  fields: [{ name: 'next', type: ['null', 'Node'] }],
};

test('a recursive schema is compared, and its payloads are bounded in depth', () => {
  assert.equal(compareAvro(schemaOf(node).type, schemaOf(node).type).length, 0);
  const deep = Buffer.alloc(1_000_000, 0x02);
  refuses(schemaOf(node), deep, 'depth');
  refuses(schemaOf(node), Buffer.concat([Buffer.alloc(256, 0x02), Buffer.from([0])]), 'depth');
  const deepest = Buffer.concat([Buffer.alloc(255, 0x02), Buffer.from([0])]);
  assert.equal(schemaOf(node).decode(deepest).trailing, 0);
  const shallow = Buffer.from([0x02, 0x02, 0x00]);
  assert.deepEqual(JSON.parse(JSON.stringify(schemaOf(node).decode(shallow).value)), {
    next: { next: { next: null } },
  });
});

test('lists within lists that claim more items than there are bytes cost no memory for what they claim', async () => {
  const worker = new Worker(new URL('./claims-worker.ts', import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: 64 },
  });
  assert.deepEqual(await once(worker, 'message'), ['depth']);
  await worker.terminate();
});

test('a schema whose types use one another is bounded in depth as a recursive one is', () => {
  const lists = (items: unknown): unknown =>
    Array.from({ length: 400 }).reduce((inner) => ({ type: 'array', items: inner }), items);
  const record = (name: string, items: unknown) => ({
    type: 'record',
    name,
    fields: [{ name: 'lists', type: lists(items) }],
  });
  const schema = schemaOf({
    type: 'record',
    name: 'All',
    fields: [
      { name: 'one', type: record('One', 'int') },
      { name: 'two', type: record('Two', 'One') },
    ],
  });
  // No list in the first field, one within the other in the second.
  refuses(schema, Buffer.concat([Buffer.from([0x00]), Buffer.alloc(5_000, 0x02)]), 'depth');
});

test('records that hold one another twice, forty levels of them, are read at once', () => {
  const types = Array.from({ length: 40 }).reduce<unknown>(
    (inner, _, at) => ({
      type: 'record',
      name: `R${String(at)}`,
      fields: [
        { name: 'a', type: inner },
        { name: 'b', type: at === 0 ? 'null' : `R${String(at - 1)}` },
      ],
    }),
    'null',
  );
  assert.deepEqual(schemaOf({ type: 'array', items: types }).decode(Buffer.from([0])).value, []);
});

test('records within records that hold no byte are not made without end, whether they are read, written or shown', () => {
  const doubled = (leaf: unknown, more: object): unknown =>
    Array.from({ length: 60 }).reduce<unknown>(
      (inner, _, at) => ({
        type: 'record',
        name: `R${String(at + 1)}`,
        fields: [
          { name: 'a', type: inner, ...more },
          { name: 'b', type: `R${String(at)}`, ...more },
        ],
      }),
      { type: 'record', name: 'R0', fields: leaf },
    );
  refuses(schemaOf(doubled([], {})), Buffer.alloc(0), 'count');

  const filled = schemaOf(doubled([{ name: 'n', type: 'int', default: 1 }], { default: {} }));
  assert.throws(() => filled.encode({}), { reason: 'too-large' });
  const [written, read] = ['int', 'string'].map((type) => schemaOf(doubled([{ name: 'n', type }], {})));
  assert.ok(written !== undefined && read !== undefined);
  const [difference] = compareAvro(read.type, written.type);
  assert.ok(difference !== undefined);
  assert.equal(findAvroWitness(read.type, written.type, difference, { seed: 1, timeMs: 100 }), null);
});

test('a value that no branch of many unions in one another takes is refused, not tried in each of each', () => {
  const union = (...names: unknown[]) => [{ name: 'n', type: ['int', ...names] }];
  const second = { type: 'record', name: 'B', fields: union('A', 'B') };
  const schema = schemaOf({ type: 'record', name: 'A', fields: union('A', second) });
  const nested = (inner: number | string) =>
    Array.from({ length: 100 }).reduce<JsonValue>((value) => ({ n: value }), inner);
  assert.deepEqual(
    schema.validate(nested('no number'), 5).map(({ code }) => code),
    ['too-large'],
  );
  assert.deepEqual(schema.validate(nested(1), 5), []);
});

test('a decimal of more digits than text can be made of in time is refused', () => {
  const schema = schemaOf({ type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 });
  const length = 1024 * 1024;
  refuses(schema, Buffer.concat([bigLongBytes(BigInt(length)), Buffer.alloc(length, 0x7f)]), 'decimal');
  const wide = schemaOf({
    type: 'bytes',
    logicalType: 'decimal',
    precision: 400_000_000,
    scale: 400_000_000,
  });
  assert.deepEqual(wide.decode(Buffer.from([2, 1])).value, '\u0001');
});

test('what is wrong deep inside of a large schema is placed in one walk', () => {
  const text = `${'{"type":'.repeat(50_000)}1${'}'.repeat(50_000)}`;
  assert.throws(() => new AvroSchema({ name: 'deep', text, references: [] }), /deep:1:4009: it nests deeper/);
});

test('a schema of five mebibytes is parsed and compared in seconds', () => {
  const fields = Array.from({ length: 66_000 }, (_, index) => ({
    name: `field_${index.toString()}`,
    type: ['null', { type: 'map', values: 'string' }],
    default: null,
  }));
  const schema = schemaOf({ type: 'record', name: 'Large', fields });
  assert.ok(schema.source.text.length > 5 * 1024 * 1024);
  assert.equal(compareAvro(schema.type, schema.type).length, 0);
});

test('a map may have a key like a property of every object', () => {
  const schema = schemaOf({ type: 'map', values: 'int' });
  const payload = schema.encode(JSON.parse('{"__proto__":1,"constructor":2}') as never);
  assert.equal(JSON.stringify(schema.decode(payload).value), '{"__proto__":1,"constructor":2}');
});

function refuses(schema: AvroSchema, payload: Uint8Array, reason: string, place = ''): void {
  assert.throws(
    () => schema.decode(payload),
    (error) => error instanceof PayloadError && error.reason === reason && error.message.includes(place),
    reason,
  );
  assert.equal(schema.validatePayload(payload, 5)[0]?.code, reason);
}

function schemaOf(schema: unknown): AvroSchema {
  return new AvroSchema({ name: 'schema', text: JSON.stringify(schema), references: [] });
}
