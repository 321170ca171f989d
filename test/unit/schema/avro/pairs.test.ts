import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareAvro } from '../../../../src/lib/schema/avro/compare.ts';
import { parseAvro } from '../../../../src/lib/schema/avro/parse.ts';
import { avroPairs } from '../../../corpora/avro-pairs.ts';
import { assertCounts } from '../../../corpora/counts.ts';

test('the reference pairs: the same verdict for each of 75 compatible and 62 incompatible ones', (t) => {
  const counts = { compatible: 0, incompatible: 0 };
  for (const [index, { reader, writer, compatible }] of avroPairs().entries()) {
    const differences = compareAvro(parse(reader), parse(writer));
    assert.equal(differences.length === 0, compatible, `pair ${index.toString()}`);
    counts[compatible ? 'compatible' : 'incompatible'] += 1;
  }
  assert.deepEqual(counts, { compatible: 75, incompatible: 62 });
  assertCounts(t, 'Avro, reader and writer pairs', { cases: 137, deviating: 0, witnesses: null });
});

test('the reference pairs: the codes and the places that the reference names', () => {
  let compared = 0;
  for (const { reader, writer, code, locations } of avroPairs()) {
    if (code === null) continue;
    const differences = compareAvro(parse(reader), parse(writer));
    assert.ok(
      differences.every((difference) => difference.code === code),
      `${JSON.stringify(differences)} instead of ${code}`,
    );
    const found = differences.flatMap((difference) => [difference.reader.pointer, difference.writer.pointer]);
    for (const location of locations)
      assert.ok(
        found.includes(location === '/' ? '' : location),
        `${location} is not among ${found.join(' ')}`,
      );
    compared += 1;
  }
  assert.equal(compared, 58);
});

function parse(schema: unknown) {
  return parseAvro({ name: 'pair', text: JSON.stringify(schema), references: [] });
}
