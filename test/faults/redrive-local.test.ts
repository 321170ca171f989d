import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { open } from '../../src/lib/drivers/local/index.ts';
import type { Connection, Driver } from '../../src/lib/drivers/driver.ts';
import { assertNothingLost, Draw, everything, fill, redriveWithKills, seedOf } from './redrive-kill.ts';

const { signal } = new AbortController();

interface Place {
  readonly driver: Driver;
  readonly connection: Connection;
  readonly stateFolder: string;
}

async function place(context: TestContext, count: number): Promise<Place> {
  const stateFolder = await mkdtemp(join(tmpdir(), 'mqctl-redrive-'));
  const connection: Connection = {
    url: `local:${join(stateFolder, 'broker.db')}`,
    username: null,
    password: null,
    tls: null,
    sasl: null,
    managementUrl: null,
    addressMap: new Map(),
    settings: {},
  };
  const driver = await open(connection, { log: () => undefined, timeoutMs: 10_000, signal, stateFolder });
  context.after(async () => {
    await driver.close();
    await rm(stateFolder, { recursive: true, force: true });
  });
  for (const channel of ['orders', 'orders.dlq'])
    await driver.admin?.create(
      { channel, type: null, partitions: channel === 'orders' ? 3 : 2, settings: {}, deadLetter: null },
      signal,
    );
  await fill(driver, 'orders.dlq', count);
  return { driver, connection, stateFolder };
}

const orderOf = ({ connection, stateFolder }: Place, inTwoSteps: boolean) => ({
  system: 'local' as const,
  connection,
  stateFolder,
  channel: 'orders.dlq',
  to: 'orders',
  inTwoSteps,
  inFlight: 100,
});

test('a redrive in one step, killed again and again: every message arrives exactly once', async (context) => {
  const count = 10_000;
  const there = await place(context, count);
  const run = await redriveWithKills(context, orderOf(there, false), 50, 20, new Draw(seedOf(context)));
  const arrived = await everything(there.driver, 'orders');
  assert.equal(run.kills, 50);
  assertNothingLost(arrived, count, run);
  assert.equal(arrived.length, count);
  assert.equal(run.report.possibleDuplicateCount, 0);
  assert.deepEqual(run.report.guarantees, { orders: 'exactly-once' });
  assert.deepEqual(await everything(there.driver, 'orders.dlq'), []);
});

test('a redrive in two steps, killed again and again: nothing is lost, and what may be there twice is named', async (context) => {
  const count = 2_000;
  const there = await place(context, count);
  const run = await redriveWithKills(context, orderOf(there, true), 10, 30, new Draw(seedOf(context)));
  const arrived = await everything(there.driver, 'orders');
  assert.ok(run.kills > 0);
  assertNothingLost(arrived, count, run);
  assert.deepEqual(await everything(there.driver, 'orders.dlq'), []);
});
