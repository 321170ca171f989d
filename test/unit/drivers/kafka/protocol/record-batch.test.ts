import assert from 'node:assert/strict';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import fc from 'fast-check';
import { compressionNames, loadCodec } from '../../../../../src/lib/drivers/kafka/protocol/compression.ts';
import type { Compression } from '../../../../../src/lib/drivers/kafka/protocol/compression.ts';
import { crc32c } from '../../../../../src/lib/drivers/kafka/protocol/crc32c.ts';
import { MalformedError } from '../../../../../src/lib/drivers/kafka/protocol/primitives.ts';
import {
  batchHeaderBytes,
  recordBatches,
} from '../../../../../src/lib/drivers/kafka/protocol/record-batch.ts';
import { decodeRecords } from '../../../../../src/lib/drivers/kafka/protocol/record-decoder.ts';
import type { KafkaRecord } from '../../../../../src/lib/drivers/kafka/protocol/record-decoder.ts';
import {
  encodable,
  encodeBatch,
  recordBytes,
} from '../../../../../src/lib/drivers/kafka/protocol/record-encoder.ts';
import type { EncodableRecord } from '../../../../../src/lib/drivers/kafka/protocol/record-encoder.ts';

/** Two records as the Java console producer 4.3.1 had them stored: `k1` with the header `h1` twice, `k2` with a null value. */
const writtenByJava: Readonly<Record<Compression, string>> = {
  none: '0000000000000000000000730000000002811ffa0b000000000001000001a1fd22078d000001a1fd2207b500000000000000dc0000000000000000000264000000046b3140616161616161616161616161616161616161616161616161616161616161616104046831047631046831001c005002046b32010204683204c3a9',
  gzip: '0000000000000000000000680000000002b794e875000100000001000001a1fd22104e000001a1fd22107900000000000000dd000000000000000000021f8b08000000000000ff4b61606060c936744824005858320c59ca0c8124830c4318134bb61123134b8611cbe195009e2a828442000000',
  snappy:
    '00000000000000000000006f00000000023034683f000200000001000001a1fd22189e000001a1fd2218e400000000000000de0000000000000000000282534e415050590000000001000000010000002a432064000000046b3140617a01006804046831047631046831001e008c0102046b32010204683204c3a9',
  lz4: '00000000000000000000006a00000000021ec8756f000300000001000001a1fd222108000001a1fd22214a00000000000000df0000000000000000000204224d186040822a0000009f64000000046b31406101000cf00c04046831047631046831001e00840102046b32010204683204c3a900000000',
  zstd: '00000000000000000000006800000000020533ee2e000400000001000001a1fd222d9b000001a1fd222de300000000000000e00000000000000000000228b52ffd00585c0100440264000000046b31406104046831047631046831001e00900102046b32010204683204c3a901000d3802010000',
};

async function decoded(bytes: Buffer, from = 0, until = Infinity): Promise<KafkaRecord[]> {
  const records: KafkaRecord[] = [];
  for (const batch of recordBatches(bytes)) {
    const codec = await loadCodec(batch.compression);
    const plain = codec === null ? batch.records : codec.decompress(batch.records);
    records.push(
      ...decodeRecords(plain, batch, from, until, (offset, timestamp, key, value, headers) => ({
        offset,
        timestamp,
        key,
        value,
        headers,
      })),
    );
  }
  return records;
}

async function encoded(
  records: readonly EncodableRecord[],
  compression: Compression = 'none',
): Promise<Buffer> {
  return encodeBatch(records, {
    compression,
    codec: await loadCodec(compression),
    producerId: 7n,
    producerEpoch: 1,
    baseSequence: 3,
    transactional: false,
    now: 1_700_000_000_000,
  });
}

const bytes = fc.uint8Array({ maxLength: 200 });
const record: fc.Arbitrary<EncodableRecord> = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  timestamp: fc.option(fc.integer({ min: 0, max: 8_640_000_000_000_000 })),
  headers: fc.array(fc.record({ name: fc.uint8Array({ maxLength: 5 }), value: fc.option(bytes) }), {
    maxLength: 4,
  }),
});

for (const compression of compressionNames) {
  test(`reads what a Java producer wrote with ${compression}`, async () => {
    const [first, second, ...more] = await decoded(Buffer.from(writtenByJava[compression], 'hex'));
    assert.ok(first !== undefined && second !== undefined && more.length === 0);
    assert.deepEqual([first.offset, second.offset], [0, 1]);
    assert.equal(String(first.key), 'k1');
    assert.equal(String(first.value), 'a'.repeat(32));
    assert.deepEqual(
      first.headers.map(({ name, value }) => [name, value instanceof Uint8Array ? String(value) : value]),
      [
        ['h1', 'v1'],
        ['h1', ''],
      ].map(([name, value]) => [name, String(Buffer.from(value ?? ''))]),
    );
    assert.equal(second.value, null);
    assert.deepEqual(second.headers, [{ name: 'h2', value: Buffer.from('é') }]);
    assert.ok(second.timestamp > first.timestamp);
  });

  test(`what is written with ${compression} is read again byte by byte, in order`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 20 }), async (records) => {
        const read = await decoded(await encoded(records, compression));
        assert.equal(read.length, records.length);
        records.forEach((written, index) => {
          const back = read[index];
          assert.ok(back !== undefined);
          assert.equal(back.offset, index);
          assert.equal(back.timestamp, written.timestamp ?? 1_700_000_000_000);
          assert.deepEqual(back.key, written.key === null ? null : Buffer.from(written.key));
          assert.deepEqual(back.value, written.value === null ? null : Buffer.from(written.value));
          assert.equal(back.headers.length, written.headers.length);
          written.headers.forEach(({ name, value }, at) => {
            const header = back.headers[at];
            assert.ok(header !== undefined);
            assert.deepEqual(Buffer.from(header.rawName ?? Buffer.from(header.name)), Buffer.from(name));
            assert.deepEqual(header.value, value === null ? null : Buffer.from(value));
          });
        });
      }),
      { numRuns: 30 },
    );
  });
}

test('a batch that is cut at the end is left out, the ones before it are read', async () => {
  const batch = Buffer.from(writtenByJava.none, 'hex');
  for (const length of [1, 16, 17, 60, batch.length - 1]) {
    const read = await decoded(Buffer.concat([batch, batch.subarray(0, length)]));
    assert.equal(read.length, 2, String(length));
  }
});

test('a changed byte is told by the checksum, with the offset', () => {
  const batch = Buffer.from(writtenByJava.none, 'hex');
  batch.writeBigInt64BE(42n, 0);
  batch[80] = (batch[80] ?? 0) ^ 1;
  assert.throws(
    () => [...recordBatches(batch)],
    (error) => error instanceof MalformedError && error.message.includes('offset 42'),
  );
});

test('records before the asked offset and from the end on are left out', async () => {
  const batch = await encoded(Array.from({ length: 10 }, (_, index) => plain(String(index))));
  batch.writeBigInt64BE(100n, 0);
  const read = await decoded(batch, 103, 107);
  assert.deepEqual(
    read.map(({ offset }) => offset),
    [103, 104, 105, 106],
  );
});

/** One block behind xerial's header and its own length: the block is what librdkafka writes alone. */
function blockOf(framed: Buffer): Buffer {
  return framed.subarray(20);
}

test('snappy without framing is read, as librdkafka writes it', async () => {
  const codec = await loadCodec('snappy');
  const text = Buffer.from('abc'.repeat(1000));
  assert.ok(codec !== null);
  assert.deepEqual(codec.decompress(blockOf(codec.compress(text))), text);
});

test('a snappy block is refused whose literal says that it is longer than 2 GiB', async () => {
  const codec = await loadCodec('snappy');
  const literal = Buffer.from([20, 0xfc, 0xf0, 0xff, 0xff, 0xff, ...Buffer.from('abc'.repeat(10))]);
  assert.throws(() => codec?.decompress(literal), /damaged/);
});

test('a snappy block is refused that becomes shorter or longer than it says', async () => {
  const codec = await loadCodec('snappy');
  for (const said of [9, 11]) {
    const block = Buffer.concat([Buffer.from([said, 9 << 2]), Buffer.from('0123456789')]);
    assert.throws(() => codec?.decompress(block), /damaged/);
  }
});

test('a snappy block that says it grows beyond any batch is refused before it is decompressed', async () => {
  const codec = await loadCodec('snappy');
  assert.throws(() => codec?.decompress(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0])), /256 MiB/);
});

test('after damaged blocks, a good one is read', async () => {
  for (const name of ['snappy', 'lz4'] as const) {
    const codec = await loadCodec(name);
    assert.ok(codec !== null);
    const good = codec.compress(Buffer.from('abc'.repeat(1000)));
    const damaged = Buffer.concat([good.subarray(0, -7), Buffer.alloc(7, 0xff)]);
    for (let time = 0; time < 20; time++) assert.throws(() => codec.decompress(damaged), MalformedError);
    assert.equal(codec.decompress(good).toString(), 'abc'.repeat(1000));
  }
});

test('what grows beyond any batch when decompressed is refused', async () => {
  const bomb = await promisify(gzip)(Buffer.alloc(300 * 1024 * 1024));
  const codec = await loadCodec('gzip');
  assert.throws(() => codec?.decompress(bomb), MalformedError);
});

test('an LZ4 frame that says it may grow beyond any batch is refused before it is decompressed', async () => {
  const block = Buffer.from([1, 0, 0, 0, 0]);
  const header = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73]);
  const codec = await loadCodec('lz4');
  assert.throws(
    () => codec?.decompress(Buffer.concat([header, ...Array<Buffer>(100).fill(block)])),
    /256 MiB/,
  );
});

test('random bytes are refused, never anything else', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 4 }), async (noise, codec) => {
      const batch = Buffer.alloc(batchHeaderBytes + noise.length);
      batch.writeInt32BE(batch.length - 12, 8);
      batch.writeInt8(2, 16);
      batch.writeInt16BE(codec, 21);
      batch.writeInt32BE(5, 57);
      batch.set(noise, batchHeaderBytes);
      batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
      await decoded(batch).catch((error: unknown) => {
        assert.ok(error instanceof MalformedError, String(error));
      });
    }),
  );
});

test('the message formats of before Kafka 0.11 are refused by name', () => {
  const old = Buffer.alloc(40);
  old.writeInt32BE(28, 8);
  old.writeInt8(1, 16);
  assert.throws(() => [...recordBatches(old)], /message format 1/);
});

test('the size that is counted for a record is at least what it takes', () => {
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 10 }), (records) => {
      const options = { compression: 'none', codec: null, producerId: -1n, producerEpoch: -1 } as const;
      const batch = encodeBatch(records, { ...options, baseSequence: -1, transactional: false, now: 0 });
      const counted = records.reduce((sum, each) => sum + recordBytes(each), batchHeaderBytes);
      assert.ok(batch.length <= counted);
    }),
  );
});

test('headers that another system typed become their text', () => {
  const message = { key: null, value: null, properties: {}, partition: null, timestamp: null };
  const headers = [
    { name: 'n', value: { type: 'int64', value: '7' } },
    { name: 'b', value: { type: 'bytes', value: Uint8Array.of(1) } },
  ];
  const { headers: written } = encodable({ ...message, headers }, (name) => Buffer.from(name));
  assert.deepEqual(written, [
    { name: Buffer.from('n'), value: Buffer.from('7') },
    { name: Buffer.from('b'), value: Uint8Array.of(1) },
  ]);
});

function plain(value: string): EncodableRecord {
  return { key: null, value: Buffer.from(value), headers: [], timestamp: null };
}
