/** Replays from a stream, whose offsets are no whole numbers. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import type { Driver } from '../../src/lib/drivers/driver.ts';
import { open as openLocal } from '../../src/lib/drivers/local/index.ts';
import { open as openRedis } from '../../src/lib/drivers/redis/index.ts';
import { addressOf, without } from '../brokers/needs.ts';
import type { ServerName } from '../brokers/needs.ts';
import { Draw, everything, fill, seedOf } from './redrive-kill.ts';
import { assertReplayed, replay, replayWithKills } from './replay-kill.ts';
import type { ReplayOrderEnd } from './replay-worker.ts';

const count = 1_500;
const inFlight = 100;
const { signal } = new AbortController();

interface Ground {
  readonly stateFolder: string;
  readonly end: (
    system: 'redis' | 'local',
    url: string,
  ) => Promise<ReplayOrderEnd & { readonly driver: Driver }>;
}

async function ground(context: TestContext): Promise<Ground> {
  const stateFolder = await mkdtemp(join(tmpdir(), 'mqctl-replay-'));
  context.after(() => rm(stateFolder, { recursive: true, force: true }));
  const open = { redis: openRedis, local: openLocal };
  return {
    stateFolder,
    end: async (system, url) => {
      const connection = {
        url,
        username: null,
        password: null,
        tls: null,
        sasl: null,
        managementUrl: null,
        addressMap: new Map<string, string>(),
        settings: {},
      };
      const environment = { log: () => undefined, timeoutMs: 10_000, signal, stateFolder };
      const driver = await open[system](connection, environment);
      const channel = `replay-${randomUUID()}`;
      await driver.admin?.create(
        { channel, type: null, partitions: null, settings: {}, deadLetter: null },
        signal,
      );
      context.after(async () => {
        await driver.admin?.delete(channel, signal);
        await driver.close();
      });
      return { system, url, channel, driver };
    },
  };
}

const ways: readonly (readonly [ServerName, 'redis' | 'local', number])[] = [
  ['redis', 'redis', 5],
  ['redis-cluster', 'redis', 2],
  ['valkey', 'local', 2],
];
for (const [server, to, kills] of ways)
  test(
    `${server} to ${to}, killed again and again: complete, in order, nothing that came later, and what may be there twice is named`,
    { skip: without(server) },
    async (context) => {
      const { stateFolder, end } = await ground(context);
      const { driver: there, ...source } = await end('redis', addressOf(server));
      const url = to === 'redis' ? addressOf(server) : `local:${join(stateFolder, 'archive.db')}`;
      const { driver: arrival, ...destination } = await end(to, url);
      await fill(there, source.channel, count);
      const sent = await everything(there, source.channel);
      const killed = await replayWithKills(
        context,
        { source, destination, stateFolder, inFlight, keepPartition: false },
        { kills, writes: 24, draw: new Draw(seedOf(context)) },
        async () => {
          const publisher = await there.publish?.open(
            { channel: source.channel, delivery: 'at-least-once', compression: null },
            signal,
          );
          const late = { key: null, headers: [], properties: {}, partition: null, timestamp: null };
          await publisher?.send([{ ...late, value: Buffer.from('too late') }]);
          await publisher?.close();
        },
      );
      assert.ok(killed.kills > 0);
      const twice = await assertReplayed(
        killed,
        sent,
        await everything(arrival, destination.channel),
        inFlight,
      );
      context.diagnostic(
        `${String(killed.kills)} kills, ${String(killed.report.possibleDuplicateCount)} named as possibly twice, ${String(twice)} were`,
      );
    },
  );

test(
  'a replay of a stream onto itself ends, and what was deleted since it was planned is told as gone',
  { skip: without('redis') },
  async (context) => {
    const { stateFolder, end } = await ground(context);
    const { driver, ...source } = await end('redis', addressOf('redis'));
    await fill(driver, source.channel, 1_000);
    const order = {
      source,
      destination: source,
      stateFolder,
      inFlight: 100,
      keepPartition: false,
    };
    const { report } = await replay(context, { ...order, jobId: null, dieAt: null });
    assert.equal(report?.published, 1_000);
    assert.equal((await everything(driver, source.channel)).length, 2_000);

    const killed = await replay(context, { ...order, jobId: null, dieAt: 12 });
    assert.equal(killed.report, null);
    await driver.admin?.purge(source.channel, signal);
    const { report: rest } = await replay(context, { ...order, jobId: killed.job, dieAt: null });
    assert.ok(rest !== null);
    assert.equal(rest.selected, 2_000);
    assert.ok(rest.gone > 0);
    assert.equal(rest.published + rest.gone, rest.selected);
  },
);
