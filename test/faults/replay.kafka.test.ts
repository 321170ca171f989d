import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import type { Driver } from '../../src/lib/drivers/driver.ts';
import { system } from '../contract/systems/kafka.ts';
import { Draw, everything, fill, seedOf } from './redrive-kill.ts';
import { assertReplayed, replay, replayWithKills } from './replay-kill.ts';

/** `MQCTL_TEST_REPLAY=100000:20` is the large one. */
const [count = 20_000, kills = 10] = (process.env['MQCTL_TEST_REPLAY'] ?? '20000:10').split(':').map(Number);
const partitions = 3;
const inFlight = 500;
const { signal } = new AbortController();

interface Place {
  readonly driver: Driver;
  readonly stateFolder: string;
  readonly url: string;
  topic(): Promise<string>;
}

async function place(context: TestContext): Promise<Place> {
  const stateFolder = await mkdtemp(join(tmpdir(), 'mqctl-replay-'));
  const connection = system.connection();
  const driver = await system.open(connection, {
    log: () => undefined,
    timeoutMs: 10_000,
    signal,
    stateFolder,
  });
  const topics: string[] = [];
  context.after(async () => {
    for (const topic of topics) await driver.admin?.delete(topic, signal).catch(() => undefined);
    await driver.close();
    await rm(stateFolder, { recursive: true, force: true });
  });
  const topic = async (): Promise<string> => {
    const channel = `replay-${randomUUID()}`;
    await driver.admin?.create({ channel, type: null, partitions, settings: {}, deadLetter: null }, signal);
    topics.push(channel);
    return channel;
  };
  return { driver, stateFolder, url: connection.url, topic };
}

test(
  'a replay, killed again and again: complete, in order in each partition, and what may be there twice is named',
  { skip: system.missing },
  async (context) => {
    const there = await place(context);
    const [from, to] = [await there.topic(), await there.topic()];
    await fill(there.driver, from, count);
    const killed = await replayWithKills(
      context,
      {
        source: { system: 'kafka', url: there.url, channel: from },
        destination: { system: 'kafka', url: there.url, channel: to },
        stateFolder: there.stateFolder,
        inFlight,
        keepPartition: true,
      },
      // Four writes to the journal for each chunk.
      {
        kills,
        writes: Math.max(4, Math.ceil(((count / inFlight) * 6) / kills)),
        draw: new Draw(seedOf(context)),
      },
    );
    assert.ok(killed.kills > 0);
    const [sent, arrived] = [await everything(there.driver, from), await everything(there.driver, to)];
    const twice = await assertReplayed(killed, sent, arrived, inFlight);
    const partitionOf = new Map(sent.map(({ value, partition }) => [String(value), partition]));
    for (const { value, partition, headers } of arrived) {
      assert.equal(partition, partitionOf.get(String(value)));
      assert.deepEqual(
        headers.map(({ name }) => name),
        ['trace'],
      );
    }
    context.diagnostic(
      `${killed.kills.toString()} kills, ${killed.report.possibleDuplicateCount.toString()} named as possibly twice, ${twice.toString()} were`,
    );
  },
);

test('a replay of a topic onto itself ends', { skip: system.missing }, async (context) => {
  const there = await place(context);
  const topic = await there.topic();
  await fill(there.driver, topic, 1_000);
  const end = { system: 'kafka' as const, url: there.url, channel: topic };
  const { report } = await replay(context, {
    source: end,
    destination: end,
    stateFolder: there.stateFolder,
    inFlight: 100,
    keepPartition: false,
    jobId: null,
    dieAt: null,
  });
  assert.equal(report?.published, 1_000);
  assert.equal((await everything(there.driver, topic)).length, 2_000);
});
