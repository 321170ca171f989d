import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';
import type { Publisher } from '../../../src/lib/drivers/driver.ts';
import { numbered, textOf } from '../drivers/local/bench.ts';
import { changed, RedriveBench } from './redrive-bench.ts';

test('several batches are on their way together, and no more than may be in flight', async (context) => {
  const bench = await RedriveBench.begin(context);
  const count = 100;
  await bench.fill('orders.dlq', numbered(count));
  const { publish } = bench.driver;
  assert.ok(publish);
  let [unanswered, most, batches] = [0, 0, 0];
  const driver = changed(bench.inTwoSteps.driver, {
    publish: {
      limits: (channel, signal) => publish.limits(channel, signal),
      open: async (request, signal): Promise<Publisher> => {
        const publisher = await publish.open(request, signal);
        return {
          send: async (messages) => {
            unanswered += messages.length;
            batches += 1;
            most = Math.max(most, unanswered);
            const outcomes = await publisher.send(messages);
            await new Promise((resolve) => setTimeout(resolve, 20)); // a destination that is far away
            unanswered -= messages.length;
            return outcomes;
          },
          commit: () => publisher.commit(),
          abort: () => publisher.abort(),
          blocked: null,
          close: () => publisher.close(),
        };
      },
    },
  });
  const source = { ...bench.inTwoSteps, driver };
  const { report } = await bench.run(await bench.prepare({}, source), { inFlight: 20 }, source);
  assert.deepEqual([report.moved, report.unsettled], [count, 0]);
  assert.ok(most > 5 && most <= 20, `${most.toString()} without an answer`);
  assert.ok(batches >= count / 20);
  assert.deepEqual((await bench.read('orders')).map(textOf).sort(), numbered(count).map(textOf).sort());
  // Nothing is confirmed that was not intended on a line before.
  const intended = new Set<string>();
  for (const line of (await readFile(report.journal, 'utf8')).split('\n')) {
    const [, word, ranges = ''] = line.split(' ');
    if (word === 'INTENT') intended.add(ranges);
    if (word === 'CONFIRMED') assert.ok(intended.has(ranges), ranges);
  }
  assert.ok(intended.size >= count / 20);
});
