import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';

import { watchMsFor } from '../../../src/lib/dlq/watch-time.ts';
import { FailedError } from '../../../src/lib/errors.ts';
import { message, numbered, textOf, unaborted } from '../drivers/local/bench.ts';
import { changed, RedriveBench } from './redrive-bench.ts';
import { text } from './samples.ts';

const failedAt = (consumer: string) => [
  text('kafka_dlt-original-topic', 'orders'),
  text('kafka_dlt-original-consumer-group', consumer),
];

async function withGroups(context: TestContext, groups: readonly string[]): Promise<RedriveBench> {
  const bench = await RedriveBench.begin(context);
  for (const group of groups) {
    await bench.fill('orders', [message('before')]);
    const claiming = await bench.claiming('orders', { group });
    for await (const batch of claiming.batches)
      if (batch.kind === 'claimed') await claiming.settle(batch.items.map(({ claim }) => claim));
    await claiming.close();
  }
  await bench.admin.purge('orders', unaborted);
  return bench;
}

test('where other groups than the one that failed read the destination, they are named before anything is moved', async (context) => {
  const bench = await withGroups(context, ['billing', 'reports']);
  await bench.fill('orders.dlq', [message('v', { headers: failedAt('billing') })]);
  const { blast, job } = await bench.prepare();
  assert.deepEqual(blast, [
    { channel: 'orders', others: ['reports'], failed: ['billing'], retryChannel: null },
  ]);
  await bench.jobs.remove(job.id);
  await bench.create('orders.retry');
  assert.equal((await bench.prepare()).blast[0]?.retryChannel, 'orders.retry');
  assert.deepEqual((await bench.prepare({ to: 'orders.retry' })).blast, []);
});

test('a single reader is the one that failed, whatever it calls itself', async (context) => {
  const bench = await withGroups(context, ['billing']);
  await bench.fill('orders.dlq', [message('v', { headers: failedAt('another-name') })]);
  assert.deepEqual((await bench.prepare()).blast, []);
});

test('where nothing would receive what is sent, nothing is moved', async (context) => {
  const bench = await RedriveBench.begin(context);
  await bench.fill('orders.dlq', numbered(3));
  const unbound = {
    ...bench.source,
    driver: changed(bench.driver, {
      describe: async (channel, signal) => ({
        ...(await bench.driver.describe(channel, signal)),
        ...(channel === 'orders' && { passesOnTo: [], groups: null }),
      }),
    }),
  };
  await assert.rejects(bench.prepare({}, unbound), (error: unknown) => {
    assert.ok(error instanceof FailedError);
    return /nothing would receive/.test(error.message);
  });
  assert.deepEqual(await bench.jobs.list(), []);
});

test('a step is watched for 10 s, twice what failing usually took, or the lease: the longest', async (context) => {
  const bench = await RedriveBench.begin(context);
  const died = (sentAt: number, at: number) =>
    message('v', {
      headers: [
        text('mqctl-dead-letter-sent', new Date(sentAt).toISOString()),
        text('mqctl-dead-letter-at', new Date(at).toISOString()),
      ],
    });
  // One of them had waited for a day before it was tried at all.
  await bench.fill('orders.dlq', [died(0, 8_000), died(0, 7_000), died(0, 86_400_000)]);
  const { totals } = await bench.prepare({ to: 'orders' });
  assert.equal(totals.failureDelayMs, 8_000);
  assert.equal(watchMsFor({ ...totals, failureDelayMs: null }, null), 10_000);
  assert.equal(watchMsFor(totals, null), 16_000);
  assert.equal(watchMsFor(totals, 60_000), 60_000);
});

for (const way of ['source', 'queue'] as const)
  test(`${way}: a copy leaves them where they are, and goes on after an interruption`, async (context) => {
    const bench = await RedriveBench.begin(context);
    await bench.fill('orders.dlq', numbered(50));
    const ending = new AbortController();
    const prepared = await bench.prepare({ copy: true }, bench[way]);
    assert.equal(prepared.guarantee, 'at-least-once');
    const { report: first } = await bench.run(
      prepared,
      { inFlight: 10, onProgress: () => ending.abort(), signal: ending.signal },
      bench[way],
    );
    assert.equal(first.state, 'interrupted');
    assert.ok(first.moved > 0 && first.moved <= 10, 'what was in flight');
    const { report } = await bench.resume(bench[way]);
    assert.deepEqual([report.moved, report.possibleDuplicateCount], [50, 0]);
    assert.deepEqual((await bench.read('orders')).map(textOf).sort(), numbered(50).map(textOf).sort());
    assert.equal((await bench.read('orders.dlq')).length, 50);
    assert.deepEqual(report.guarantees, { orders: 'at-least-once' });
  });
