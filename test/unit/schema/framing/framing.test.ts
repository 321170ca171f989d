import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PayloadError } from '../../../../src/lib/schema/errors.ts';
import { unwrapCloudEvent } from '../../../../src/lib/schema/framing/cloud-event.ts';
import { framingsOf, type FramingKind, type SchemaKey } from '../../../../src/lib/schema/framing/framing.ts';
import { inflate } from '../../../../src/lib/schema/framing/inflate.ts';
import {
  readMessageIndexes,
  writeMessageIndexes,
} from '../../../../src/lib/schema/framing/message-indexes.ts';
import { frame } from '../../../../src/lib/schema/framing/write-frame.ts';

const payload = Buffer.from('payload');
const uuid = '12345678-9abc-def0-1234-56789abcdef0';

const written: readonly [FramingKind, SchemaKey][] = [
  ['confluent', { by: 'id', value: '7' }],
  ['confluent-header', { by: 'guid', value: uuid }],
  ['apicurio', { by: 'global-id', value: '4294967297' }],
  ['apicurio-header', { by: 'content-id', value: '12' }],
  ['apicurio-header', { by: 'global-id', value: '13' }],
  ['glue', { by: 'glue-version', value: uuid }],
  ['avro-single-object', { by: 'avro-fingerprint', value: '7275d51a3f395c8f' }],
];

for (const [kind, key] of written)
  test(`${kind} (${key.by}): what is written is read`, () => {
    for (const part of ['key', 'value'] as const) {
      const { bytes, headers } = frame(payload, { kind, key, part, messageIndexes: null });
      const found = framingsOf(bytes, headers, part).find((framed) => framed.kind === kind);
      assert.deepEqual(found?.schema, key);
      const read = found.compressed ? inflate(found.payload) : found.payload;
      assert.deepEqual(Buffer.from(read), payload);
      const other = part === 'key' ? 'value' : 'key';
      if (headers.length > 0) assert.deepEqual(framingsOf(bytes, headers, other), []);
    }
  });

test('the bytes of each frame are those that its owner documents', () => {
  const hex = (kind: FramingKind, key: SchemaKey): string =>
    Buffer.from(
      frame(Buffer.from([0xff]), { kind, key, part: 'value', messageIndexes: null }).bytes,
    ).toString('hex');
  assert.equal(hex('confluent', { by: 'id', value: '258' }), '0000000102ff');
  assert.equal(hex('apicurio', { by: 'global-id', value: '258' }), '000000000000000102ff');
  // The golden message of Avro's own tests begins with the fingerprint 0x7275d51a3f395c8f of "int", little-endian.
  assert.equal(
    hex('avro-single-object', { by: 'avro-fingerprint', value: '7275d51a3f395c8f' }),
    'c3018f5c393f1ad57572ff',
  );
});

test('what has no frame has none', () => {
  for (const bytes of [Buffer.alloc(0), Buffer.from('{"a":1}'), Buffer.from([0, 0, 0]), Buffer.from('plain')])
    assert.deepEqual(framingsOf(bytes, [], 'value'), []);
});

test('bytes that may be of Confluent or of Apicurio 2 are given as both', () => {
  const kinds = framingsOf(Buffer.alloc(12), [], 'value').map(({ kind }) => kind);
  assert.deepEqual(kinds, ['confluent', 'apicurio']);
});

test('message indexes: the short form of the first one, the long form, nested ones', () => {
  assert.deepEqual([...writeMessageIndexes([0])], [0]);
  assert.deepEqual(readMessageIndexes(Buffer.from([0, 9])).indexes, [0]);
  assert.deepEqual(readMessageIndexes(Buffer.from([2, 0, 9])).indexes, [0]);
  for (const indexes of [[1], [2, 0], [1, 300, 5]]) {
    const read = readMessageIndexes(Buffer.concat([writeMessageIndexes(indexes), payload]));
    assert.deepEqual(read.indexes, indexes);
    assert.deepEqual(Buffer.from(read.payload), payload);
  }
});

test('message indexes that claim too many, or do not end, are refused', () => {
  assert.throws(() => readMessageIndexes(Buffer.from([0xfe, 0xff, 0xff, 0xff, 0x0f])), PayloadError);
  assert.throws(() => readMessageIndexes(Buffer.from([4, 2])), PayloadError);
  assert.throws(() => readMessageIndexes(Buffer.alloc(20, 0xff)), PayloadError);
});

test('compressed bytes that are none are refused', () => {
  assert.throws(() => inflate(Buffer.from('no zlib')), PayloadError);
});

test('CloudEvents: the data of both modes', () => {
  const header = (name: string, value: string) => ({ name, value: Buffer.from(value) });
  const structured = [header('content-type', 'application/cloudevents+json; charset=utf-8')];
  const event = (fields: object) => Buffer.from(JSON.stringify({ specversion: '1.0', ...fields }));
  const unwrapped = (value: Buffer, headers = structured) => {
    const { mode, data } = unwrapCloudEvent(value, headers);
    return [mode, Buffer.from(data).toString()];
  };
  assert.deepEqual(unwrapped(event({ data_base64: payload.toString('base64') })), ['structured', 'payload']);
  assert.deepEqual(unwrapped(event({ data: { a: 1 } })), ['structured', '{"a":1}']);
  assert.deepEqual(unwrapped(payload, [header('ce_specversion', '1.0')]), ['binary', 'payload']);
  assert.deepEqual(unwrapped(payload), [null, 'payload']);
});

test('an event whose data nests deeper than the stack stays what it is', () => {
  const event = Buffer.from(`{"data":${'['.repeat(200_000)}${']'.repeat(200_000)}}`);
  const header = { name: 'content-type', value: Buffer.from('application/cloudevents+json') };
  const { data } = unwrapCloudEvent(event, [header]);
  assert.ok(data === event || Buffer.from(data).equals(event.subarray('{"data":'.length, -1)));
});
