import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import type { Connection, Driver } from '../../src/lib/drivers/driver.ts';
import { open } from '../../src/lib/drivers/redis/index.ts';
import { addressOf, without } from '../brokers/needs.ts';
import type { ServerName } from '../brokers/needs.ts';
import {
  assertNothingLost,
  Draw,
  everything,
  fill,
  killedOnce,
  redriveWithKills,
  seedOf,
  work,
} from './redrive-kill.ts';

const count = 1_000;
const { signal } = new AbortController();

interface Ground {
  readonly driver: Driver;
  readonly connection: Connection;
  readonly stateFolder: string;
  readonly channel: string;
  readonly to: string;
}

async function ground(
  context: TestContext,
  server: ServerName,
  names: readonly [string, string],
): Promise<Ground> {
  const stateFolder = await mkdtemp(join(tmpdir(), 'mqctl-redrive-'));
  const connection: Connection = {
    // What a killed run held is free soon.
    url: `${addressOf(server)}?minIdleMs=500`,
    username: null,
    password: null,
    tls: null,
    sasl: null,
    managementUrl: null,
    addressMap: new Map(),
    settings: {},
  };
  const driver = await open(connection, { log: () => undefined, timeoutMs: 10_000, signal, stateFolder });
  const [channel, to] = names;
  context.after(async () => {
    for (const stream of names) await driver.admin?.delete(stream, signal).catch(() => undefined);
    await driver.close();
    await rm(stateFolder, { recursive: true, force: true });
  });
  for (const stream of names)
    await driver.admin?.create(
      { channel: stream, type: null, partitions: null, settings: {}, deadLetter: null },
      signal,
    );
  await fill(driver, channel, count);
  return { driver, connection, stateFolder, channel, to };
}

async function redrive(
  context: TestContext,
  { driver, connection, stateFolder, channel, to }: Ground,
  kills: number,
) {
  const order = {
    system: 'redis' as const,
    connection,
    stateFolder,
    channel,
    to,
    inTwoSteps: false,
    inFlight: 100,
  };
  const run = await redriveWithKills(context, order, kills, 24, new Draw(seedOf(context)));
  assert.ok(run.kills > 0);
  const arrived = await everything(driver, to);
  assertNothingLost(arrived, count, run);
  assert.deepEqual(await everything(driver, channel), []);
  return { run, arrived };
}

for (const server of ['redis', 'valkey'] as const)
  test(
    `${server}: a redrive in one step, killed again and again: each message is there once`,
    { skip: without(server) },
    async (context) => {
      const name = `orders-${randomUUID()}`;
      const at = await ground(context, server, [`${name}:dlq`, name]);
      const { run, arrived } = await redrive(context, at, server === 'redis' ? 5 : 2);
      assert.equal(arrived.length, count);
      assert.equal(run.report.possibleDuplicateCount, 0);
    },
  );

test(
  'a redrive across slots of a cluster, killed again and again: nothing is lost, and what may be there twice is named',
  { skip: without('redis-cluster') },
  async (context) => {
    // Of these two names, the hash tags lie on different nodes.
    const name = randomUUID();
    const at = await ground(context, 'redis-cluster', [`{a}-${name}:dlq`, `{b}-${name}`]);
    const move = await at.driver.atomicMove?.(
      { source: at.channel, destination: at.driver, channel: at.to, name: 'm' },
      signal,
    );
    assert.equal(move, null, 'they are in different slots');
    const { run, arrived } = await redrive(context, at, 3);
    context.diagnostic(
      `${String(run.kills)} kills, ${String(run.duplicates.length)} named as possibly twice, ${String(arrived.length - count)} copies too many`,
    );
  },
);

test(
  'killed after it was published, before that was written down: published again, and each named as possibly twice',
  { skip: without('redis-cluster') },
  async (context) => {
    const name = randomUUID();
    const at = await ground(context, 'redis-cluster', [`{a}-${name}:dlq`, `{b}-${name}`]);
    const { driver, connection, stateFolder, channel, to } = at;
    const order = { system: 'redis' as const, connection, stateFolder, channel, to, inTwoSteps: false };
    // About when the first batches are published and the first CONFIRMED is not on the disk yet.
    const inFlight = 4 * count;
    const jobId = await killedOnce(context, { ...order, inFlight }, 10);
    const { report } = await work(context, { ...order, inFlight, jobId, dieAt: null });
    assert.ok(report);
    assert.equal(report.moved, count);
    assert.ok(report.possibleDuplicateCount > 0);
    const copies = (await everything(driver, to)).length - count;
    assert.ok(copies >= 0 && copies <= report.possibleDuplicateCount, `${copies.toString()} copies too many`);
    assert.deepEqual(await everything(driver, channel), []);
  },
);
