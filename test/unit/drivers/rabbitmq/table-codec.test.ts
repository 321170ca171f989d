import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteWriter } from '../../../../src/lib/drivers/rabbitmq/byte-writer.ts';
import { decodeTable, encodeTable } from '../../../../src/lib/drivers/rabbitmq/table-codec.ts';
import { FailedError, UsageError } from '../../../../src/lib/errors.ts';
import type { Header, HeaderValue } from '../../../../src/lib/message/message.ts';
import { anyTable, tableBytes } from './table-samples.ts';

function encode(entries: readonly Header[]): Buffer {
  const writer = new ByteWriter(8);
  encodeTable(writer, entries);
  return writer.take();
}

/** Without the length before it. */
function entriesBytes(entries: readonly Header[]): Buffer {
  return encode(entries).subarray(4);
}

function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}

test('the bytes of any table are the same after decoding and encoding', () => {
  fc.assert(
    fc.property(tableBytes, (bytes) => {
      assert.deepEqual(entriesBytes(decodeTable(bytes)), bytes);
    }),
  );
});

test('any table of values is the same after encoding and decoding', () => {
  fc.assert(
    fc.property(anyTable, (entries) => {
      assert.deepEqual(decodeTable(entriesBytes(entries)), entries);
    }),
  );
});

test('bytes that are no table are refused, never read beyond their end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (random) => {
      const bytes = Buffer.from(random);
      try {
        assert.deepEqual(entriesBytes(decodeTable(bytes)), bytes);
      } catch (error) {
        assert.ok(error instanceof FailedError, String(error));
      }
    }),
    { numRuns: 1000 },
  );
});

test('a table cut off anywhere is refused or ends between two entries', () => {
  const whole = entriesBytes([
    { name: 'a', value: { type: 'int64', value: '7' } },
    { name: 'b', value: { type: 'array', value: [Buffer.from('x'), { type: 'table', value: [] }] } },
  ]);
  for (let length = 1; length < whole.length; length++) {
    const bytes = whole.subarray(0, length);
    try {
      assert.deepEqual(entriesBytes(decodeTable(bytes)), bytes);
    } catch (error) {
      assert.ok(error instanceof FailedError, String(error));
    }
  }
});

const known: readonly (readonly [title: string, hex: string, value: HeaderValue])[] = [
  ['t true', '74 01', { type: 'boolean', value: 'true' }],
  ['t false', '74 00', { type: 'boolean', value: 'false' }],
  ['t with another byte', '74 02', { type: 'boolean', value: '2' }],
  ['b', '62 80', { type: 'int8', value: '-128' }],
  ['B', '42 ff', { type: 'uint8', value: '255' }],
  ['s', '73 8000', { type: 'int16', value: '-32768' }],
  ['u', '75 ffff', { type: 'uint16', value: '65535' }],
  ['I', '49 80000000', { type: 'int32', value: '-2147483648' }],
  ['i', '69 ffffffff', { type: 'uint32', value: '4294967295' }],
  ['l above 2^53', '6c 0020000000000001', { type: 'int64', value: '9007199254740993' }],
  ['l, the least', '6c 8000000000000000', { type: 'int64', value: '-9223372036854775808' }],
  ['f', '66 3dcccccd', { type: 'float', value: '0.1' }],
  ['f, minus zero', '66 80000000', { type: 'float', value: '-0' }],
  ['f, infinity', '66 7f800000', { type: 'float', value: 'Infinity' }],
  ['f, a NaN', '66 7fc00000', { type: 'float', value: 'NaN' }],
  ['f, a signalling NaN', '66 ff800001', { type: 'float', value: 'NaN:ff800001' }],
  ['d', '64 3fb999999999999a', { type: 'double', value: '0.1' }],
  ['d, minus infinity', '64 fff0000000000000', { type: 'double', value: '-Infinity' }],
  ['d, a signalling NaN', '64 7ff0000000000001', { type: 'double', value: 'NaN:7ff0000000000001' }],
  ['D', '44 02 0000012c', { type: 'decimal', value: '3.00' }],
  ['D, smaller than one', '44 05 00000007', { type: 'decimal', value: '0.00007' }],
  ['D, whole', '44 00 ffffffff', { type: 'decimal', value: '4294967295' }],
  ['T', '54 ffffffffffffffff', { type: 'timestamp', value: '18446744073709551615' }],
  ['V', '56', null],
  ['x', '78 00000002 00ff', { type: 'bytes', value: bytesOf('00ff') }],
  ['S', '53 00000002 6869', Buffer.from('hi')],
  ['S that is not UTF-8', '53 00000001 ff', bytesOf('ff')],
  [
    'A',
    '41 00000003 56 74 01',
    {
      type: 'array',
      value: [null, { type: 'boolean', value: 'true' }],
    },
  ],
  ['F', '46 00000003 01 6b 56', { type: 'table', value: [{ name: 'k', value: null }] }],
];
for (const [title, hex, value] of known) {
  test(`wire type ${title}`, () => {
    const bytes = bytesOf(`01 6e ${hex}`);
    assert.deepEqual(decodeTable(bytes), [{ name: 'n', value }]);
    assert.deepEqual(entriesBytes([{ name: 'n', value }]), bytes);
  });
}

test('the typed void is written as null is', () => {
  const typed = { type: 'void', value: null };
  assert.deepEqual(entriesBytes([{ name: 'n', value: typed }]), bytesOf('01 6e 56'));
});

test('a name that is not UTF-8 keeps its bytes', () => {
  const bytes = bytesOf('02 61ff 56');
  const [entry] = decodeTable(bytes);
  assert.deepEqual(entry?.rawName, bytesOf('61ff'));
  assert.equal(entry?.name, 'a\ufffd');
  assert.deepEqual(entriesBytes(decodeTable(bytes)), bytes);
});

test('repeated names and their order are kept', () => {
  const entries = ['b', 'a', 'b', '1', '__proto__'].map((name, index) => ({
    name,
    value: Buffer.from([index]),
  }));
  assert.deepEqual(decodeTable(entriesBytes(entries)), entries);
});

function nested(levels: number): HeaderValue {
  let value: HeaderValue = null;
  for (let level = 0; level < levels; level++) value = { type: 'array', value: [value] };
  return value;
}

test('what nests deeper than 256 levels is kept as it stands, and written so again', () => {
  const deepest = [{ name: 'n', value: nested(256) }];
  assert.deepEqual(decodeTable(entriesBytes(deepest)), deepest);
  assert.throws(() => entriesBytes([{ name: 'n', value: nested(257) }]), UsageError);
  let bytes = entriesBytes(deepest).subarray(2);
  for (let level = 0; level < 300; level += 1) {
    const head = bytesOf('41 00000000');
    head.writeUInt32BE(bytes.length, 1);
    bytes = Buffer.concat([head, bytes]);
  }
  const deeper = Buffer.concat([bytesOf('01 6e'), bytes]);
  const read = decodeTable(deeper);
  assert.deepEqual(entriesBytes(read), deeper);
  const levels = JSON.stringify(read, (_, value: unknown) => (Buffer.isBuffer(value) ? 'bytes' : value));
  assert.match(levels, /"type":"encoded"/);
});

test('what is said to be encoded must be one whole array or table', () => {
  for (const value of [bytesOf('41 00000001'), bytesOf('49 00000001'), bytesOf('41'), 'text', null])
    assert.throws(() => entriesBytes([{ name: 'n', value: { type: 'encoded', value } }]), UsageError);
});

test('a hundred thousand nested tables do not exhaust the stack', () => {
  const level = bytesOf('00 46 7fffffff');
  assert.throws(() => decodeTable(Buffer.concat(Array.from({ length: 100_000 }, () => level))), FailedError);
});

test('a value that does not fit its type is refused with the name of its header', () => {
  for (const value of [
    { type: 'int8', value: '128' },
    { type: 'uint8', value: '-1' },
    { type: 'int64', value: '9223372036854775808' },
    { type: 'timestamp', value: '-1' },
    { type: 'int32', value: '1.5' },
    { type: 'int32', value: '' },
    { type: 'boolean', value: 'yes' },
    { type: 'double', value: '0x10' },
    { type: 'double', value: '1e309' },
    { type: 'float', value: '1e39' },
    { type: 'double', value: 'NaN:3ff0000000000000' },
    { type: 'decimal', value: '-1.5' },
    { type: 'decimal', value: '42949672.96' },
    { type: 'bytes', value: 'text' },
    { type: 'int32', value: null },
    { type: 'array', value: [{ name: 'n', value: null }] },
    { type: 'table', value: [{ type: 'void', value: null }] },
    { type: 'uint64', value: '1' },
    { type: 'string', value: 'x' },
  ] as const)
    assert.throws(
      () => encode([{ name: 'total', value }]),
      (error) => error instanceof UsageError && error.message.startsWith('header "total": '),
      JSON.stringify(value),
    );
});

test('a name of more than 255 bytes is refused', () => {
  assert.equal(decodeTable(entriesBytes([{ name: 'n'.repeat(255), value: null }])).length, 1);
  assert.throws(() => encode([{ name: 'é'.repeat(128), value: null }]), UsageError);
});
