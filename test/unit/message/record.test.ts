import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import { FailedError } from '../../../src/lib/errors.ts';
import type { HeaderValue, Message } from '../../../src/lib/message/message.ts';
import { maxNesting, recordLine, toRecord } from '../../../src/lib/message/record.ts';
import { parseRecord } from '../../../src/lib/message/record-parser.ts';
import { anyMessage, emptyMessage } from './message-samples.ts';

/** The same message with every byte array as a plain Uint8Array, so that Buffer and Uint8Array compare by bytes. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]));
}

function roundTrip(message: Message): void {
  assert.deepEqual(plain(parseRecord(recordLine(message))), plain(message));
}

test('every message survives being written as a record and read again', () => {
  fc.assert(fc.property(anyMessage, roundTrip), { numRuns: 500 });
});

test('the fast line says exactly what the record object says', () => {
  fc.assert(
    fc.property(anyMessage, (message) => {
      assert.equal(recordLine(message), JSON.stringify(toRecord(message)));
    }),
    { numRuns: 300 },
  );
});

test('the record has the shape that scripts rely on', () => {
  const line = recordLine({
    ...emptyMessage,
    partition: '0',
    offset: '42',
    timestamp: Date.UTC(2026, 10, 20, 10),
    timestampType: 'create',
    key: Buffer.from('k1'),
    value: Buffer.from('{"total":7}'),
    headers: [{ name: 'trace', value: Buffer.from('abc') }],
    delivery: { count: 1, redelivered: false },
  });
  assert.equal(
    line,
    '{"channel":"orders","partition":"0","offset":"42","id":null,"timestamp":"2026-11-20T10:00:00.000Z","timestampType":"create",' +
      '"key":"k1","value":"{\\"total\\":7}","headers":[["trace","abc"]],"properties":{},' +
      '"delivery":{"count":1,"redelivered":false},"deadLetter":null,"schema":null}',
  );
});

test('bytes that are not valid UTF-8 become base64, all others text', () => {
  const cases: readonly (readonly [number[], unknown])[] = [
    [[], ''],
    [[0xef, 0xbb, 0xbf, 0x61], '\ufeffa'],
    [[0xff], { base64: '/w==' }],
    [[0xed, 0xa0, 0x80], { base64: '7aCA' }], // a lone surrogate, as some encoders write it
    [[0xc0, 0x80], { base64: 'wIA=' }], // an overlong zero
    [[0xf0, 0x9f, 0x98, 0x80], '\u{1f600}'],
    [[0xf0, 0x9f, 0x98], { base64: '8J+Y' }], // cut in the middle
    [[0x00], '\0'],
  ];
  for (const [bytes, expected] of cases) {
    const message = { ...emptyMessage, value: new Uint8Array(bytes), key: new Uint8Array(bytes) };
    assert.deepEqual(toRecord(message).value, expected);
    roundTrip(message);
  }
});

test('a view into a larger buffer is written, not the whole buffer', () => {
  const whole = new Uint8Array([1, 0x61, 0x62, 2]);
  assert.equal(toRecord({ ...emptyMessage, value: whole.subarray(1, 3) }).value, 'ab');
});

test('headers keep order, repetition, null and binary names', () => {
  const message: Message = {
    ...emptyMessage,
    headers: [
      { name: 'b', value: Buffer.from('1') },
      { name: 'a', value: null },
      { name: 'b', value: Buffer.from([0xff]) },
      { name: '\ufffd', rawName: Buffer.from([0xfe]), value: Buffer.from('x') },
    ],
  };
  assert.deepEqual(toRecord(message).headers, [
    ['b', '1'],
    ['a', null],
    ['b', { base64: '/w==' }],
    [{ base64: '/g==' }, 'x'],
  ]);
  roundTrip(message);
});

test('typed values keep their type, nested ones too', () => {
  const message: Message = {
    ...emptyMessage,
    headers: [
      { name: 'n', value: { type: 'int64', value: '9223372036854775807' } },
      {
        name: 't',
        value: {
          type: 'table',
          value: [
            {
              name: 'list',
              value: { type: 'array', value: [{ type: 'bytes', value: Buffer.from('x') }, null] },
            },
          ],
        },
      },
    ],
    properties: { priority: { type: 'uint8', value: '5' }, fields: [{ name: 'f', value: Buffer.from('v') }] },
  };
  assert.deepEqual(toRecord(message).headers, [
    ['n', { type: 'int64', value: '9223372036854775807' }],
    [
      't',
      {
        type: 'table',
        value: [['list', { type: 'array', value: [{ type: 'bytes', value: { base64: 'eA==' } }, null] }]],
      },
    ],
  ]);
  assert.deepEqual(toRecord(message).properties, {
    priority: { type: 'uint8', value: '5' },
    fields: [['f', 'v']],
  });
  roundTrip(message);
});

test('a decoded value is added and the bytes stay', () => {
  const by = { id: '7', name: 'Order', format: 'avro', framing: 'confluent' };
  const value = Buffer.from('{"total":7}');
  const message = { ...emptyMessage, value, decoded: { value: { total: 7 }, by } };
  const record = toRecord(message);
  assert.deepEqual(record.decoded, { total: 7 });
  assert.equal(record.value, '{"total":7}');
  assert.deepEqual(record.schema, by);
  assert.equal(recordLine(message), JSON.stringify(record));
});

test('a time that RFC 3339 cannot say is written as milliseconds', () => {
  assert.equal(toRecord({ ...emptyMessage, timestamp: 1.7e18 }).timestamp, 1.7e18);
  roundTrip({ ...emptyMessage, timestamp: 1.7e18 });
});

test('nesting without end fails with an error of ours instead of exhausting the stack', () => {
  let value: HeaderValue = null;
  for (let depth = 0; depth <= maxNesting; depth++) value = { type: 'array', value: [value] };
  assert.throws(() => recordLine({ ...emptyMessage, headers: [{ name: 'deep', value }] }), FailedError);
});
