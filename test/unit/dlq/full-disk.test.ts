/** The disk of the journal is full: a write comes to half, then the operating system says ENOSPC. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';

import { reopenRedrive } from '../../../src/lib/dlq/reopen-redrive.ts';
import { FailedError } from '../../../src/lib/errors.ts';
import { diskThatFills } from '../../faults/disk-that-fills.ts';
import { numbered, textOf } from '../drivers/local/bench.ts';
import { RedriveBench } from './redrive-bench.ts';

for (const way of ['source', 'inTwoSteps', 'queue'] as const)
  for (const appends of [0, 1, 2, 5, 8])
    test(`${way}: the disk is full after ${appends.toString()} writes: nothing is published that is not in the journal, nothing is lost`, async (context) => {
      const bench = await RedriveBench.begin(context);
      await bench.fill('orders.dlq', numbered(100));
      const prepared = await bench.prepare({}, bench[way]);
      const makeRoom = await diskThatFills(context, join(bench.path, '..'), appends);
      await assert.rejects(
        bench.run(prepared, { inFlight: 10 }, bench[way]),
        (error: unknown) => error instanceof FailedError && /make room/.test(error.hint ?? ''),
      );
      makeRoom();
      const [there, left] = [await bench.read('orders'), await bench.read('orders.dlq')];
      const both = new Set([...there, ...left].map(textOf));
      assert.equal(both.size, 100, 'each is somewhere');
      const { report } = await bench.run(
        await reopenRedrive(bench[way], bench.jobs, 'last', 'orders.dlq'),
        { inFlight: 10 },
        bench[way],
      );
      assert.equal(report.state, 'done');
      assert.equal(report.moved, 100);
      const arrived = (await bench.read('orders')).map(textOf);
      assert.deepEqual([...new Set(arrived)].sort(), numbered(100).map(textOf).sort());
      assert.ok(arrived.length - 100 <= report.possibleDuplicateCount, 'each that is there twice is named');
      if (way === 'source') assert.equal(arrived.length, 100);
      assert.deepEqual(await bench.read('orders.dlq'), []);
    });
