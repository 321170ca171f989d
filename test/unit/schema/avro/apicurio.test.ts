import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { compareAvro } from '../../../../src/lib/schema/avro/compare.ts';
import { assertCounts } from '../../../corpora/counts.ts';
import { parseAvro } from '../../../../src/lib/schema/avro/parse.ts';

interface ApicurioCase {
  readonly id: string;
  /** `backward`: the updated one reads the original, and not the reverse. */
  readonly compatibility: 'backward' | 'both' | 'none';
  readonly original: unknown;
  readonly updated: unknown;
}

const path = join(import.meta.dirname, '../../../corpora/avro-apicurio/avro-compatibility-test-data.json');
const { tests } = JSON.parse(readFileSync(path, 'utf8')) as { tests: readonly ApicurioCase[] };

test("Apicurio's own cases of Avro: its dialect gives the same verdict in both directions", (t) => {
  const verdicts = tests.map(({ id, original, updated }) => {
    const backward = accepts(updated, original);
    const forward = accepts(original, updated);
    return [id, backward && forward ? 'both' : backward ? 'backward' : forward ? 'forward' : 'none'];
  });
  assert.deepEqual(
    verdicts,
    tests.map(({ id, compatibility }) => [id, compatibility]),
  );
  assertCounts(t, "Avro, Apicurio's cases", { cases: verdicts.length, deviating: 0, witnesses: null });
});

function accepts(reader: unknown, writer: unknown): boolean {
  const parse = (schema: unknown) =>
    parseAvro({ name: 'case', text: JSON.stringify(schema), references: [] });
  return compareAvro(parse(reader), parse(writer)).every(
    ({ rejectedBy }) => rejectedBy.apicurio === undefined,
  );
}
