import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';

import fc from 'fast-check';

import { OrdinalIndex } from '../../../src/lib/dlq/ordinal-index.ts';
import { parseRanges, rangesText } from '../../../src/lib/dlq/ranges.ts';

const digest = (name: string): Buffer => createHash('sha256').update(name).digest();

test('gives back what was added, each once, in the order of adding, like a map of lists', () => {
  const steps = fc.array(fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd', 'e'), add: fc.boolean() }));
  fc.assert(
    fc.property(steps, (run) => {
      const index = new OrdinalIndex(1);
      const model = new Map<string, number[]>();
      for (const [ordinal, { name, add }] of run.entries()) {
        if (add) {
          index.add(digest(name), ordinal);
          model.set(name, [...(model.get(name) ?? []), ordinal]);
        } else assert.equal(index.take(digest(name)), model.get(name)?.shift() ?? null);
      }
    }),
  );
});

test('grows: a hundred thousand different ones and as many equal ones are found', () => {
  const index = new OrdinalIndex();
  const same = digest('same');
  for (let ordinal = 0; ordinal < 100_000; ordinal += 1) {
    index.add(digest(ordinal.toString()), ordinal);
    index.add(same, ordinal);
  }
  for (let ordinal = 0; ordinal < 100_000; ordinal += 1) {
    assert.equal(index.take(digest(ordinal.toString())), ordinal);
    assert.equal(index.take(same), ordinal);
  }
  assert.equal(index.take(same), null);
});

test('ranges say the same ordinals when read back', () => {
  const sets = fc.uniqueArray(fc.nat({ max: 200 }), { minLength: 1 });
  fc.assert(
    fc.property(sets, (ordinals) => {
      const ascending = ordinals.sort((one, other) => one - other);
      const ranges = parseRanges(rangesText(ascending), 201) ?? [];
      const read = ranges.flatMap(([first, last]) =>
        Array.from({ length: last - first + 1 }, (_, at) => first + at),
      );
      assert.deepEqual(read, ascending);
    }),
  );
  assert.equal(rangesText([0, 1, 2, 5, 7, 8]), '0-2,5,7-8');
});

test('ranges that are none, or beyond the plan, are refused', () => {
  for (const text of ['', '1-', '-1', 'a', '3-1', '1,,2', '0-10', '10', '99999999999'])
    assert.equal(parseRanges(text, 10), null, text);
});
