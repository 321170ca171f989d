import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { canonicalForm, fingerprintOf } from '../../../../src/lib/schema/avro/canonical-form.ts';
import { parseAvro } from '../../../../src/lib/schema/avro/parse.ts';
import { AvroSchema } from '../../../../src/lib/schema/avro/schema.ts';
import { decodeBySchema } from '../../../../src/lib/schema/decoder.ts';
import { assertCounts } from '../../../corpora/counts.ts';
import { frame } from '../../../../src/lib/schema/framing/write-frame.ts';

const corpus = join(import.meta.dirname, '../../../corpora/avro');

interface CanonicalCase {
  readonly input: string;
  readonly canonical: string;
  readonly fingerprint: string | null;
}

/** The format is the reference's own: `<<NAME VALUE` on one line, or the value on lines up to one that is `NAME`. */
function canonicalCases(): CanonicalCase[] {
  const cases: { input: string; canonical: string; fingerprint: string | null }[] = [];
  const lines = readFileSync(join(corpus, 'canonical-forms.txt'), 'utf8').split('\n');
  for (let at = 0; at < lines.length; at += 1) {
    const [, name, rest] = /^<<(\w+)(?: (.*))?$/.exec(lines[at] ?? '') ?? [];
    if (name === undefined) continue;
    let value = rest ?? '';
    if (rest === undefined)
      for (at += 1; at < lines.length && lines[at] !== name; at += 1) value += `${lines[at] ?? ''}\n`;
    if (name === 'INPUT') cases.push({ input: value, canonical: '', fingerprint: null });
    const last = cases.at(-1);
    if (last !== undefined && name === 'canonical') last.canonical = value;
    if (last !== undefined && name === 'fingerprint') last.fingerprint = value.trim();
  }
  return cases;
}

test('the canonical forms of the reference, each with its fingerprint where it gives one', (t) => {
  const counts = { forms: 0, fingerprints: 0 };
  for (const { input, canonical, fingerprint } of canonicalCases()) {
    const form = canonicalForm(parseAvro({ name: 'case', text: input, references: [] }));
    assert.equal(form, canonical, input);
    counts.forms += 1;
    if (fingerprint === null) continue;
    assert.equal(BigInt.asIntN(64, fingerprintOf(form)).toString(), fingerprint, input);
    counts.fingerprints += 1;
  }
  assert.deepEqual(counts, { forms: 34, fingerprints: 26 });
  assertCounts(t, 'Avro, canonical forms', { cases: counts.forms, deviating: 0, witnesses: null });
});

const golden = {
  schema: new AvroSchema({
    name: 'test_schema.avsc',
    text: readFileSync(join(corpus, 'single-object/test_schema.avsc'), 'utf8'),
    references: [],
  }),
  message: readFileSync(join(corpus, 'single-object/test_message.bin')),
};
const value = { id: 42, name: 'Bill', tags: ['dog_lover', 'cat_hater'] };

test('the golden single object of the reference is read, and written to the byte', () => {
  const outcome = decodeBySchema(golden.schema, { bytes: golden.message, headers: [], part: 'value' });
  assert.ok(outcome.kind === 'decoded', JSON.stringify(outcome));
  assert.equal(outcome.framing, 'avro-single-object');
  assert.equal(outcome.sureness, 'certain');
  assert.deepEqual(JSON.parse(JSON.stringify(outcome.value)), value);
  const key = { by: 'avro-fingerprint', value: golden.schema.fingerprint } as const;
  const request = { kind: 'avro-single-object', key, part: 'value', messageIndexes: null } as const;
  assert.deepEqual(
    Buffer.from(frame(golden.schema.encode(value), request).bytes).toString('hex'),
    golden.message.toString('hex'),
  );
});

test('a single object is not read by a schema of another fingerprint', () => {
  const text = golden.schema.source.text.replace('"tags"', '"marks"');
  const other = new AvroSchema({ name: 'other.avsc', text, references: [] });
  const outcome = decodeBySchema(other, { bytes: golden.message, headers: [], part: 'value' });
  assert.ok(outcome.kind === 'broken', JSON.stringify(outcome));
  assert.equal(outcome.reason, 'other-schema');
  assert.match(outcome.message, new RegExp(`${golden.schema.fingerprint}, not by ${other.fingerprint}`));
});
