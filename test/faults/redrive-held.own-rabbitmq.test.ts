/** A RabbitMQ that asks to wait, takes back, or dies in the middle of a redrive. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '../../src/lib/drivers/driver.ts';
import { meansToRun } from '../brokers/rabbitmq-installation.ts';
import { startRabbitmq } from '../brokers/rabbitmq.ts';
import type { RunningRabbitmq } from '../brokers/rabbitmq.ts';
import { connectionTo, eventually } from '../contract/rabbitmq/rabbitmq-server.ts';
import { Draw, everything, seedOf, assertNothingLost as assertNamed } from './redrive-kill.ts';
import { assertNothingLost, duplicatesOf, RabbitmqRedrive } from './rabbitmq-redrive.ts';

const means = await meansToRun();
const skip = means.able ? false : `${means.reason}: ${means.remedy}`;

let broker: RunningRabbitmq;

if (!skip) {
  before(async () => {
    broker = await startRabbitmq();
    // How often channels look for messages that are held too long; a minute by default.
    await broker.control('eval', 'application:set_env(rabbit, channel_tick_interval, 500).');
  });
  after(() => broker.stop());
}

function connection(): Connection {
  const managementUrl = broker.environment['MQCTL_TEST_RABBITMQ_MANAGEMENT'] ?? null;
  return connectionTo(broker.address, { managementUrl });
}

test(
  'a broker that is short of memory for ten seconds is waited for, and everything arrives once',
  { skip },
  async (context) => {
    const redrive = await RabbitmqRedrive.begin(context, connection());
    await redrive.fill(2_000);
    let moved = 0;
    let alarm: Promise<string> | null = null;
    const onProgress = (count: number): void => {
      moved += count;
      if (moved >= 500) alarm ??= broker.control('set_vm_memory_high_watermark', 'absolute', '1MB');
    };
    const running = redrive.run(await redrive.prepare(), { onProgress, ratePerSecond: 1_000 });
    await eventually(
      async () => redrive.notes,
      (notes) => notes.some((note) => note.includes('asks to wait')),
    );
    const before = moved;
    await sleep(10_000);
    assert.ok(moved - before <= 100, 'nothing goes while it is blocked, but what was on its way');
    await broker.control('set_vm_memory_high_watermark', 'absolute', '1GB');
    const { report, error } = await running;
    assert.equal(error, null);
    assert.deepEqual([report.state, report.moved], ['done', 2_000]);
    assertNothingLost(report, await redrive.take(redrive.to), await redrive.take(redrive.queue), 2_000);
  },
);

test(
  'a run longer than a consumer timeout of one minute gives back in time, and moves what was selected once',
  { skip },
  async (context) => {
    const timeoutMs = 60_000;
    const redrive = await RabbitmqRedrive.begin(context, connection(), {
      queue: { 'x-consumer-timeout': String(timeoutMs) },
    });
    await redrive.fill(280);
    const isOdd = ({ value }: { readonly value: Uint8Array | null }): boolean =>
      /[13579]$/.test(Buffer.from(value ?? []).toString());
    const started = performance.now();
    const { report, error } = await redrive.run(await redrive.prepare(isOdd), { ratePerSecond: 2 });
    assert.equal(error, null);
    assert.ok(performance.now() - started > timeoutMs);
    assert.deepEqual([report.state, report.moved, report.possibleDuplicateCount], ['done', 140, 0]);
    assert.ok(redrive.notes.some((note) => note.includes('claimed again')));
    assertNothingLost(report, await redrive.take(redrive.to), await redrive.take(redrive.queue), 280);
  },
);

test(
  'a broker that is killed and started again, five times: none is lost, what may be twice is named',
  { skip },
  async (context) => {
    const redrive = await RabbitmqRedrive.begin(context, connection());
    // A quorum queue that is younger than its node's last clean stop forgets everything when that is killed.
    await broker.restart();
    const count = 3_000;
    await redrive.fill(count);
    const draw = new Draw(seedOf(context));
    let prepared = await redrive.prepare();
    let kills = 0;
    for (;;) {
      const killAt = kills < 5 ? draw.upTo(count / 10) : Infinity;
      let moved = 0;
      const killing: Promise<void>[] = [];
      const onProgress = (more: number): void => {
        moved += more;
        if (moved >= killAt && killing.length === 0) killing.push(broker.kill());
      };
      const { report, error } = await redrive.run(prepared, { onProgress });
      if (error === null && report.state === 'done') {
        assert.equal(kills, 5);
        const duplicates = await duplicatesOf(report);
        assertNamed(await everything(redrive.driver, redrive.to), count, { report, kills, duplicates });
        assert.deepEqual(await everything(redrive.driver, redrive.queue), []);
        return;
      }
      assert.ok(killing.length > 0, report.stoppedBy ?? '');
      await Promise.all(killing);
      kills += 1;
      await broker.restart();
      await eventually(
        async () => redrive.driver.look?.appraise(redrive.queue, context.signal).catch(() => null),
        (appraisal) => appraisal !== null && appraisal !== undefined,
      );
      prepared = await redrive.reopen();
    }
  },
);
