import assert from 'node:assert/strict';
import test from 'node:test';
import type { Appraisal, ClaimBatch, Claiming } from '../../../src/lib/drivers/driver.ts';
import { reopenRedrive } from '../../../src/lib/dlq/reopen-redrive.ts';
import type { DeadLetterSource } from '../../../src/lib/dlq/source.ts';
import type { OutgoingMessage } from '../../../src/lib/message/message.ts';
import { UsageError } from '../../../src/lib/errors.ts';
import { numbered, textOf } from '../drivers/local/bench.ts';
import { changed, RedriveBench } from './redrive-bench.ts';

interface Queue {
  readonly source: DeadLetterSource;
  /** When each claiming was opened and closed. */
  readonly claimings: { readonly opened: number; closed: number }[];
  looks: number;
}

/** A queue as RabbitMQ has them: looking and claiming cost a delivery, and what is held is taken back some time. */
function costly(bench: RedriveBench, limits: Partial<Appraisal>, count: () => number | null): Queue {
  const { driver, declaration } = bench.queue;
  const { look, claim } = driver;
  assert.ok(look && claim);
  const counted = <T extends ClaimBatch>(batch: T): ClaimBatch =>
    batch.kind === 'claimed'
      ? {
          ...batch,
          items: batch.items.map(({ claim: name, message }) => ({
            claim: name,
            message: { ...message, delivery: { ...message.delivery, count: count() } },
          })),
        }
      : batch;
  const queue: Queue = {
    claimings: [],
    looks: 0,
    source: {
      declaration,
      driver: changed(driver, {
        look: {
          appraise: async (channel, signal) => ({
            ...(await look.appraise(channel, signal)),
            cost: 'delivery',
            ...limits,
          }),
          open: async (request, signal) => {
            queue.looks += 1;
            const looking = await look.open(request, signal);
            return { ...looking, report: () => ({ ...looking.report(), deliveryCount: count() }) };
          },
        },
        claim: {
          open: async (request, signal) => {
            const times = { opened: bench.clock.now(), closed: Infinity };
            queue.claimings.push(times);
            const claiming: Claiming = await claim.open(request, signal);
            return {
              batches: (async function* () {
                for await (const batch of claiming.batches) yield counted(batch);
              })(),
              settle: (claims) => claiming.settle(claims),
              release: (claims) => claiming.release(claims),
              extend: (claims) => claiming.extend(claims),
              close: async () => {
                times.closed = bench.clock.now();
                await claiming.close();
              },
            };
          },
        },
      }),
    },
  };
  return queue;
}

const isOdd = (message: OutgoingMessage): boolean => /[13579]$/.test(textOf(message));

test('what is held for long goes back and is claimed again before the broker takes it back', async (context) => {
  const bench = await RedriveBench.begin(context);
  await bench.fill('orders.dlq', numbered(60));
  const queue = costly(bench, { longestHoldMs: 20_000 }, () => 1);
  const prepared = await bench.prepare({ keep: isOdd }, queue.source);
  const change = { ratePerSecond: 1, inFlight: 10 };
  const { report, error } = await bench.run(prepared, change, queue.source);
  assert.equal(error, null);
  assert.deepEqual([report.state, report.moved], ['done', prepared.totals.selected]);
  assert.ok(queue.claimings.length > 1);
  for (const { opened, closed } of queue.claimings) assert.ok(closed - opened < 20_000);
});

test('a run of which the messages come near the delivery limit stops, and is refused until the limit is raised', async (context) => {
  const bench = await RedriveBench.begin(context);
  await bench.fill('orders.dlq', numbered(5));
  let count = 1;
  const limits = { deliveryLimit: 20 };
  const queue = costly(bench, limits, () => count);
  const prepared = await bench.prepare({}, queue.source);
  count = 18;
  const { report } = await bench.run(prepared, {}, queue.source);
  assert.deepEqual([report.state, report.moved, report.remaining], ['stopped', 0, 5]);
  assert.match(report.stoppedBy ?? '', /delivered 18 times of 20/);

  const claimed = queue.claimings.length;
  const { looks } = queue;
  const reopened = await reopenRedrive(queue.source, bench.jobs, 'last', 'orders.dlq');
  await assert.rejects(bench.run(reopened, {}, queue.source), UsageError);
  await assert.rejects(bench.prepare({}, queue.source), UsageError);
  assert.deepEqual([queue.claimings.length, queue.looks], [claimed, looks], 'nothing was touched');

  limits.deliveryLimit = 30;
  const { report: resumed } = await bench.run(
    await reopenRedrive(queue.source, bench.jobs, 'last', 'orders.dlq'),
    {},
    queue.source,
  );
  assert.deepEqual([resumed.state, resumed.moved], ['done', 5]);
});

test('a message near its limit is looked at once, and not again before somebody says so', async (context) => {
  const bench = await RedriveBench.begin(context);
  await bench.fill('orders.dlq', numbered(3));
  let count = 17;
  const queue = costly(bench, { deliveryLimit: 20 }, () => count);
  await assert.rejects(bench.prepare({}, queue.source), /delivered 17 times of 20/);
  await assert.rejects(bench.prepare({}, queue.source), /when it was last looked at/);
  assert.equal(queue.looks, 1);
  count = 2;
  const { totals } = await bench.prepare({ lookAgain: true }, queue.source);
  assert.equal(totals.selected, 3);
  assert.equal((await bench.prepare({}, queue.source)).totals.selected, 3);
});

test('looks that break off cost what they held a delivery each, and are refused before that uses up the margin', async (context) => {
  const bench = await RedriveBench.begin(context);
  await bench.fill('orders.dlq', numbered(3));
  const queue = costly(bench, { deliveryLimit: 10 }, () => 1);
  const broken = { keep: () => assert.fail('the connection broke') };
  let looks = 0;
  for (; looks < 20; looks += 1) {
    const error = await bench.prepare(broken, queue.source).catch((thrown: unknown) => thrown);
    if (error instanceof UsageError) break;
  }
  assert.ok(looks > 1 && looks <= 7, `${looks.toString()} looks of ten deliveries`);
  await assert.rejects(bench.prepare({}, queue.source), /when it was last looked at/);
  assert.equal((await bench.prepare({ lookAgain: true }, queue.source)).totals.selected, 3);
  assert.equal((await bench.prepare({}, queue.source)).totals.selected, 3, 'a whole look knows better');
});

test('a long redrive of some among many is refused where giving back so often would use up the margin', async (context) => {
  const bench = await RedriveBench.begin(context);
  await bench.fill('orders.dlq', numbered(60));
  const queue = costly(bench, { deliveryLimit: 10, longestHoldMs: 10_000 }, () => 3);
  const prepared = await bench.prepare({ keep: isOdd }, queue.source);
  await assert.rejects(bench.run(prepared, { ratePerSecond: 0.5 }, queue.source), /and this takes \d+ more/);
  assert.equal(queue.claimings.length, 0);
});
