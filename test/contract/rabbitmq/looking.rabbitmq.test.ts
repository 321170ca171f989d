/** Looking at many messages of a queue, and giving many back: the queue is afterwards as it was before. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { TestContext } from 'node:test';
import amqp from 'amqplib';
import type { ChannelModel } from 'amqplib';
import type { Driver } from '../../../src/lib/drivers/driver.ts';
import { addressOf, without } from '../../brokers/needs.ts';
import { connectionTo, ManagementServer, openDriver, uniqueName } from './rabbitmq-server.ts';

const skip = without('rabbitmq');
const many = 2_500;

let broker: ChannelModel;

if (!skip) {
  before(async () => {
    broker = await amqp.connect(addressOf('rabbitmq'));
  });
  after(() => broker.close());
}

function server(): ManagementServer {
  return new ManagementServer(process.env['MQCTL_TEST_RABBITMQ_MANAGEMENT'] ?? '');
}

interface Kind {
  readonly type: 'quorum' | 'classic';
  readonly autoDelete: boolean;
}

async function filled(t: TestContext, { type, autoDelete }: Kind, bytes = 0): Promise<string> {
  const queue = uniqueName(t, server(), `looked-${type}`);
  const channel = await broker.createConfirmChannel();
  const limit = type === 'quorum' ? { 'x-delivery-limit': -1 } : {};
  await channel.assertQueue(queue, {
    durable: true,
    autoDelete,
    arguments: { 'x-queue-type': type, ...limit },
  });
  for (let number = 0; number < many; number += 1)
    channel.sendToQueue(queue, Buffer.concat([Buffer.from(`${String(number)} `), Buffer.alloc(bytes)]));
  await channel.waitForConfirms();
  await channel.close();
  return queue;
}

/** With the management API, or as if there were none. */
async function driverOf(t: TestContext, managed: boolean): Promise<Driver> {
  const managementUrl = managed
    ? (process.env['MQCTL_TEST_RABBITMQ_MANAGEMENT'] ?? null)
    : 'http://127.0.0.1:1';
  return openDriver(t, connectionTo(addressOf('rabbitmq'), { managementUrl }));
}

async function lookedAt(t: TestContext, driver: Driver, channel: string): Promise<readonly number[]> {
  assert.ok(driver.look !== undefined);
  const looking = await driver.look.open(
    {
      channel,
      from: { every: { kind: 'start', shift: 0n } },
      until: null,
      follow: false,
      partitions: null,
      limit: 50_000,
      uncommitted: false,
    },
    t.signal,
  );
  const numbers: number[] = [];
  for await (const batch of looking.batches)
    numbers.push(...batch.map(({ value }) => Number.parseInt(Buffer.from(value ?? []).toString(), 10)));
  return numbers;
}

async function state(queue: string): Promise<{ readonly messages: number; readonly consumers: number }> {
  const channel = await broker.createChannel();
  const { messageCount, consumerCount } = await channel.checkQueue(queue);
  await channel.close();
  return { messages: messageCount, consumers: consumerCount };
}

const inOrder = Array.from({ length: many }, (_, number) => number);

for (const type of ['quorum', 'classic'] as const)
  test(`a ${type} queue looked at twice holds everything, in its order`, { skip }, async (t) => {
    const queue = await filled(t, { type, autoDelete: false });
    for (const managed of [true, false]) {
      const driver = await driverOf(t, managed);
      assert.deepEqual(await lookedAt(t, driver, queue), inOrder);
      assert.equal((await state(queue)).messages, many);
    }
  });

test(
  'a queue that deletes itself when its last consumer leaves survives a look, and a claim that gives back',
  { skip },
  async (t) => {
    const queue = await filled(t, { type: 'classic', autoDelete: true });
    for (const managed of [true, false]) {
      const driver = await driverOf(t, managed);
      assert.deepEqual(await lookedAt(t, driver, queue), inOrder);
      assert.equal((await state(queue)).messages, many);
    }
    const driver = await driverOf(t, false);
    assert.ok(driver.claim !== undefined);
    const claiming = await driver.claim.open(
      { channel: queue, group: null, from: null, select: null, follow: false, window: 50, leaseMs: null },
      t.signal,
    );
    const taken: string[] = [];
    for await (const batch of claiming.batches) {
      if (batch.kind === 'claimed') taken.push(...batch.items.map(({ claim }) => claim));
      if (taken.length === 50) break;
    }
    assert.deepEqual(
      await claiming.settle(taken.slice(0, 20)),
      taken.slice(0, 20).map(() => 'sent'),
    );
    await claiming.close();
    assert.equal((await state(queue)).messages, many - 20);
  },
);

test('what is held of a large queue is not kept in memory', { skip }, async (t) => {
  const bytes = 40_000;
  const queue = await filled(t, { type: 'classic', autoDelete: false }, bytes);
  const driver = await driverOf(t, true);
  assert.ok(driver.claim !== undefined);
  const claiming = await driver.claim.open(
    { channel: queue, group: null, from: null, select: null, follow: false, window: many, leaseMs: null },
    t.signal,
  );
  let held = 0;
  let most = 0;
  for await (const batch of claiming.batches) {
    if (batch.kind !== 'claimed') continue;
    held += batch.items.length;
    most = Math.max(most, batch.items.length);
    if (held === many) break;
  }
  await claiming.close();
  assert.ok(most * bytes < 16 * 1024 * 1024, `${String(most)} messages came together`);
  assert.equal((await state(queue)).messages, many);
});
