import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareAvro } from '../../../../src/lib/schema/avro/compare.ts';
import { avroEngine } from '../../../../src/lib/schema/avro/engine.ts';
import { ValueGenerator, heightsIn } from '../../../../src/lib/schema/avro/generate.ts';
import { resolveValue } from '../../../../src/lib/schema/avro/resolve.ts';
import { AvroSchema } from '../../../../src/lib/schema/avro/schema.ts';
import { Random } from '../../../../src/lib/schema/random.ts';
import { avroPairs } from '../../../corpora/avro-pairs.ts';
import { assertCounts } from '../../../corpora/counts.ts';
import { judgeByAvsc } from './avsc-judge.ts';
import { changedSchemas } from './schema-arbitrary.ts';

const search = { seed: 1, timeMs: 5_000 };

test('every incompatible reference pair has a witness', async (t) => {
  let [incompatible, witnessed] = [0, 0];
  for (const { reader, writer, compatible } of avroPairs()) {
    if (compatible) continue;
    const [readerSchema, writerSchema] = [schemaOf(reader), schemaOf(writer)];
    const { differences } = avroEngine.compare(readerSchema, writerSchema);
    const witnesses = await Promise.all(
      differences.map((difference) => avroEngine.findWitness(readerSchema, writerSchema, difference, search)),
    );
    incompatible += 1;
    if (witnesses.some((witness) => witness !== null)) witnessed += 1;
  }
  assertCounts(t, 'Avro, incompatible ones of those pairs', {
    cases: incompatible,
    deviating: 0,
    witnesses: { found: witnessed, of: incompatible, least: 0.95 },
  });
});

test('whatever is called compatible is read by avsc, value by value', () => {
  let compatible = 0;
  fc.assert(
    fc.property(changedSchemas, fc.integer(), ([reader, writer], seed) => {
      const [readerSchema, writerSchema] = [schemaOf(reader), schemaOf(writer)];
      if (compareAvro(readerSchema.type, writerSchema.type).length > 0) return;
      compatible += 1;
      const generator = new ValueGenerator(heightsIn(writerSchema.type), new Random(seed), false);
      for (let count = 0; count < 5; count += 1) {
        const value = generator.any(writerSchema.type);
        if (value === undefined) return;
        const payload = writerSchema.encode(value);
        assert.equal(judgeByAvsc(reader, writer, payload), 'read');
        assert.deepEqual(resolveValue(readerSchema.type, writerSchema.type, payload).refusals, []);
      }
    }),
    { numRuns: 200, seed: 7 },
  );
  assert.ok(compatible > 20, `only ${compatible.toString()} pairs were compatible`);
});

test('every witness breaks: avsc reads its bytes as the writer and not as the reader', async () => {
  let witnessed = 0;
  await fc.assert(
    fc.asyncProperty(changedSchemas, async ([reader, writer]) => {
      const [readerSchema, writerSchema] = [schemaOf(reader), schemaOf(writer)];
      for (const difference of avroEngine.compare(readerSchema, writerSchema).differences) {
        const witness = await avroEngine.findWitness(readerSchema, writerSchema, difference, search);
        assert.notEqual(witness, null, `no witness for ${difference.code}`);
        if (witness === null || witness.outcome === 'differs') continue;
        assert.equal(judgeByAvsc(reader, writer, witness.bytes ?? new Uint8Array()), 'refused');
        witnessed += 1;
      }
    }),
    { numRuns: 60, seed: 7 },
  );
  assert.ok(witnessed > 30, `only ${witnessed.toString()} witnesses`);
});

test('the same seed finds the same witness', async () => {
  const reader = schemaOf({ type: 'enum', name: 'E', symbols: ['A'] });
  const writer = schemaOf({ type: 'enum', name: 'E', symbols: ['A', 'B', 'C'] });
  const [difference] = avroEngine.compare(reader, writer).differences;
  assert.ok(difference !== undefined);
  const [one, other] = [
    await avroEngine.findWitness(reader, writer, difference, search),
    await avroEngine.findWitness(reader, writer, difference, search),
  ];
  assert.deepEqual(one, other);
  assert.deepEqual(one?.written, 'B');
});

test('a decimal of another scale is read as another number, although no registry minds', async () => {
  const decimal = (scale: number) => schemaOf({ type: 'bytes', logicalType: 'decimal', precision: 6, scale });
  const [reader, writer] = [decimal(3), decimal(2)];
  const [difference] = avroEngine.compare(reader, writer).differences;
  assert.equal(difference?.code, 'DECIMAL_SCALE_MISMATCH');
  assert.deepEqual(difference.rejectedBy, {});
  const witness = await avroEngine.findWitness(reader, writer, difference, search);
  assert.deepEqual([witness?.written, witness?.read, witness?.outcome], ['9999.99', '999.999', 'differs']);
});

test('what a witness is read as has the fields that the reader fills with defaults', async () => {
  const decimal = (scale: number) => ({ type: 'bytes', logicalType: 'decimal', precision: 4, scale });
  const record = (scale: number, fields: readonly object[]) =>
    schemaOf({ type: 'record', name: 'R', fields: [{ name: 'a', type: decimal(scale) }, ...fields] });
  const inner = {
    type: 'record',
    name: 'I',
    fields: [
      { name: 'x', type: { type: 'array', items: 'long' } },
      { name: 'left', type: 'int', default: 7 },
    ],
  };
  const reader = record(1, [
    { name: 'text', type: ['null', 'string'], default: null },
    { name: 'price', type: decimal(2), default: '\u0004\u00d2' },
    { name: 'inner', type: [inner, 'null'], default: { x: [1, 2] } },
    { name: 'map', type: { type: 'map', values: ['int', 'long'] }, default: { a: 1 } },
  ]);
  const writer = record(2, []);
  const [difference] = avroEngine.compare(reader, writer).differences;
  assert.ok(difference !== undefined);
  const witness = await avroEngine.findWitness(reader, writer, difference, search);
  assert.deepEqual(JSON.parse(JSON.stringify(witness?.read)), {
    a: '999.9',
    text: null,
    price: '12.34',
    inner: { x: [1, 2] },
    map: { a: { int: 1 } },
  });
});

test('the cause inside a union is kept, and the registry still knows only its union', () => {
  const reader = schemaOf(['null', { type: 'record', name: 'R', fields: [{ name: 'a', type: 'int' }] }]);
  const writer = schemaOf(['null', { type: 'record', name: 'R', fields: [{ name: 'a', type: 'long' }] }]);
  const [difference, ...others] = avroEngine.compare(reader, writer).differences;
  assert.equal(others.length, 0);
  assert.equal(difference?.code, 'TYPE_MISMATCH');
  assert.equal(difference.reader.pointer, '/1/fields/0/type');
  assert.equal(difference.rejectedBy.confluent, 'MISSING_UNION_BRANCH');
});

function schemaOf(schema: unknown): AvroSchema {
  return new AvroSchema({ name: 'schema', text: JSON.stringify(schema), references: [] });
}
