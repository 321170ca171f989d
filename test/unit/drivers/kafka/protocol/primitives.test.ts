import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  MalformedError,
  ProtocolReader,
  ProtocolWriter,
} from '../../../../../src/lib/drivers/kafka/protocol/primitives.ts';

function written(write: (writer: ProtocolWriter) => unknown, flexible = false): Buffer {
  const writer = new ProtocolWriter(flexible, 1);
  write(writer);
  return Buffer.from(writer.finish());
}

function hex(write: (writer: ProtocolWriter) => unknown): string {
  return written(write).toString('hex');
}

function reader(text: string): ProtocolReader {
  return new ProtocolReader(Buffer.from(text, 'hex'));
}

/** Says that what is written is what is read, and that nothing is left over. */
function comesBack<Value>(
  arbitrary: fc.Arbitrary<Value>,
  write: (writer: ProtocolWriter, value: Value) => unknown,
  read: (reader: ProtocolReader) => Value,
): void {
  fc.assert(
    fc.property(arbitrary, (value) => {
      const back = new ProtocolReader(written((writer) => write(writer, value)));
      assert.deepEqual(read(back), value);
      assert.equal(back.remaining, 0);
    }),
  );
}

const text = fc.string({ unit: 'grapheme', maxLength: 300 });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

describe('what was written is read', () => {
  test('fixed numbers', () => {
    comesBack(
      fc.integer({ min: -128, max: 127 }),
      (w, v) => w.int8(v),
      (r) => r.int8(),
    );
    comesBack(
      fc.integer({ min: -32_768, max: 32_767 }),
      (w, v) => w.int16(v),
      (r) => r.int16(),
    );
    comesBack(
      fc.integer(),
      (w, v) => w.int32(v),
      (r) => r.int32(),
    );
    comesBack(
      int64,
      (w, v) => w.int64(v),
      (r) => r.int64(),
    );
    comesBack(
      fc.double(),
      (w, v) => w.float64(v),
      (r) => r.float64(),
    );
  });

  test('variable numbers', () => {
    comesBack(
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      (w, v) => w.uvarint(v),
      (r) => r.uvarint(),
    );
    comesBack(
      fc.integer(),
      (w, v) => w.varint(v),
      (r) => r.varint(),
    );
    comesBack(
      int64,
      (w, v) => w.varlong(v),
      (r) => r.varlong(),
    );
  });

  test('texts and bytes, null apart from empty', () => {
    comesBack(
      fc.option(text),
      (w, v) => w.nullableString(v),
      (r) => r.nullableString(),
    );
    comesBack(
      fc.option(text),
      (w, v) => w.compactNullableString(v),
      (r) => r.compactNullableString(),
    );
    comesBack(
      fc.option(fc.uint8Array()),
      (w, v) => w.nullableBytes(v),
      (r) => {
        const bytes = r.nullableBytes();
        return bytes === null ? null : Uint8Array.from(bytes);
      },
    );
  });

  test('arrays, null apart from empty', () => {
    const items = fc.option(fc.array(fc.integer()));
    comesBack(
      items,
      (w, v) => w.array(v, (_, item) => w.int32(item)),
      (r) => r.nullableArray(() => r.int32()),
    );
    comesBack(
      items,
      (w, v) => w.compactArray(v, (_, item) => w.int32(item)),
      (r) => r.compactNullableArray(() => r.int32()),
    );
  });
});

describe('bytes are those of the protocol guide', () => {
  test('varints', () => {
    assert.equal(
      hex((w) => w.uvarint(300)),
      'ac02',
    );
    assert.equal(
      hex((w) => w.varint(-1).varint(1).varint(-2_147_483_648)),
      '0102ffffffff0f',
    );
    assert.equal(
      hex((w) => w.varlong(-(2n ** 63n))),
      'ffffffffffffffffff01',
    );
  });

  test('compact lengths are one more, and 0 is null', () => {
    assert.equal(
      hex((w) => w.compactString('ab').compactNullableString(null).compactString('')),
      '0361620001',
    );
  });

  test('a uuid is printed as Kafka prints it', () => {
    const id = 'AAAAAAAAAAEAAAAAAAAAAg';
    assert.equal(
      hex((w) => w.uuid(id)),
      '00000000000000010000000000000002',
    );
    assert.equal(reader('00000000000000010000000000000002').uuid(), id);
  });

  test('texts, lists and tags follow the version', () => {
    const write = (w: ProtocolWriter) =>
      w
        .text('a')
        .list([1], (_, item) => w.int8(item))
        .tags();
    assert.equal(written(write).toString('hex'), '00016100000001' + '01');
    assert.equal(written(write, true).toString('hex'), '0261' + '0201' + '00');
  });

  test('tagged fields of later versions are passed over', () => {
    const back = reader('02' + '00' + '03' + 'aabbcc' + '05' + '01' + 'dd' + '2a');
    back.skipTaggedFields();
    assert.equal(back.int8(), 42);
  });
});

describe('what is not the protocol is malformed', () => {
  const cases: [string, string, (reader: ProtocolReader) => unknown][] = [
    ['a number beyond the end', '0000', (r) => r.int32()],
    ['a text beyond the end', '000561', (r) => r.string()],
    ['null where a text must be', 'ffff', (r) => r.string()],
    ['a compact null where a text must be', '00', (r) => r.compactString()],
    ['a varint without an end', 'ffffffffffff', (r) => r.uvarint()],
    ['a varint of 33 bits', 'ffffffff1f', (r) => r.uvarint()],
    ['a varlong without an end', 'ff'.repeat(11), (r) => r.varlong()],
    ['more items than bytes', '7fffffff00', (r) => r.array(() => r.int8())],
    ['a tagged field beyond the end', '010005aa', (r) => r.skipTaggedFields()],
  ];
  for (const [name, bytes, read] of cases) {
    test(name, () => {
      assert.throws(() => read(reader(bytes)), MalformedError);
    });
  }

  test('random bytes read as anything end in a value or in MalformedError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        for (const flexible of [false, true]) {
          try {
            const back = new ProtocolReader(bytes, flexible);
            back.list(() => ({ name: back.nullableText(), items: back.list(() => back.int16()) }));
            back.tags();
          } catch (error) {
            assert.ok(error instanceof MalformedError);
          }
        }
      }),
    );
  });
});
