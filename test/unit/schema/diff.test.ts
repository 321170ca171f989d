import assert from 'node:assert/strict';
import test from 'node:test';
import { diffSchemas } from '../../../src/lib/schema/diff.ts';
import type { SchemaFormat } from '../../../src/lib/schema/engine.ts';
import { engineOf } from '../../../src/lib/schema/engines.ts';

async function diffOf(format: SchemaFormat, before: string, after: string) {
  const engine = await engineOf(format);
  const [from, to] = [
    engine.parse({ name: 'old', text: before, references: [] }),
    engine.parse({ name: 'new', text: after, references: [] }),
  ];
  const diff = await diffSchemas(engine, from, to, { seed: 1, timeMs: 5_000 }, new AbortController().signal);
  const codes = diff.compatibility.pairs.map(({ direction, findings }) => [
    direction,
    findings.map(({ code }) => code),
  ]);
  return { changes: diff.elements.map(({ change, element }) => [change, element]), codes, diff };
}

test('Avro: fields, symbols and types, also of a schema that holds itself', async () => {
  const record = (fields: string) => `{"type":"record","name":"Node","namespace":"s","fields":[${fields}]}`;
  const next = '{"name":"next","type":["null","Node"]}';
  const colours = (symbols: string) =>
    `{"name":"colour","type":{"type":"enum","name":"Colour","symbols":[${symbols}]}}`;
  const { changes, codes, diff } = await diffOf(
    'avro',
    record(
      `{"name":"total","type":"int"},{"name":"note","type":"string","default":""},${next},${colours('"RED"')}`,
    ),
    record(`{"name":"total","type":"long"},${next},${colours('"RED","BLUE"')},{"name":"at","type":"string"}`),
  );
  assert.deepEqual(changes, [
    ['changed', 's.Node.total'],
    ['removed', 's.Node.note'],
    ['changed', 's.Colour'],
    ['added', 's.Node.at'],
  ]);
  assert.deepEqual(diff.elements[0], {
    change: 'changed',
    element: 's.Node.total',
    before: 'int',
    after: 'long',
  });
  assert.deepEqual(codes, [
    ['backward', ['READER_FIELD_MISSING_DEFAULT_VALUE']],
    ['forward', ['TYPE_MISMATCH', 'MISSING_ENUM_SYMBOLS']],
  ]);
});

test('Avro: a field and a type of the same full name are two', async () => {
  const schema = (size: number) =>
    `{"type":"record","name":"s.Node","fields":[{"name":"id","type":{"type":"fixed","name":"s.Node.id","size":${size.toString()}}}]}`;
  const { diff } = await diffOf('avro', schema(4), schema(8));
  assert.deepEqual(diff.elements, [
    { change: 'changed', element: 's.Node.id', before: 'fixed of 4 bytes', after: 'fixed of 8 bytes' },
  ]);
});

test('Protobuf: a field is the same by its number, whatever its name', async () => {
  const { changes, diff } = await diffOf(
    'protobuf',
    'syntax = "proto3"; message Order { int32 total = 1; string note = 2; } enum E { A = 0; }',
    'syntax = "proto3"; message Order { int32 sum = 1; bytes at = 3; } enum E { A = 0; B = 1; }',
  );
  assert.deepEqual(changes, [
    ['changed', 'Order.sum'],
    ['removed', 'Order.note'],
    ['added', 'Order.at'],
    ['added', 'E.B'],
  ]);
  assert.equal(diff.elements[0]?.before, 'int32 total = 1');
  assert.equal(diff.elements[0].after, 'int32 sum = 1');
});

test('JSON Schema: each schema inside by its pointer; the order of keywords is no change', async () => {
  const { changes } = await diffOf(
    'json',
    '{"type":"object","required":["a"],"properties":{"a":{"type":"integer","minimum":1},"b/c":{"type":"string"}}}',
    '{"required":["a"],"type":"object","properties":{"a":{"minimum":1,"type":"number"},"d":{"items":{"type":"null"}}}}',
  );
  assert.deepEqual(changes, [
    ['changed', '/properties/a'],
    ['removed', '/properties/b~1c'],
    ['added', '/properties/d'],
    ['added', '/properties/d/items'],
  ]);
});

test('JSON Schema: the first property is added, and what is around it stays', async () => {
  const { changes } = await diffOf('json', '{"properties":{}}', '{"properties":{"a":true}}');
  assert.deepEqual(changes, [['added', '/properties/a']]);
});

test('what is the same has no change and no finding', async () => {
  for (const [format, text] of [
    ['avro', '{"type":"array","items":"int"}'],
    ['protobuf', 'syntax = "proto3"; message M { M m = 1; }'],
    ['json', '{"$ref":"#/definitions/a","definitions":{"a":{"type":"string"}}}'],
  ] as const) {
    const { changes, diff } = await diffOf(format, text, text);
    assert.deepEqual(changes, []);
    assert.ok(diff.compatibility.pairs.every(({ findings }) => findings.length === 0));
  }
});
