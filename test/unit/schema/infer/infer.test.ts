import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Inference, inferredFormats, type InferredFormat } from '../../../../src/lib/schema/infer/infer.ts';

const plain = { name: 'shop.Order', enums: false, closed: false };

async function infer(format: InferredFormat, samples: readonly string[], options = plain) {
  const inference = new Inference();
  for (const sample of samples) assert.ok(inference.add(Buffer.from(sample)), sample);
  return inference.result(format, options);
}

function keywords(schema: unknown): Readonly<Record<string, unknown>> {
  return schema as Readonly<Record<string, unknown>>;
}

const orders = [
  '{"id":1,"total":7.5,"by":{"name":"a"},"tags":["x","y"],"note":null}',
  '{"id":2,"total":8,"by":{"name":"b","mail":"b@example.com"},"tags":[],"note":"n"}',
  '{"id":9223372036854775807,"total":8,"by":{"name":"c"},"tags":["z"]}',
];

test('Avro: what is not in all samples, or null, is optional; whole numbers are long, others double', async () => {
  const { schema, checked } = await infer('avro', orders);
  assert.deepEqual(schema, {
    type: 'record',
    name: 'shop.Order',
    fields: [
      { name: 'id', type: 'long' },
      { name: 'total', type: 'double' },
      {
        name: 'by',
        type: {
          type: 'record',
          name: 'By',
          fields: [
            { name: 'name', type: 'string' },
            { name: 'mail', type: ['null', 'string'], default: null },
          ],
        },
      },
      { name: 'tags', type: { type: 'array', items: 'string' } },
      { name: 'note', type: ['null', 'string'], default: null },
    ],
  });
  assert.deepEqual(checked, { samples: 3, valid: 3 });
});

test('JSON Schema: what is in all samples is required, null is a type, an integer of any size an integer', async () => {
  const { schema, checked } = await infer('json', orders);
  assert.deepEqual(schema, {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'shop.Order',
    type: 'object',
    properties: {
      id: { type: 'integer' },
      total: { type: 'number' },
      by: {
        type: 'object',
        properties: { name: { type: 'string' }, mail: { type: 'string' } },
        required: ['name'],
      },
      tags: { type: 'array', items: { type: 'string' } },
      note: { type: ['null', 'string'] },
    },
    required: ['id', 'total', 'by', 'tags'],
  });
  assert.deepEqual(checked, { samples: 3, valid: 3 });
});

test('the evidence says how many samples have each field, of which types, and between which values', async () => {
  const { evidence } = await infer('json', orders);
  const found = evidence.map(({ pointer, seen, of, within }) => [pointer, seen, of, within]);
  assert.deepEqual(found, [
    ['', 3, 3, 'samples'],
    ['/id', 3, 3, 'objects'],
    ['/total', 3, 3, 'objects'],
    ['/by', 3, 3, 'objects'],
    ['/by/name', 3, 3, 'objects'],
    ['/by/mail', 1, 3, 'objects'],
    ['/tags', 3, 3, 'objects'],
    ['/tags/*', 3, 3, 'lists'],
    ['/note', 2, 3, 'objects'],
  ]);
  const place = (wanted: string) => evidence.find(({ pointer }) => pointer === wanted);
  assert.equal(place('/id')?.values, '1 … 9223372036854775807');
  assert.deepEqual(place('/total')?.types, [
    { type: 'integer', count: 2 },
    { type: 'number', count: 1 },
  ]);
  assert.equal(place('/tags')?.values, '0 … 2 items');
});

test('types of Avro are defined once, also where two places are called alike', async () => {
  const { schema, checked } = await infer('avro', ['{"order":{"a":1},"a_b":{"x":1},"aB":{"AB":{"x":2}}}']);
  const names = JSON.stringify(schema).match(/(?<="type":"record","name":")[^"]+/g);
  assert.deepEqual(names, ['shop.Order', 'Order2', 'AB', 'AB2', 'AB3']);
  assert.equal(checked.valid, 1);
});

test('names that are data make a map, few optional names do not', async () => {
  const users = Array.from({ length: 40 }, (_, index) => `{"u-${index.toString()}":{"seen":true}}`);
  const { schema } = await infer('json', users);
  assert.deepEqual(keywords(schema)['additionalProperties'], {
    type: 'object',
    properties: { seen: { type: 'boolean' } },
    required: ['seen'],
  });
  const sparse = await infer('json', ['{"a":1}', '{"b":1}', '{"c":1}']);
  assert.deepEqual(Object.keys(keywords(keywords(sparse.schema)['properties'])), ['a', 'b', 'c']);
});

test('what Avro cannot say is said beside it: names of fields, integers beyond 64 bits, lists without an item', async () => {
  const { schema, notes, checked } = await infer('avro', [
    '{"first-name":"a","n":18446744073709551616,"list":[]}',
  ]);
  assert.equal(keywords(schema)['type'], 'map');
  assert.match(
    notes.map(({ pointer, text }) => `${pointer} ${text}`).join('\n'),
    /"first-name" can be no field/,
  );
  assert.equal(checked.valid, 1);
  const field = await infer('avro', ['{"n":18446744073709551616,"list":[]}']);
  assert.match(
    field.notes.map(({ pointer, text }) => `${pointer} ${text}`).join('\n'),
    /^\/n has integers beyond 64 bits.*\n\/list\/\* no item was ever seen here$/s,
  );
  assert.equal(field.checked.valid, 1);
});

test('with --enums a few texts that come again are a closed set, and one that came once is not', async () => {
  const states = [...Array<string>(20).fill('"NEW"'), ...Array<string>(20).fill('"PAID"')];
  const options = { ...plain, enums: true };
  assert.deepEqual((await infer('avro', states, options)).schema, {
    type: 'enum',
    name: 'shop.Order',
    symbols: ['NEW', 'PAID'],
  });
  assert.deepEqual(keywords((await infer('json', states, options)).schema)['enum'], ['NEW', 'PAID']);
  assert.equal((await infer('avro', [...states, '"LOST"'], options)).schema, 'string');
  assert.equal((await infer('avro', states)).schema, 'string');
});

test('texts of one form keep its name, unless one is of another form', async () => {
  const id = '"0190a5c8-0000-7000-8000-000000000000"';
  assert.deepEqual((await infer('avro', [id])).schema, { type: 'string', logicalType: 'uuid' });
  assert.equal(keywords((await infer('json', [id])).schema)['format'], 'uuid');
  assert.equal(keywords((await infer('json', [id, '"none"'])).schema)['format'], undefined);
  assert.equal(keywords((await infer('json', ['"2026-11-27T22:30:00Z"'])).schema)['format'], 'date-time');
});

test('memory is bounded: names without an end become a map, deep samples and bytes that are no JSON are left out', async () => {
  const inference = new Inference();
  for (let index = 0; index < 30_000; index += 1)
    inference.add(Buffer.from(`{"fixed":1,"name-${index.toString()}":${index.toString()}}`));
  const { evidence } = await inference.result('avro', plain);
  assert.ok(evidence.length < 10, evidence.length.toString());
  assert.equal(inference.add(Buffer.from('['.repeat(100_000) + ']'.repeat(100_000))), false);
  assert.equal(inference.add(Buffer.from('{"a":')), false);
  assert.equal(inference.add(Buffer.from([0x22, 0xff, 0x22])), false);
  assert.equal(inference.samples, 30_000);
});

const awkward = fc.constantFrom(
  '9223372036854775807',
  '123',
  '',
  'NaN',
  '0190a5c8-0000-7000-8000-000000000000',
);
const sampleText = fc
  .jsonValue({ maxDepth: 4, stringUnit: 'grapheme-ascii' })
  .map((value) => JSON.stringify(value));
const fieldName = fc.constantFrom('id', 'total', 'first-name', '__proto__', 'string', 'a_b', 'items');
const scalar = fc.oneof(
  fc.jsonValue({ maxDepth: 1 }),
  awkward,
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const record = fc.array(fc.tuple(fieldName, scalar), { maxLength: 6 }).map((fields) => {
  const parts = fields.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  return `{${parts.join(',')}}`;
});
const integer = fc.bigInt({ min: -(2n ** 66n), max: 2n ** 66n }).map((value) => value.toString());

for (const format of inferredFormats)
  test(`${format}: every sample is valid by the schema that was made of it and others`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(sampleText, record, integer), { minLength: 1, maxLength: 12 }),
        fc.boolean(),
        fc.boolean(),
        async (samples, enums, closed) => {
          const { checked, evidence } = await infer(format, samples, { ...plain, enums, closed });
          assert.deepEqual(checked, { samples: samples.length, valid: samples.length });
          assert.equal(evidence[0]?.seen, samples.length);
        },
      ),
      { numRuns: 400 },
    );
  });
