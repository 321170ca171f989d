/** Shards that are split and merged while they are read, on the emulator: each record once, in order per key. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Message, OutgoingMessage } from '../../../src/lib/message/message.ts';
import { without } from '../../brokers/needs.ts';
import { bytes, message, textsOf } from '../suite/messages.ts';
import { kinesis, type Kinesis } from './kinesis-driver.ts';

const skip = without('kinesis');
const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const middle = String(2n ** 126n);

/** Of each key one, `round` is what its order is. */
function round(number: number): OutgoingMessage[] {
  return keys.map((key) => message(`${key} ${number}`, { key: bytes(key) }));
}

async function rounds(at: Kinesis, stream: string, from: number, until: number): Promise<void> {
  for (let number = from; number < until; number++)
    assert.ok((await at.put(stream, round(number))).every(({ status }) => status === 'accepted'));
}

/** Eight rounds, with a split of the first shard and a merge of what came of it in between. */
async function reshardedWhilePutting(at: Kinesis, stream: string): Promise<void> {
  await rounds(at, stream, 0, 2);
  await at.reshard('SplitShard', stream, {
    ShardToSplit: 'shardId-000000000000',
    NewStartingHashKey: middle,
  });
  await rounds(at, stream, 2, 5);
  await at.reshard('MergeShards', stream, {
    ShardToMerge: 'shardId-000000000002',
    AdjacentShardToMerge: 'shardId-000000000003',
  });
  await rounds(at, stream, 5, 8);
}

function assertOnceInOrder(messages: readonly Message[], until: number): void {
  for (const key of keys) {
    const of = textsOf(messages).filter((text) => text.startsWith(`${key} `));
    assert.deepEqual(
      of,
      Array.from({ length: until }, (_, number) => `${key} ${number}`),
      key,
    );
  }
  assert.equal(messages.length, until * keys.length);
}

async function look(
  t: TestContext,
  at: Kinesis,
  channel: string,
  change: { readonly follow?: boolean; readonly partitions?: readonly string[] } = {},
) {
  const looking = await at.driver.look?.open(
    {
      channel,
      from: { every: { kind: 'start', shift: 0n } },
      until: null,
      follow: false,
      partitions: null,
      limit: null,
      uncommitted: false,
      ...change,
    },
    t.signal,
  );
  assert.ok(looking !== undefined);
  return looking.batches;
}

test('a split and a merge while a look follows: each record once, in order per key', { skip }, async (t) => {
  const at = await kinesis(t);
  const stream = await at.stream(2);
  const batches = await look(t, at, stream, { follow: true });
  const putting = reshardedWhilePutting(at, stream);
  const seen: Message[] = [];
  for await (const batch of batches) {
    seen.push(...batch);
    if (seen.length >= 8 * keys.length) break;
  }
  await putting;
  assertOnceInOrder(seen, 8);
  assert.ok(new Set(seen.map(({ partition }) => partition)).size > 3, 'parents and children were read');
});

test(
  'a look after a split and a merge shows parents before children, and a shard alone by its name',
  { skip },
  async (t) => {
    const at = await kinesis(t);
    const stream = await at.stream(2);
    await reshardedWhilePutting(at, stream);
    const seen: Message[] = [];
    for await (const batch of await look(t, at, stream)) seen.push(...batch);
    assertOnceInOrder(seen, 8);
    const alone: Message[] = [];
    const partitions = ['shardId-000000000002'];
    for await (const batch of await look(t, at, stream, { partitions })) alone.push(...batch);
    assert.deepEqual(
      textsOf(alone),
      textsOf(seen.filter(({ partition }) => partition === 'shardId-000000000002')),
    );
    assert.notEqual(alone.length, 0);
  },
);

test(
  'a group that stops in the middle of a split and a merge goes on: each record once, in order per key',
  { skip },
  async (t) => {
    const at = await kinesis(t);
    const stream = await at.stream(2);
    const seen: Message[] = [];
    const takeSome = async (count: number): Promise<void> => {
      const claiming = await at.driver.claim?.open(
        { channel: stream, group: 'g', from: null, select: null, follow: false, window: 5, leaseMs: null },
        t.signal,
      );
      assert.ok(claiming !== undefined);
      let left = count;
      for await (const batch of claiming.batches) {
        if (batch.kind !== 'claimed') continue;
        const items = batch.items.slice(0, left);
        const outcomes = await claiming.settle(items.map(({ claim }) => claim));
        assert.ok(outcomes.every((outcome) => outcome === 'settled'));
        seen.push(...items.map((item) => item.message));
        left -= items.length;
        if (left === 0) break;
      }
      await claiming.close();
    };
    await rounds(at, stream, 0, 2);
    await takeSome(7);
    await at.reshard('SplitShard', stream, {
      ShardToSplit: 'shardId-000000000000',
      NewStartingHashKey: middle,
    });
    await rounds(at, stream, 2, 4);
    await takeSome(11);
    await at.reshard('MergeShards', stream, {
      ShardToMerge: 'shardId-000000000002',
      AdjacentShardToMerge: 'shardId-000000000003',
    });
    await rounds(at, stream, 4, 6);
    await takeSome(6);
    await takeSome(Infinity);
    assertOnceInOrder(seen, 6);
    const [behind] = (await at.driver.backlog?.read({ groups: ['g'], channels: null }, t.signal)) ?? [];
    assert.deepEqual([...new Set(behind?.partitions.map(({ waiting }) => waiting))], [0]);
  },
);
