import assert from 'node:assert/strict';
import test from 'node:test';

import { InvalidSchemaError } from '../../../../src/lib/schema/errors.ts';
import { readProto } from '../../../../src/lib/schema/protobuf/read-proto.ts';

const order = `// The head
syntax = "proto3";

package shop.v1;

import "money.proto";

message Order {
  /* the key */ string id = 1;
  repeated Line lines = 2 [(note) = { text: "}" }];
  map<string, int64>
    counts = 3;
  oneof paid {
    Money card = 4;
    bool cash = 5;
  }

  message Line { string sku = 1; }
  enum State { NEW = 0; DONE = 1; }
}
`;
const money = {
  name: 'money.proto',
  text: 'syntax = "proto3"; package shop.v1; message Money { int64 units = 1; }',
  references: [],
};

test('elements are read with their numbers, types and places', () => {
  const file = readProto({
    name: 'order.proto',
    text: order,
    references: [{ name: 'money.proto', source: money }],
  });
  const [message] = file.messages;
  assert.ok(message !== undefined);
  assert.deepEqual(
    file.messages.map(({ fullName, localName }) => ({ fullName, localName })),
    [{ fullName: 'shop.v1.Order', localName: 'Order' }],
  );
  assert.deepEqual(
    [...message.fields.values()].map(({ number, name, label, oneof, place }) => [
      number,
      name,
      label,
      oneof,
      place?.line,
      place?.column,
    ]),
    [
      [1, 'id', 'singular', null, 9, 17],
      [2, 'lines', 'repeated', null, 10, 3],
      [3, 'counts', 'singular', null, 11, 3],
      [4, 'card', 'singular', 'paid', 14, 5],
      [5, 'cash', 'singular', 'paid', 15, 5],
    ],
  );
  assert.equal(message.enums[0]?.places.get('DONE')?.line, 19);
  assert.deepEqual(file.packagePlace, { file: 'order.proto', line: 4, column: 1 });
});

const invalid: readonly [what: string, text: string, message: RegExp][] = [
  ['a missing semicolon', 'syntax = "proto3";\nmessage A {\n  int32 a = 1\n}', /^bad\.proto:4:1: /],
  ['a type that is nowhere', 'syntax = "proto3"; message A { Nope a = 1; }', /Nope/],
  ['a number twice', 'syntax = "proto3"; message A { int32 a = 1; int32 b = 1; }', /duplicate/],
  ['number 0', 'syntax = "proto3";\nmessage A {\n  int32 a = 0;\n}', /^bad\.proto:3:3: field a has number 0/],
  ['a number of the implementation', 'syntax = "proto3"; message A { int32 a = 19500; }', /19000 to 19999/],
  ['an open enum that does not begin with 0', 'syntax = "proto3"; enum A { ONE = 1; }', /begins with 0/],
  [
    'two fields with one JSON name',
    'syntax = "proto3"; message A { int32 a_b = 1; int32 aB = 2; }',
    /same name in JSON/,
  ],
  [
    'an import that was not given',
    'syntax = "proto3"; import "other.proto"; message A {}',
    /it imports "other\.proto", which was not given/,
  ],
  ['an end in the middle', 'syntax = "proto3"; message A { int32 a', /end of input|illegal/],
  ['no protobuf at all', '{"type":"record"}', /illegal/],
];

for (const [what, text, message] of invalid)
  test(`${what} is refused`, () => {
    assert.throws(
      () => readProto({ name: 'bad.proto', text, references: [] }),
      (thrown) => {
        assert.ok(thrown instanceof InvalidSchemaError, String(thrown));
        assert.match(thrown.message, message);
        assert.equal(thrown.exit, 2);
        return true;
      },
    );
  });

test('files that import each other end', () => {
  const a = {
    name: 'a.proto',
    text: 'syntax = "proto3"; import "b.proto"; message A { B b = 1; }',
    references: [],
  };
  const b = {
    name: 'b.proto',
    text: 'syntax = "proto3"; import "a.proto"; message B { A a = 1; }',
    references: [],
  };
  const references = [
    { name: 'a.proto', source: a },
    { name: 'b.proto', source: b },
  ];
  assert.equal(readProto({ ...a, references }).messages.length, 1);
});

test('well-known types need no reference', () => {
  const text =
    'syntax = "proto3"; import "google/protobuf/timestamp.proto"; message A { google.protobuf.Timestamp at = 1; }';
  assert.equal(readProto({ name: 'a.proto', text, references: [] }).messages.length, 1);
});

test('a file of 5 MiB is read in bounded time', () => {
  const messages = Array.from({ length: 400 }, (_, message) => {
    const fields = Array.from(
      { length: 50 },
      (__, field) =>
        `  optional string ${'a_long_name_'.repeat(22)}${field.toString()} = ${(field + 1).toString()};`,
    );
    return `message M${message.toString()} {\n${fields.join('\n')}\n}`;
  });
  const text = `syntax = "proto3";\n${messages.join('\n')}`;
  assert.ok(text.length > 5 * 1024 * 1024);
  assert.equal(readProto({ name: 'big.proto', text, references: [] }).messages.length, 400);
});

test('a message with a hundred thousand fields is refused: the parser would not end', () => {
  const fields = Array.from(
    { length: 100_000 },
    (_, index) => `  string f${index.toString()} = ${(index + 20_000).toString()};`,
  );
  assert.throws(
    () =>
      readProto({
        name: 'big.proto',
        text: `syntax = "proto3";\nmessage A {\n${fields.join('\n')}\n}`,
        references: [],
      }),
    /A has more than 5000 elements/,
  );
});

test('a file that never closes what it opens, or closes what it never opened, is refused in bounded time', () => {
  const texts = ['/* ', '"\\', "'\\", '] ', '} ', 'message A { ', 'option a = { b: ', '/*'].map((piece) =>
    piece.repeat(20_000),
  );
  for (const text of [...texts, `message A ${'{'.repeat(20_000)}`])
    assert.throws(() => readProto({ name: 'hostile.proto', text, references: [] }), {
      name: 'InvalidSchemaError',
    });
});

test('a file with twenty thousand messages is refused: the parser would not end', () => {
  const messages = Array.from({ length: 20_000 }, (_, index) => `message A${index.toString()} {}`);
  assert.throws(
    () =>
      readProto({ name: 'big.proto', text: `syntax = "proto3";\n${messages.join('\n')}`, references: [] }),
    /the file has more than 5000 elements/,
  );
});
