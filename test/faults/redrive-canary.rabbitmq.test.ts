/** What the canary sees of a queue that it holds: what came back, and what only came in meanwhile. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { realClock, type Clock } from '../../src/lib/dlq/clock.ts';
import { prepareRedrive } from '../../src/lib/dlq/prepare-redrive.ts';
import { runRedrive } from '../../src/lib/dlq/redrive.ts';
import type { RedriveReport } from '../../src/lib/dlq/report.ts';
import { declaration } from '../../src/lib/drivers/rabbitmq/declaration.ts';
import type { Connection, Driver } from '../../src/lib/drivers/driver.ts';
import type { OutgoingMessage } from '../../src/lib/message/message.ts';
import { JobStore } from '../../src/lib/store/jobs.ts';
import { system } from '../contract/systems/rabbitmq.ts';
import { everything, fill } from './redrive-kill.ts';
import { allOf } from './redrive-requests.ts';

const { signal } = new AbortController();
const watchMs = 300;
/** After which the broker's counts of what is held are new again (its statistics are five seconds old at most). */
const countedMs = 6_000;

interface Place {
  readonly driver: Driver;
  readonly jobs: JobStore;
  readonly to: string;
  readonly channel: string;
}

/** Where nothing tells what is held but the run itself. */
const withoutManagement = (): Connection => ({
  ...system.connection(),
  managementUrl: 'http://127.0.0.1:1',
});

const withManagement = (): Connection => system.connection();

async function place(context: TestContext, connection: Connection): Promise<Place> {
  const stateFolder = await mkdtemp(join(tmpdir(), 'mqctl-redrive-'));
  const environment = { log: () => undefined, timeoutMs: 10_000, signal, stateFolder };
  const driver = await system.open(connection, environment);
  const name = randomUUID();
  const there = {
    driver,
    jobs: new JobStore(stateFolder),
    to: `orders-${name}`,
    channel: `orders-${name}.dlq`,
  };
  context.after(async () => {
    for (const queue of [there.to, there.channel])
      await driver.admin?.delete(queue, signal).catch(() => undefined);
    await driver.close();
    await rm(stateFolder, { recursive: true, force: true });
  });
  for (const channel of [there.to, there.channel])
    await driver.admin?.create(
      { channel, type: 'quorum', partitions: null, settings: {}, deadLetter: null },
      signal,
    );
  await fill(driver, there.channel, 60);
  return there;
}

async function put({ driver, channel }: Place, message: OutgoingMessage): Promise<void> {
  const publisher = await driver.publish?.open(
    { channel, delivery: 'at-least-once', compression: null },
    signal,
  );
  const [outcome] = (await publisher?.send([message])) ?? [];
  await publisher?.close();
  assert.equal(outcome?.status, 'accepted');
}

/** Redrives all of them with a canary; `onWatch` is called before the first step is watched. */
async function redrive(
  there: Place,
  onWatch: () => Promise<void>,
  inFlight = 10,
): Promise<{ readonly report: RedriveReport; readonly notes: readonly string[] }> {
  const source = { driver: there.driver, declaration };
  const prepared = await prepareRedrive(source, there.jobs, allOf(there.channel, there.to), signal);
  let watched = false;
  const clock: Clock = {
    ...realClock,
    sleep: async (milliseconds, within) => {
      if (milliseconds === watchMs && !watched) {
        watched = true;
        await onWatch();
        await realClock.sleep(countedMs, within);
      }
      await realClock.sleep(milliseconds, within);
    },
  };
  const notes: string[] = [];
  const { report, error } = await runRedrive(
    source,
    there.jobs,
    prepared,
    {
      ratePerSecond: null,
      inFlight,
      canary: true,
      canaryWaitMs: watchMs,
      takeOver: false,
      clock,
      onProgress: () => undefined,
      onNote: (text) => notes.push(text),
    },
    signal,
  );
  assert.equal(error, null);
  return { report, notes };
}

const plain = { key: null, headers: [], properties: {}, partition: null, timestamp: null };

/** At the same time, each with queues of its own. */
describe('the canary of a queue that is held', { concurrency: true, skip: system.missing }, () => {
  for (const [how, connection] of [
    ['', withManagement],
    [', without the management API neither', withoutManagement],
  ] as const)
    test(`a new dead letter that this redrive never sent does not stop the ramp${how}`, async (context) => {
      const there = await place(context, connection());
      const { report, notes } = await redrive(there, () =>
        put(there, { ...plain, value: Buffer.from('new') }),
      );
      assert.equal(report.state, 'done', `${report.stoppedBy ?? ''} ${notes.join('; ')}`);
      assert.deepEqual([report.moved, report.returned], [60, 0]);
      assert.ok(
        notes.some((note) => note.startsWith('1 other came in meanwhile')),
        notes.join('; '),
      );
      assert.equal((await everything(there.driver, there.channel)).length, 1);
    });

  for (const [how, headers, connection] of [
    ['by its mark', null, withManagement],
    ['by its content where the mark was dropped', [], withManagement],
    ['without the management API', null, withoutManagement],
  ] as const)
    test(`one that came back stops the ramp within its first step, and is named, ${how}`, async (context) => {
      const there = await place(context, connection());
      const { report } = await redrive(there, async () => {
        const [first] = await everything(there.driver, there.to);
        assert.ok(first);
        await put(there, { ...plain, value: first.value, headers: headers ?? first.headers });
      });
      assert.equal(report.state, 'stopped');
      // Met by the run itself, or counted and then read: both are told.
      assert.match(report.stoppedBy ?? '', /(1|one) came back while the first ones were watched/);
      assert.deepEqual([report.moved, report.returned, report.remaining], [1, 1, 59]);
      assert.equal(report.returnedMessages.length, 1);
    });

  for (const [how, connection] of [
    ['', withManagement],
    [', without the management API neither', withoutManagement],
  ] as const)
    test(`one that came back into the hands of the run itself, which holds all there is, is named${how}`, async (context) => {
      const there = await place(context, connection());
      const again = async (): Promise<void> => {
        const [first] = await everything(there.driver, there.to);
        assert.ok(first);
        await put(there, { ...plain, value: first.value, headers: first.headers });
      };
      const { report } = await redrive(there, again, 100);
      assert.equal(report.state, 'stopped');
      assert.deepEqual([report.moved, report.returned, report.remaining], [1, 1, 59]);
      assert.equal(report.returnedMessages.length, 1);
    });
});
