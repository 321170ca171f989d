/** Replays from shards that split and merge, with sequence numbers of 56 digits, on the emulator kinesis-local. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { open as openLocal } from '../../src/lib/drivers/local/index.ts';
import { addressOf, without } from '../brokers/needs.ts';
import { kinesis } from '../contract/kinesis/kinesis-driver.ts';
import { bytes, message } from '../contract/suite/messages.ts';
import { kinesisAt } from '../contract/systems/kinesis.ts';
import { Draw, everything, seedOf } from './redrive-kill.ts';
import { assertReplayed, replayWithKills } from './replay-kill.ts';

const keys = Array.from({ length: 10 }, (_, at) => `key-${String(at)}`);
const inFlight = 50;
const { signal } = new AbortController();

test(
  'Kinesis to local, killed again and again while shards split: complete, in order per key, nothing that came later',
  { skip: without('kinesis') },
  async (context) => {
    const at = await kinesis(context);
    const stream = await at.stream(2);
    const rounds = async (from: number, until: number): Promise<void> => {
      const messages = Array.from({ length: until - from }, (_, round) =>
        keys.map((key) => message(`${key} ${String(from + round)}`, { key: bytes(key) })),
      ).flat();
      assert.ok((await at.put(stream, messages)).every(({ status }) => status === 'accepted'));
    };
    await rounds(0, 15);
    await at.reshard('SplitShard', stream, {
      ShardToSplit: 'shardId-000000000000',
      NewStartingHashKey: String(2n ** 126n),
    });
    await rounds(15, 30);
    const sent = (await everything(at.driver, stream)).toSorted(
      (one, other) => roundOf(one.value) - roundOf(other.value),
    );
    assert.ok(new Set(sent.map(({ partition }) => partition)).size > 2);

    const stateFolder = await mkdtemp(join(tmpdir(), 'mqctl-replay-'));
    context.after(() => rm(stateFolder, { recursive: true, force: true }));
    const { url, username, password } = kinesisAt(addressOf('kinesis'));
    const destination = {
      system: 'local' as const,
      url: `local:${join(stateFolder, 'a.db')}`,
      channel: 'copy',
    };
    const archive = await openLocal(
      { ...kinesisAt(''), url: destination.url },
      { log: () => undefined, timeoutMs: 10_000, signal, stateFolder },
    );
    context.after(() => archive.close());
    await archive.admin?.create(
      { channel: 'copy', type: null, partitions: 1, settings: {}, deadLetter: null },
      signal,
    );
    const killed = await replayWithKills(
      context,
      {
        source: {
          system: 'kinesis',
          url,
          channel: stream,
          username: username ?? '',
          password: password ?? '',
        },
        destination,
        stateFolder,
        inFlight,
        keepPartition: false,
      },
      { kills: 4, writes: 14, draw: new Draw(seedOf(context)) },
      async () => {
        await rounds(30, 32);
        await at.reshard('MergeShards', stream, {
          ShardToMerge: 'shardId-000000000002',
          AdjacentShardToMerge: 'shardId-000000000003',
        });
        await rounds(32, 34);
      },
    );
    assert.ok(killed.kills > 0);
    const twice = await assertReplayed(killed, sent, await everything(archive, 'copy'), inFlight, ({ key }) =>
      Buffer.from(key ?? []).toString(),
    );
    context.diagnostic(
      `${String(killed.kills)} kills, ${String(killed.report.possibleDuplicateCount)} named as possibly twice, ${String(twice)} were`,
    );
  },
);

function roundOf(value: Uint8Array | null): number {
  return Number(
    Buffer.from(value ?? [])
      .toString()
      .split(' ')[1],
  );
}
