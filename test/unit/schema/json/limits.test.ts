import assert from 'node:assert/strict';
import test from 'node:test';

import type { JsonValue } from '../../../../src/lib/message/record.ts';
import { InvalidSchemaError, PayloadError } from '../../../../src/lib/schema/errors.ts';
import { jsonEngine } from '../../../../src/lib/schema/json/engine.ts';

function schema(text: string) {
  return jsonEngine.parse({ name: 'order.json', text, references: [] });
}

test('a pattern that would hang is stopped, and said', () => {
  const hanging = schema('{"type":"string","pattern":"^(a+)+$"}');
  assert.throws(
    () => hanging.validate(`${'a'.repeat(60)}!`, 1),
    (thrown) => {
      assert.ok(thrown instanceof PayloadError);
      assert.equal(thrown.reason, 'pattern-hangs');
      return true;
    },
  );
  assert.deepEqual(hanging.validate('aaa', 1), []);
});

test('two schemas with a pattern that would hang are compared in bounded time', async () => {
  const [reader, writer] = [schema('{"type":"string","pattern":"^(a+)+$"}'), schema('{"type":"string"}')];
  const [difference] = jsonEngine.compare(reader, writer).differences;
  assert.ok(difference !== undefined);
  assert.notEqual(await jsonEngine.findWitness(reader, writer, difference, { seed: 1, timeMs: 5_000 }), null);
});

const refused: readonly [what: string, text: string, message: RegExp][] = [
  [
    'a remote $ref that was not given',
    '{"$ref":"https://example.com/other.json"}',
    /refers to https:\/\/example\.com\/other\.json, which was not given/,
  ],
  ['no JSON', '{"type":', /order\.json.*JSON/],
  ['a list', '[]', /an object, true or false/],
  ['a keyword with a wrong value', '{"type":"strnig"}', /\/type must be/],
  ['a draft that is unknown', '{"$schema":"https://example.com/mine"}', /no draft from 04 to 2020-12/],
  ['nesting without an end', `${'{"not":'.repeat(10_000)}{}${'}'.repeat(10_000)}`, /deeper than 512/],
];
for (const [what, text, message] of refused)
  test(`${what} is refused`, () => {
    assert.throws(
      () => schema(text),
      (thrown) => {
        assert.ok(thrown instanceof InvalidSchemaError, String(thrown));
        assert.match(thrown.message, message);
        return true;
      },
    );
  });

test('a $ref that leads to itself ends with an error', () => {
  assert.throws(
    () =>
      schema(
        '{"$ref":"#/definitions/a","definitions":{"a":{"$ref":"#/definitions/b"},"b":{"$ref":"#/definitions/a"}}}',
      ).validate(1, 1),
    /refers? to itself|leads to itself/,
  );
});

test('a recursive schema is compared, and its values are validated', () => {
  const tree = (type: string) =>
    schema(`{"type":"object","properties":{"value":{"type":"${type}"},"next":{"$ref":"#"}}}`);
  assert.deepEqual(jsonEngine.compare(tree('number'), tree('integer')).differences, []);
  assert.deepEqual(
    jsonEngine
      .compare(tree('integer'), tree('number'))
      .differences.map(({ code, reader }) => [code, reader.pointer]),
    [['TYPE_NARROWED', '/properties/value/type']],
  );
  assert.equal(
    tree('integer').validate({ next: { next: { value: 1.5 } } }, 5)[0]?.dataPointer,
    '/next/next/value',
  );
});

test('a schema given as a reference is found by its name', () => {
  const parsed = jsonEngine.parse({
    name: 'order.json',
    text: '{"properties":{"price":{"$ref":"money.json"}}}',
    references: [
      { name: 'money.json', source: { name: 'money.json', text: '{"type":"integer"}', references: [] } },
    ],
  });
  assert.equal(parsed.validate({ price: 'x' }, 1).length, 1);
  assert.deepEqual(parsed.validate({ price: 1 }, 1), []);
});

test('a schema of 5 MiB is read, and compared with itself', () => {
  const names = Array.from({ length: 4_000 }, (_, index): [string, JsonValue] => [
    `field${index.toString()}`,
    { type: 'string', description: 'x'.repeat(1_300) },
  ]);
  const big = schema(JSON.stringify({ type: 'object', properties: Object.fromEntries(names) }));
  assert.ok(big.source.text.length > 5 * 1024 * 1024);
  assert.deepEqual(jsonEngine.compare(big, big).differences, []);
});

test('numbers beyond 2^53 are text after decoding, and never rounded', () => {
  assert.deepEqual(schema('true').decode(Buffer.from('{"id":9223372036854775807,"n":7}')).value, {
    id: '9223372036854775807',
    n: 7,
  });
});

test('bytes that are no JSON or no UTF-8 are said', () => {
  for (const payload of [Buffer.from('{"a":'), Buffer.from([0x22, 0xff, 0x22]), Buffer.alloc(0)]) {
    assert.throws(() => schema('true').decode(payload), PayloadError);
    assert.equal(schema('true').validatePayload(payload, 1)[0]?.code, 'not-json');
  }
});

for (const name of ['default', 'const', 'enum', 'examples'])
  test(`an empty enum in a property that is named ${name} allows nothing`, () => {
    const named = schema(
      `{"$schema":"https://json-schema.org/draft/2020-12/schema","properties":{"${name}":{"enum":[]}},"$defs":{"${name}":{"enum":[]}}}`,
    );
    assert.deepEqual(named.validate({}, 1), []);
    assert.equal(named.validate({ [name]: 1 }, 1).length, 1);
  });

test('data that looks like an empty enum stays as it is', () => {
  const data = schema(
    '{"$schema":"https://json-schema.org/draft/2020-12/schema","const":{"properties":{"a":{"enum":[]}}},"not":{"enum":[]}}',
  );
  assert.deepEqual(data.validate({ properties: { a: { enum: [] } } }, 1), []);
});
