import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conform } from '../../../src/lib/operations/conform.ts';
import { Validation, validatorByRegistry } from '../../../src/lib/operations/validate-messages.ts';
import { PayloadDecoder } from '../../../src/lib/schema/decoder.ts';
import { jsonEngine } from '../../../src/lib/schema/json/engine.ts';
import { violationsOf } from '../../../src/lib/schema/violations.ts';
import { registryOf } from './registry-in-memory.ts';

const text = '{"type":"object","properties":{"id":{"type":"integer"}},"required":["id"]}';
const schema = jsonEngine.parse({ name: 'order.json', text, references: [] });
const framed = (json: string) => Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), Buffer.from(json)]);
const input = (bytes: Uint8Array) => ({ bytes, headers: [], part: 'value' as const });
const codes = (bytes: Uint8Array) => violationsOf(schema, input(bytes), 10).map(({ code }) => code);

test('JSON: what is framed is held against the schema, as what is bare', () => {
  assert.deepEqual(codes(Buffer.from('{"id":"x"}')), ['type']);
  assert.deepEqual(codes(framed('{"id":"x"}')), ['type']);
  assert.deepEqual(codes(framed('{}')), ['required']);
  assert.deepEqual(codes(framed('{"id":1}')), []);
  assert.deepEqual(codes(framed('{"id":')), ['not-json']);
});

test('JSON: an integer beyond 2^53 is an integer, and is sent to the last digit', () => {
  const large = Buffer.from('{"id":9223372036854775807}');
  assert.deepEqual(codes(large), []);
  const message = {
    channel: 'orders',
    key: null,
    value: large,
    headers: [],
    properties: {},
    partition: null,
    timestamp: null,
  };
  const conformed = conform(message, [
    { part: 'value', schema, framing: { kind: 'confluent', key: { by: 'id', value: '7' } } },
  ]);
  assert.ok('message' in conformed);
  assert.deepEqual(
    conformed.message.value === null ? null : Buffer.from(conformed.message.value),
    framed('{"id":9223372036854775807}'),
  );
});

test('JSON: by the registry a message that decodes, and breaks its schema, is invalid', async () => {
  const decoder = new PayloadDecoder(registryOf({ format: 'json', text }));
  const validation = new Validation(
    validatorByRegistry(decoder, new AbortController().signal),
    'value',
    () => undefined,
  );
  for (const value of ['{"id":1}', '{"id":"x"}', '{"id":9007199254740993}'])
    await validation.add({ place: value, key: null, value: framed(value), headers: [] });
  assert.deepEqual(
    validation.failures.map(({ place, code, dataPointer }) => [place, code, dataPointer]),
    [['{"id":"x"}', 'type', '/id']],
  );
  assert.equal(validation.valid, 2);
});

test('a value on which a pattern does not end is one that is invalid, and the others are looked at', () => {
  const hanging = jsonEngine.parse({
    name: 'hanging.json',
    text: '{"type":"string","pattern":"^(a+)+$"}',
    references: [],
  });
  const value = Buffer.from(JSON.stringify(`${'a'.repeat(60)}!`));
  assert.deepEqual(
    violationsOf(hanging, input(value), 10).map(({ code }) => code),
    ['pattern-hangs'],
  );
});
