import assert from 'node:assert/strict';
import test from 'node:test';

import { protobufEngine } from '../../../../src/lib/schema/protobuf/engine.ts';

function schema(name: string, text: string) {
  return protobufEngine.parse({ name, text: `syntax = "proto3"; package shop;\n${text}`, references: [] });
}

/** Each by what the registries and the data say of it: the codes of Confluent's registry are its own. */
const cases: readonly {
  readonly what: string;
  readonly before: string;
  readonly after: string;
  readonly code: string | null;
  readonly confluent?: string;
  readonly apicurio?: string;
  readonly data?: 'may-break' | 'compatible' | 'json-form';
}[] = [
  {
    what: 'a field is added',
    before: 'message A { int32 a = 1; }',
    after: 'message A { int32 a = 1; string b = 2; }',
    code: null,
  },
  {
    what: 'an enum value is added',
    before: 'enum E { X = 0; } message A { E e = 1; }',
    after: 'enum E { X = 0; Y = 1; } message A { E e = 1; }',
    code: null,
  },
  {
    what: 'a field is gone',
    before: 'message A { int32 a = 1; int32 b = 2; }',
    after: 'message A { int32 a = 1; }',
    code: 'FIELD_REMOVED',
    data: 'json-form',
  },
  {
    what: 'a field is gone, without a reservation',
    before: 'message A { int32 a = 1; int32 b = 2; }',
    after: 'message A { int32 a = 1; }',
    code: 'FIELD_REMOVED_WITHOUT_RESERVATION',
    apicurio: 'FIELD_REMOVED_WITHOUT_RESERVATION',
    data: 'compatible',
  },
  {
    what: 'a field is renamed',
    before: 'message A { int32 a = 1; }',
    after: 'message A { int32 b = 1; }',
    code: 'FIELD_NAME_CHANGED',
    apicurio: 'FIELD_NAME_CHANGED',
    data: 'json-form',
  },
  {
    what: 'a number becomes text',
    before: 'message A { int32 a = 1; }',
    after: 'message A { string a = 1; }',
    code: 'FIELD_SCALAR_KIND_CHANGED',
    confluent: 'FIELD_SCALAR_KIND_CHANGED',
    data: 'may-break',
  },
  {
    what: 'a number becomes a message',
    before: 'message A { int32 a = 1; }',
    after: 'message A { A a = 1; }',
    code: 'FIELD_KIND_CHANGED',
    confluent: 'FIELD_KIND_CHANGED',
    data: 'may-break',
  },
  {
    what: 'a number becomes narrower, which Confluent takes',
    before: 'message A { int64 a = 1; }',
    after: 'message A { int32 a = 1; }',
    code: 'FIELD_VALUES_CHANGED',
    data: 'may-break',
  },
  {
    what: 'a number becomes wider',
    before: 'message A { int32 a = 1; }',
    after: 'message A { int64 a = 1; }',
    code: 'FIELD_TYPE_CHANGED',
    apicurio: 'FIELD_TYPE_CHANGED',
    data: 'compatible',
  },
  {
    what: 'a number becomes a list',
    before: 'message A { int32 a = 1; }',
    after: 'message A { repeated int32 a = 1; }',
    code: 'FIELD_NUMERIC_LABEL_CHANGED',
    confluent: 'FIELD_NUMERIC_LABEL_CHANGED',
    data: 'compatible',
  },
  {
    what: 'a list becomes a number',
    before: 'message A { repeated int32 a = 1; }',
    after: 'message A { int32 a = 1; }',
    code: 'FIELD_NUMERIC_LABEL_CHANGED',
    confluent: 'FIELD_NUMERIC_LABEL_CHANGED',
    data: 'may-break',
  },
  {
    what: 'a message is gone',
    before: 'message A {} message B {}',
    after: 'message A {}',
    code: 'MESSAGE_REMOVED',
    confluent: 'MESSAGE_REMOVED',
    data: 'may-break',
  },
  {
    what: 'a field has another message',
    before: 'message A { B x = 1; } message B { int32 a = 1; } message C { string a = 1; }',
    after: 'message A { C x = 1; } message B { int32 a = 1; } message C { string a = 1; }',
    code: 'FIELD_NAMED_TYPE_CHANGED',
    confluent: 'FIELD_NAMED_TYPE_CHANGED',
    data: 'may-break',
  },
  {
    what: 'a field has a message of another name with the same fields',
    before: 'message A { B x = 1; } message B { int32 a = 1; } message C { int32 a = 1; }',
    after: 'message A { C x = 1; } message B { int32 a = 1; } message C { int32 a = 1; }',
    code: 'FIELD_NAMED_TYPE_CHANGED',
    confluent: 'FIELD_NAMED_TYPE_CHANGED',
    data: 'compatible',
  },
  {
    what: 'a field of a oneof is gone',
    before: 'message A { oneof o { int32 a = 1; int32 b = 2; } }',
    after: 'message A { oneof o { int32 a = 1; } }',
    code: 'ONEOF_FIELD_REMOVED',
    confluent: 'ONEOF_FIELD_REMOVED',
    data: 'may-break',
  },
  {
    what: 'two fields move into a oneof',
    before: 'message A { int32 a = 1; int32 b = 2; }',
    after: 'message A { oneof o { int32 a = 1; int32 b = 2; } }',
    code: 'MULTIPLE_FIELDS_MOVED_TO_ONEOF',
    confluent: 'MULTIPLE_FIELDS_MOVED_TO_ONEOF',
    data: 'may-break',
  },
  {
    what: 'one field moves into a oneof that was there',
    before: 'message A { int32 a = 1; oneof o { int32 b = 2; } }',
    after: 'message A { oneof o { int32 a = 1; int32 b = 2; } }',
    code: 'FIELD_MOVED_TO_EXISTING_ONEOF',
    confluent: 'FIELD_MOVED_TO_EXISTING_ONEOF',
    data: 'may-break',
  },
  {
    what: 'one field moves into a new oneof',
    before: 'message A { int32 a = 1; }',
    after: 'message A { oneof o { int32 a = 1; } }',
    code: null,
  },
  {
    what: 'a map is written as its entries',
    before: 'message A { map<string, int32> m = 1; }',
    after: 'message A { repeated E m = 1; message E { string key = 1; int32 value = 2; } }',
    code: 'FIELD_KIND_CHANGED',
    confluent: 'FIELD_KIND_CHANGED',
    data: 'compatible',
  },
];

for (const { what, before, after, code, confluent, apicurio, data } of cases)
  test(`${what}: ${code ?? 'nothing to say'}`, async () => {
    const [reader, writer] = [schema('new.proto', after), schema('old.proto', before)];
    const { differences } = protobufEngine.compare(reader, writer);
    if (code === null) {
      assert.deepEqual(differences, []);
      return;
    }
    const difference = differences.find((candidate) => candidate.code === code);
    assert.ok(difference !== undefined, JSON.stringify(differences));
    assert.equal(difference.data, data);
    assert.equal(difference.rejectedBy.confluent, confluent);
    assert.equal(difference.rejectedBy.apicurio, apicurio);
    const witness = await protobufEngine.findWitness(reader, writer, difference, { seed: 1, timeMs: 5_000 });
    if (data !== 'compatible') assert.ok(witness !== null);
  });

test('another package is a rule of Confluent only: no byte says it', () => {
  const before = protobufEngine.parse({
    name: 'old.proto',
    text: 'syntax = "proto3"; package a; message A { int32 a = 1; }',
    references: [],
  });
  const after = protobufEngine.parse({
    name: 'new.proto',
    text: 'syntax = "proto3"; package b; message A { int32 a = 1; }',
    references: [],
  });
  const { differences } = protobufEngine.compare(after, before);
  assert.deepEqual(
    differences.map(({ code, data, rejectedBy }) => ({ code, data, rejectedBy })),
    [{ code: 'PACKAGE_CHANGED', data: 'compatible', rejectedBy: { confluent: 'PACKAGE_CHANGED' } }],
  );
});

test('a message of an imported file is compared where a field leads to it', () => {
  const money = (type: string) => ({
    name: 'money.proto',
    source: {
      name: 'money.proto',
      text: `syntax = "proto3"; package m; message Money { ${type} units = 1; }`,
      references: [],
    },
  });
  const text = 'syntax = "proto3"; package shop; import "money.proto"; message A { m.Money price = 1; }';
  const { differences } = protobufEngine.compare(
    protobufEngine.parse({ name: 'new.proto', text, references: [money('string')] }),
    protobufEngine.parse({ name: 'old.proto', text, references: [money('int64')] }),
  );
  const found = differences.find(({ code }) => code === 'FIELD_SCALAR_KIND_CHANGED');
  assert.equal(found?.writer.pointer, '/A/price/units');
  assert.equal(found?.writer.place?.file, 'money.proto');
});

test('an enum of an imported file is compared once, where a field leads to it, and is nothing to Apicurio', async () => {
  const status = (value: string) => ({
    name: 'status.proto',
    source: {
      name: 'status.proto',
      text: `syntax = "proto3"; package m; enum Status { UNKNOWN = 0; ${value} = 1; }`,
      references: [],
    },
  });
  const text =
    'syntax = "proto3"; package shop; import "status.proto"; message A { m.Status one = 1; repeated m.Status more = 2; map<string, m.Status> all = 3; }';
  const reader = protobufEngine.parse({ name: 'new.proto', text, references: [status('SENT')] });
  const writer = protobufEngine.parse({ name: 'old.proto', text, references: [status('SHIPPED')] });
  const [difference, ...others] = protobufEngine.compare(reader, writer).differences;
  assert.ok(difference !== undefined);
  assert.deepEqual(others, []);
  const { code, data, rejectedBy } = difference;
  assert.deepEqual(
    { code, data, rejectedBy },
    { code: 'ENUM_CONST_CHANGED', data: 'json-form', rejectedBy: {} },
  );
  assert.equal(difference.writer.pointer, '/A/one/SHIPPED');
  assert.equal(difference.writer.place?.file, 'status.proto');
  const witness = await protobufEngine.findWitness(reader, writer, difference, { seed: 1, timeMs: 5_000 });
  assert.deepEqual(witness?.written, { one: 'SHIPPED' });
  assert.equal(witness.outcome, 'refused');
});

test('a change of an imported message that Apicurio would reject in the file itself is nothing to it', async () => {
  const line = (fields: string) => ({
    name: 'line.proto',
    source: {
      name: 'line.proto',
      text: `syntax = "proto2"; package m; message Line { ${fields} }`,
      references: [],
    },
  });
  const text =
    'syntax = "proto2"; package shop; import "line.proto"; message A { optional m.Line line = 1; }';
  const before = line(
    'enum Unit { PIECE = 0; METRE = 1; } reserved 9; optional int32 count = 1; optional string gone = 2; optional Unit unit = 4;',
  );
  const after = line(
    'enum Unit { PIECE = 0; METER = 1; } optional int32 amount = 1; required string added = 3; optional Unit unit = 4;',
  );
  const reader = protobufEngine.parse({ name: 'new.proto', text, references: [after] });
  const writer = protobufEngine.parse({ name: 'old.proto', text, references: [before] });
  const { differences } = protobufEngine.compare(reader, writer);
  assert.deepEqual(
    differences.map(({ code, data, rejectedBy }) => [code, data, rejectedBy.apicurio]),
    [
      ['FIELD_VALUES_CHANGED', 'may-break', undefined],
      ['REQUIRED_FIELD_ADDED', 'may-break', undefined],
      ['FIELD_NAME_CHANGED', 'json-form', undefined],
      ['FIELD_REMOVED', 'json-form', undefined],
      ['ENUM_CONST_CHANGED', 'json-form', undefined],
    ],
  );
  for (const difference of differences) {
    const witness = await protobufEngine.findWitness(reader, writer, difference, { seed: 1, timeMs: 5_000 });
    assert.ok(witness !== null, difference.code);
  }
});
