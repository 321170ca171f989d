import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  basicPropertyNames,
  decodeProperties,
  encodeProperties,
} from '../../../../src/lib/drivers/rabbitmq/basic-properties.ts';
import type { BasicProperties } from '../../../../src/lib/drivers/rabbitmq/basic-properties.ts';
import { ByteWriter } from '../../../../src/lib/drivers/rabbitmq/byte-writer.ts';
import { FailedError, UsageError } from '../../../../src/lib/errors.ts';
import type { Properties } from '../../../../src/lib/message/message.ts';
import { tableBytes } from './table-samples.ts';

function encode(message: BasicProperties, defaults: Properties = {}): Buffer {
  const writer = new ByteWriter(8);
  encodeProperties(writer, message, defaults);
  return writer.take();
}

const octets = (size: number) =>
  fc.uint8Array({ minLength: size, maxLength: size }).map((bytes) => Buffer.from(bytes));
const shortText = fc
  .oneof(
    fc.uint8Array({ maxLength: 255 }).map((bytes) => Buffer.from(bytes)),
    fc.string({ unit: 'binary', maxLength: 60 }).map((text) => Buffer.from(text)),
  )
  .filter(({ length }) => length < 256)
  .map((bytes) => Buffer.concat([Buffer.from([bytes.length]), bytes]));
const table = tableBytes.map((entries) => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(entries.length);
  return Buffer.concat([length, entries]);
});

/** Written from the specification's table of the class, not from the codec. */
const wire = [
  shortText, // content-type
  shortText, // content-encoding
  table, // headers
  octets(1), // delivery-mode
  octets(1), // priority
  shortText, // correlation-id
  shortText, // reply-to
  shortText, // expiration
  shortText, // message-id
  octets(8), // timestamp
  shortText, // type
  shortText, // user-id
  shortText, // app-id
  shortText, // cluster-id (reserved)
];

const propertiesBytes = fc.tuple(...wire.map((bytes) => fc.option(bytes, { nil: null }))).map((fields) => {
  const flags = Buffer.alloc(2);
  flags.writeUInt16BE(
    fields.reduce((sum: number, bytes, index) => (bytes === null ? sum : sum | (0x8000 >> index)), 0),
  );
  return Buffer.concat([flags, ...fields.filter((bytes) => bytes !== null)]);
});

test('the bytes of any properties are the same after decoding and encoding', () => {
  fc.assert(
    fc.property(propertiesBytes, (bytes) => {
      assert.deepEqual(encode(decodeProperties(bytes)), bytes);
    }),
  );
});

test('all 14 properties have their name and type', () => {
  const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  const bytes = Buffer.concat([
    Buffer.from('fffc', 'hex'),
    text('text/plain'),
    text('gzip'),
    Buffer.from('00000004 01 61 74 01'.replaceAll(' ', ''), 'hex'),
    Buffer.from([2]),
    Buffer.from([9]),
    ...['correlation', 'reply', '60000', 'id-1'].map(text),
    Buffer.from('000000006a1f0c00', 'hex'),
    ...['kind', 'guest', 'app', 'cluster'].map(text),
  ]);
  const decoded = decodeProperties(bytes);
  assert.deepEqual(decoded, {
    headers: [{ name: 'a', value: { type: 'boolean', value: 'true' } }],
    properties: {
      contentType: 'text/plain',
      contentEncoding: 'gzip',
      deliveryMode: { type: 'uint8', value: '2' },
      priority: { type: 'uint8', value: '9' },
      correlationId: 'correlation',
      replyTo: 'reply',
      expiration: '60000',
      messageId: 'id-1',
      timestamp: { type: 'timestamp', value: '1780419584' },
      type: 'kind',
      userId: 'guest',
      appId: 'app',
      clusterId: 'cluster',
    },
  });
  assert.deepEqual([...Object.keys(decoded.properties), 'headers'].sort(), [...basicPropertyNames].sort());
  assert.deepEqual(encode(decoded), bytes);
});

test('a table of headers that is there and empty is told from none', () => {
  const empty = Buffer.from('200000000000', 'hex');
  assert.deepEqual(decodeProperties(empty), {
    headers: [],
    properties: { headers: { type: 'table', value: [] } },
  });
  assert.deepEqual(encode(decodeProperties(empty)), empty);
  assert.deepEqual(encode({ headers: [], properties: {} }), Buffer.from('0000', 'hex'));
});

test('numbers may be published as plain text', () => {
  const typed = encode({
    headers: [],
    properties: { priority: { type: 'uint8', value: '5' }, timestamp: { type: 'timestamp', value: '7' } },
  });
  assert.deepEqual(encode({ headers: [], properties: { priority: '5', timestamp: '7' } }), typed);
});

test('a default stands in only where the message says nothing', () => {
  const mode = (message: Properties) =>
    decodeProperties(encode({ headers: [], properties: message }, { deliveryMode: '2' })).properties[
      'deliveryMode'
    ];
  assert.deepEqual(mode({}), { type: 'uint8', value: '2' });
  assert.deepEqual(mode({ deliveryMode: '1' }), { type: 'uint8', value: '1' });
});

test('a property that does not fit is refused with its name', () => {
  for (const [name, value] of [
    ['priority', '256'],
    ['priority', 'high'],
    ['deliveryMode', Buffer.from([1])],
    ['timestamp', '2026-11-20'],
    ['messageId', 'x'.repeat(256)],
    ['contentType', { type: 'int32', value: '1' }],
  ] as const)
    assert.throws(
      () => encode({ headers: [], properties: { [name]: value } }),
      (error) => error instanceof UsageError && error.message.startsWith(`property ${name}`),
    );
});

test('bytes that are no properties are refused', () => {
  for (const hex of ['', '80', '8000', '800005', '0001', '0002', '000000', '20000000', '2000000000ff'])
    assert.throws(() => decodeProperties(Buffer.from(hex, 'hex')), FailedError, hex);
});
