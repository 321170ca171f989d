/** A cluster whose slots move and whose nodes are killed while messages are on their way. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { after, before } from 'node:test';
import type { TestContext } from 'node:test';
import { open } from '../../src/lib/drivers/redis/index.ts';
import { without } from '../brokers/needs.ts';
import { startRedisCluster } from '../brokers/redis.ts';
import type { RunningCluster } from '../brokers/redis.ts';
import { UnreachableError } from '../../src/lib/errors.ts';
import { eventually } from '../contract/suite/workbench.ts';
import { everything } from './redrive-kill.ts';
import { expected, produce, redrive, textOf } from './redis-redrive.ts';
import type { Ground } from './redis-redrive.ts';

const skip = without('redis-cluster');
const { signal } = new AbortController();
let cluster: RunningCluster;
before(async () => {
  if (skip === false) cluster = await startRedisCluster();
});
after(async () => {
  if (skip === false) await cluster.stop();
});

async function ground(context: TestContext, streams: readonly string[]): Promise<Ground> {
  const stateFolder = await mkdtemp(join(tmpdir(), 'mqctl-cluster-'));
  const driver = await open(
    {
      url: `${cluster.address}?minIdleMs=1000`,
      username: null,
      password: null,
      tls: null,
      sasl: null,
      managementUrl: null,
      addressMap: new Map(),
      settings: {},
    },
    { log: () => undefined, timeoutMs: 10_000, signal, stateFolder },
  );
  context.after(async () => {
    await driver.close();
    await rm(stateFolder, { recursive: true, force: true });
  });
  for (const channel of streams)
    await driver.admin?.create(
      { channel, type: null, partitions: null, settings: {}, deadLetter: null },
      signal,
    );
  return { driver, stateFolder };
}

const slotOf = async (key: string): Promise<number> => Number(await cluster.ask('CLUSTER', 'KEYSLOT', key));

/** The slot goes round the nodes, is open for a while at each, until it is told to stop. */
async function moveAround(slot: number, stop: AbortSignal): Promise<number> {
  let moves = 0;
  for (let to = 0; !stop.aborted || moves < 2; to = (to + 1) % 3) {
    await cluster.moveSlot(slot, to, () => sleep(50));
    moves += 1;
  }
  return moves;
}

test('while a slot moves from node to node, all that is produced is taken', { skip }, async (context) => {
  const stream = `orders-${randomUUID()}`;
  const at = await ground(context, [stream]);
  await produce(at, stream, 0, 200);
  const stop = new AbortController();
  const moving = moveAround(await slotOf(stream), stop.signal);
  const producing = (async () => {
    for (let from = 200; from < 700; from += 50) {
      await produce(at, stream, from, 50);
      await sleep(20);
    }
  })();
  const taken = new Set<string>();
  const claiming = await at.driver.claim?.open(
    {
      channel: stream,
      group: 'billing',
      from: null,
      select: null,
      follow: true,
      window: 40,
      leaseMs: null,
    },
    signal,
  );
  for await (const batch of claiming?.batches ?? []) {
    if (batch.kind !== 'claimed') continue;
    const outcomes = await claiming?.settle(batch.items.map(({ claim }) => claim));
    assert.ok(outcomes?.every((outcome) => outcome === 'settled'));
    for (const item of batch.items) taken.add(textOf(item.message));
    if (taken.size === 700) break;
  }
  await claiming?.close();
  await producing;
  stop.abort();
  context.diagnostic(`the slot moved ${String(await moving)} times`);
  assert.deepEqual(
    [...taken].toSorted((one, other) => Number(one) - Number(other)),
    expected(700),
  );
  assert.equal((await everything(at.driver, stream)).length, 700);
  const [backlog] = (await at.driver.backlog?.read({ groups: null, channels: [stream] }, signal)) ?? [];
  assert.deepEqual([backlog?.partitions[0]?.waiting, backlog?.partitions[0]?.inFlight], [0, 0]);
});

for (const way of ['in one step', 'in two steps, to another slot'] as const)
  test(
    `while its slot moves from node to node, a redrive ${way} moves each message once`,
    { skip },
    async (context) => {
      const name = randomUUID();
      const [dead, orders] = [`{${name}}:dlq`, way === 'in one step' ? `{${name}}` : `to-${name}`];
      const at = await ground(context, [dead, orders]);
      await produce(at, dead, 0, 500);
      const stop = new AbortController();
      const moving = moveAround(await slotOf(dead), stop.signal);
      const ended = await redrive(at, dead, orders, null);
      stop.abort();
      context.diagnostic(`the slot moved ${String(await moving)} times`);
      assert.equal(ended.error, null);
      assert.deepEqual((await everything(at.driver, orders)).map(textOf), expected(500));
      assert.deepEqual(await everything(at.driver, dead), []);
      assert.equal(ended.report.possibleDuplicates.length, 0);
    },
  );

test(
  'a node that is killed in the middle of a redrive between slots ends it; when it is back, the rest is moved and nothing was lost',
  { skip },
  async (context) => {
    const name = randomUUID();
    // Of these two, the hash tags lie on different nodes.
    const [dead, orders] = [`{a}-${name}:dlq`, `{b}-${name}`];
    const at = await ground(context, [dead, orders]);
    await produce(at, dead, 0, 1_000);
    const node = cluster.nodes[Math.floor((await slotOf('b')) / 5_462)];
    assert.ok(node !== undefined);
    const killing: Promise<void>[] = [];
    const first = await redrive(at, dead, orders, null, () => {
      if (killing.length === 0) killing.push(node.kill());
    });
    await Promise.all(killing);
    // Of the batches on their way, the first to fail says why: each has its own moment.
    assert.match(String(first.report.stoppedBy), /no answer came|does not serve|was lost/);
    assert.ok(first.report.moved < 1_000);
    await assert.rejects(redrive(at, dead, orders, first.job), UnreachableError);
    await node.restart();
    await eventually(async () => {
      assert.match(await cluster.ask('CLUSTER', 'INFO'), /cluster_state:ok/);
      await everything(at.driver, orders);
    }, 30_000);
    const ended = await redrive(at, dead, orders, first.job);
    assert.equal(ended.report.moved, 1_000);
    const arrived = (await everything(at.driver, orders)).map(textOf);
    assert.deepEqual(
      [...new Set(arrived)].toSorted((one, other) => Number(one) - Number(other)),
      expected(1_000),
    );
    assert.ok(arrived.length - 1_000 <= ended.report.possibleDuplicates.length);
    assert.deepEqual(await everything(at.driver, dead), []);
  },
);
