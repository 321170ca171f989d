import assert from 'node:assert/strict';
import test from 'node:test';

import type { MessageReference } from '../../../src/lib/drivers/driver.ts';
import { numbered, textOf } from '../drivers/local/bench.ts';
import { changed, RedriveBench } from './redrive-bench.ts';

const placeOf = ({ partition, offset }: MessageReference): string => `${partition ?? ''}:${offset ?? ''}`;

test('what another run resolved since the plan was made is not moved again', async (context) => {
  const bench = await RedriveBench.begin(context);
  await bench.fill('orders.dlq', numbered(4));
  const { deadLetters } = bench.driver;
  const atomicMove = bench.driver.atomicMove?.bind(bench.driver);
  assert.ok(atomicMove && deadLetters);
  const resolved = new Set<string>();
  const names = new Map((await bench.read('orders.dlq')).map((letter) => [placeOf(letter), textOf(letter)]));
  const recorded = {
    driver: changed(bench.driver, {
      atomicMove: (request, signal) => atomicMove({ ...request, destination: bench.driver }, signal),
      deadLetters: {
        pairs: (signal) => deadLetters.pairs(signal),
        read: (letter) => deadLetters.read(letter),
        volatileHeaders: [],
        volatileProperties: [],
        resolved: async () => ({
          memory: 'kept',
          expiresAt: null,
          doneBefore: new Map(),
          doneCount: 0,
          unresolved: null,
          isResolved: (reference) => resolved.has(names.get(placeOf(reference)) ?? ''),
        }),
      },
    }),
    declaration: {
      ...bench.source.declaration,
      facets: { ...bench.source.declaration.facets, deadLetters: { by: 'recorded' as const } },
    },
  };
  const prepared = await bench.prepare({}, recorded);
  assert.equal(prepared.totals.selected, 4);
  resolved.add('m1').add('m2');
  const { report } = await bench.run(prepared, {}, recorded);
  assert.deepEqual([report.moved, report.drifted], [2, 2]);
  assert.match(report.failures[0]?.reason ?? '', /resolved since/);
  assert.deepEqual((await bench.read('orders')).map(textOf).sort(), ['m0', 'm3']);
});
