/** A destination in which too much waits: the redrive pauses, tries one, ends with that reason, and goes on once it is read. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { prepareRedrive } from '../../src/lib/dlq/prepare-redrive.ts';
import { runRedrive } from '../../src/lib/dlq/redrive.ts';
import { reopenRedrive } from '../../src/lib/dlq/reopen-redrive.ts';
import type { RunOptions } from '../../src/lib/dlq/run-options.ts';
import type { Driver } from '../../src/lib/drivers/driver.ts';
import { JobStore } from '../../src/lib/store/jobs.ts';
import type { SystemUnderTest } from '../contract/suite/system-under-test.ts';
import { eventually } from '../contract/suite/workbench.ts';
import { quickClock } from './rabbitmq-redrive.ts';
import { fill } from './redrive-kill.ts';
import { allOf } from './redrive-requests.ts';

const { signal } = new AbortController();
const count = 60;
const waiting = 30;
const group = `backlog-${randomUUID()}`;

export async function backlogCase(context: TestContext, system: SystemUnderTest): Promise<void> {
  const stateFolder = await mkdtemp(join(tmpdir(), 'mqctl-redrive-'));
  const environment = { log: () => undefined, timeoutMs: 10_000, signal, stateFolder };
  const driver = await system.open(system.connection(), environment);
  const name = randomUUID();
  const [to, channel] = [`orders-${name}`, `orders-${name}.dlq`];
  context.after(async () => {
    for (const each of [to, channel]) await driver.admin?.delete(each, signal).catch(() => undefined);
    await driver.close();
    await rm(stateFolder, { recursive: true, force: true });
  });
  for (const each of [to, channel])
    await driver.admin?.create(
      { channel: each, type: null, partitions: null, settings: {}, deadLetter: null },
      signal,
    );
  const grouped = system.declaration.facets.claim?.group === 'none' ? null : group;
  await fill(driver, channel, count);
  await fill(driver, to, waiting + 1);
  await takeSome(driver, to, grouped, 1);
  await eventually(async () => assert.equal(await waitingIn(driver, to), waiting));

  const source = { driver, declaration: system.declaration };
  const jobs = new JobStore(stateFolder);
  const notes: string[] = [];
  const options: RunOptions = {
    ratePerSecond: null,
    inFlight: 100,
    canary: true,
    canaryWaitMs: 10_000,
    maxBacklog: 20,
    takeOver: true,
    clock: quickClock,
    onProgress: () => undefined,
    onNote: (text) => notes.push(text),
  };
  const prepared = await prepareRedrive(source, jobs, allOf(channel, to), signal);
  const { report } = await runRedrive(source, jobs, prepared, options, signal);
  assert.equal(report.state, 'stopped');
  assert.match(report.stoppedBy ?? '', new RegExp(`\\d+ wait in "${to}"`));
  assert.ok(
    report.moved >= 1 && report.moved <= 3,
    `the first one, and one at each test, not ${report.moved.toString()}: ${notes.join('; ')}`,
  );
  assert.equal(report.moved + report.remaining, count);

  await takeSome(driver, to, grouped, waiting + report.moved);
  // Marks of transactions may count where positions are subtracted.
  await eventually(async () => assert.ok(((await waitingIn(driver, to)) ?? waiting) <= report.moved));
  const again = await reopenRedrive(source, jobs, 'last', channel);
  const rest = { ...options, maxBacklog: count };
  const { report: resumed } = await runRedrive(source, jobs, again, rest, signal);
  assert.deepEqual([resumed.state, resumed.moved, resumed.failed], ['done', count, 0]);
}

async function waitingIn(driver: Driver, channel: string): Promise<number | null> {
  const [backlog] = (await driver.backlog?.read({ groups: null, channels: [channel] }, signal)) ?? [];
  return (
    backlog?.partitions.reduce((sum, each) => sum + (each.waiting ?? 0) + (each.inFlight ?? 0), 0) ?? null
  );
}

/** Takes and settles so many from the front. */
async function takeSome(driver: Driver, channel: string, named: string | null, count: number): Promise<void> {
  const claiming = await driver.claim?.open(
    { channel, group: named, from: null, select: null, follow: false, window: count, leaseMs: null },
    signal,
  );
  assert.ok(claiming);
  let left = count;
  for await (const batch of claiming.batches) {
    if (batch.kind !== 'claimed') continue;
    const taken = batch.items.slice(0, left);
    await claiming.settle(taken.map(({ claim }) => claim));
    left -= taken.length;
    if (left === 0) break;
  }
  await claiming.close();
  assert.equal(left, 0);
}
