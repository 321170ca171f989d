import assert from 'node:assert/strict';
import test from 'node:test';

import type { JsonValue } from '../../../../src/lib/message/record.ts';
import { InvalidSchemaError, PayloadError } from '../../../../src/lib/schema/errors.ts';
import { jsonEngine } from '../../../../src/lib/schema/json/engine.ts';
import {
  apicurioCases,
  containmentCases,
  deviationsOf,
  suiteDrafts,
  suiteRemotes,
  validationCases,
} from '../../../corpora/json-corpora.ts';
import { assertCounts } from '../../../corpora/counts.ts';

function schema(name: string, value: JsonValue) {
  return jsonEngine.parse({ name, text: JSON.stringify(value), references: [] });
}

/** The list of deviations may only shrink: what is on it has to deviate, and what deviates has to be on it. */
function assertDeviations(corpus: string, found: readonly string[]): void {
  const listed = deviationsOf(corpus);
  assert.deepEqual(
    found.filter((key) => !listed.has(key)),
    [],
    'deviates, and is not listed with a reason',
  );
  assert.deepEqual(
    [...listed.keys()].filter((key) => !found.includes(key)),
    [],
    'is listed, and deviates no longer: take it off the list',
  );
}

test('containment is proved, or refuted by a value; what is neither is listed', async (t) => {
  const deviating: string[] = [];
  const cases = containmentCases();
  const counts = { contained: 0, refuted: 0 };
  for (const { key, reader, writer, contained } of cases) {
    if (contained) counts.contained += 1;
    let verdict: string;
    try {
      const [read, written] = [schema('reader', reader), schema('writer', writer)];
      const difference = jsonEngine
        .compare(read, written)
        .differences.find(({ data }) => data === 'may-break');
      if (difference === undefined) verdict = 'proved';
      else {
        const witness = await jsonEngine.findWitness(read, written, difference, { seed: 1, timeMs: 2_000 });
        verdict = witness === null ? 'open' : 'refuted';
        if (witness !== null) {
          assert.deepEqual(written.validate(witness.written, 1), [], key);
          assert.notEqual(read.validate(witness.written, 1).length, 0, key);
        }
      }
    } catch (thrown) {
      if (!(thrown instanceof InvalidSchemaError)) throw thrown;
      verdict = 'refused';
    }
    if (verdict !== (contained ? 'proved' : 'refuted')) deviating.push(key);
    else if (!contained) counts.refuted += 1;
  }
  assertDeviations('json-containment', deviating);
  assertCounts(t, 'JSON Schema, containment', {
    cases: cases.length,
    deviating: deviating.length,
    witnesses: { found: counts.refuted, of: cases.length - counts.contained, least: 0.8 },
  });
});

test('the cases of Apicurio are judged as its registry judges them, and 80 of 100 rejections have a witness', async (t) => {
  const deviating: string[] = [];
  let [rejections, witnesses] = [0, 0];
  for (const { key, original, updated, compatibility } of apicurioCases()) {
    try {
      const [before, after] = [schema('original', original), schema('updated', updated)];
      const rejected = { backward: false, forward: false };
      for (const [direction, reader, writer] of [
        ['backward', after, before],
        ['forward', before, after],
      ] as const) {
        const { differences } = jsonEngine.compare(reader, writer);
        rejected[direction] = differences.some(({ rejectedBy }) => rejectedBy.apicurio !== undefined);
        const difference = differences.find(({ data }) => data === 'may-break');
        if (difference === undefined) continue;
        rejections += 1;
        if ((await jsonEngine.findWitness(reader, writer, difference, { seed: 1, timeMs: 2_000 })) !== null)
          witnesses += 1;
      }
      const verdict = rejected.backward
        ? rejected.forward
          ? 'none'
          : 'forward'
        : rejected.forward
          ? 'backward'
          : 'both';
      if (verdict !== compatibility) deviating.push(key);
    } catch (thrown) {
      if (!(thrown instanceof InvalidSchemaError)) throw thrown;
      deviating.push(key);
    }
  }
  assertDeviations('json-apicurio', deviating);
  assertCounts(t, "JSON Schema, Apicurio's cases", {
    cases: apicurioCases().length,
    deviating: deviating.length,
    witnesses: { found: witnesses, of: rejections, least: 0.8 },
  });
});

test('values are judged as the JSON Schema Test Suite says, for every draft', (t) => {
  const deviating: string[] = [];
  const counts: Record<string, number> = {};
  for (const draft of suiteDrafts) {
    const remotes = suiteRemotes(draft).map(({ name, text }) => ({
      name,
      source: { name, text, references: [] },
    }));
    for (const group of validationCases(draft)) {
      const text = JSON.stringify(group.schema);
      const references = text.includes('localhost:1234') ? remotes : [];
      counts[draft] = (counts[draft] ?? 0) + group.tests.length;
      try {
        const parsed = jsonEngine.parse({ name: group.key, text, references });
        for (const { key, data, valid } of group.tests)
          if (verdict(parsed, data) !== valid) deviating.push(key);
      } catch (thrown) {
        if (!(thrown instanceof InvalidSchemaError)) throw thrown;
        deviating.push(...group.tests.map(({ key }) => key));
      }
    }
  }
  assertDeviations('json-schema-suite', deviating);
  for (const draft of suiteDrafts)
    assertCounts(t, `JSON Schema, test suite ${draft}`, {
      cases: counts[draft] ?? 0,
      deviating: deviating.filter((key) => key.startsWith(`${draft} `)).length,
      witnesses: null,
    });
});

/** Null where the validator says that it does not come to an end. */
function verdict(parsed: ReturnType<typeof schema>, data: JsonValue): boolean | null {
  try {
    return parsed.validate(data, 1).length === 0;
  } catch (thrown) {
    if (thrown instanceof PayloadError) return null;
    throw thrown;
  }
}
