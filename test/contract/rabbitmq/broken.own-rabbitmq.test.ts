/** A broker that blocks, takes back, goes away: what a publisher and a claim say then. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { Claiming, Driver, Publisher } from '../../../src/lib/drivers/driver.ts';
import { FailedError, UnreachableError } from '../../../src/lib/errors.ts';
import type { OutgoingMessage } from '../../../src/lib/message/message.ts';
import { meansToRun } from '../../brokers/rabbitmq-installation.ts';
import { startRabbitmq } from '../../brokers/rabbitmq.ts';
import type { RunningRabbitmq } from '../../brokers/rabbitmq.ts';
import { connectionTo, eventually, openDriver } from './rabbitmq-server.ts';

const means = await meansToRun();
const skip = means.able ? false : `${means.reason}: ${means.remedy}`;

let broker: RunningRabbitmq;

if (!skip) {
  before(async () => {
    broker = await startRabbitmq({ configuration: ['consumer_timeout = 1000', 'max_message_size = 65536'] });
    // How often channels look for messages that are held too long; a minute by default.
    await broker.control('eval', 'application:set_env(rabbit, channel_tick_interval, 500).');
  });
  after(() => broker.stop());
}

function message(value: string | Uint8Array): OutgoingMessage {
  return {
    key: null,
    value: Buffer.from(value),
    headers: [],
    properties: {},
    partition: null,
    timestamp: null,
  };
}

async function queueOf(t: TestContext, channel: string, type = 'classic'): Promise<Driver> {
  const driver = await openDriver(t, connectionTo(broker.address));
  await driver.admin?.create({ channel, type, partitions: null, settings: {}, deadLetter: null }, t.signal);
  return driver;
}

async function publisherOf(t: TestContext, driver: Driver, channel: string): Promise<Publisher> {
  assert.ok(driver.publish !== undefined);
  return driver.publish.open({ channel, delivery: 'at-least-once', compression: null }, t.signal);
}

async function claimingOf(
  t: TestContext,
  driver: Driver,
  channel: string,
  window: number,
): Promise<Claiming> {
  assert.ok(driver.claim !== undefined);
  return driver.claim.open(
    { channel, group: null, from: null, select: null, follow: true, window, leaseMs: null },
    t.signal,
  );
}

async function waiting(driver: Driver, channel: string, t: TestContext): Promise<number | null> {
  return (await driver.look?.appraise(channel, t.signal))?.waiting ?? null;
}

/** Resolves when the broker takes nothing from publishers any more: it looks at its memory once a second. */
async function memoryAlarm(t: TestContext): Promise<void> {
  t.after(() => broker.control('set_vm_memory_high_watermark', 'absolute', '1GB'));
  await broker.control('set_vm_memory_high_watermark', 'absolute', '1MB');
  await eventually(
    () => broker.control('eval', 'rabbit_alarm:get_alarms().'),
    (alarms) => alarms.includes('memory'),
  );
}

test('the limit of a message is learnt from the first that is too large', { skip }, async (t) => {
  const driver = await queueOf(t, 'limited');
  const publisher = await publisherOf(t, driver, 'limited');
  const sizes = [10, 65_536, 65_537, 20, 70_000, 65_536];
  const outcomes = await publisher.send(sizes.map((size) => message(Buffer.alloc(size))));
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    sizes.map((size) => (size > 65_536 ? 'rejected' : 'accepted')),
  );
  await publisher.close();
  assert.equal(await waiting(driver, 'limited', t), 4);
});

test('a blocked connection is said, waited for, and everything is accepted after it', { skip }, async (t) => {
  const driver = await queueOf(t, 'blocked');
  const publisher = await publisherOf(t, driver, 'blocked');
  assert.equal((await publisher.send([message('before')]))[0]?.status, 'accepted');
  assert.equal(publisher.blocked, null);
  await memoryAlarm(t);
  const sending = [publisher.send([message('first')]), publisher.send([message('second')])];
  await eventually(
    async () => publisher.blocked,
    (reason) => reason !== null,
  );
  assert.match(publisher.blocked ?? '', /memory/);
  sending.push(publisher.send([message('third')]));
  // The rest of the driver works on meanwhile.
  assert.equal(typeof (await waiting(driver, 'blocked', t)), 'number');
  await broker.control('set_vm_memory_high_watermark', 'absolute', '1GB');
  const outcomes = (await Promise.all(sending)).flat();
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['accepted', 'accepted', 'accepted'],
  );
  assert.equal(publisher.blocked, null);
  await publisher.close();
  assert.equal(await waiting(driver, 'blocked', t), 4);
});

test(
  'a run that ends while it is blocked ends: what was sent is in doubt, the rest was not sent',
  { skip },
  async (t) => {
    const driver = await queueOf(t, 'ended');
    const ending = new AbortController();
    assert.ok(driver.publish !== undefined);
    const publisher = await driver.publish.open(
      { channel: 'ended', delivery: 'at-least-once', compression: null },
      ending.signal,
    );
    await publisher.send([message('before')]);
    await memoryAlarm(t);
    const first = publisher.send([message('first')]);
    await eventually(
      async () => publisher.blocked,
      (reason) => reason !== null,
    );
    const second = publisher.send([message('second')]);
    ending.abort();
    assert.equal((await first)[0]?.status, 'unknown');
    assert.equal((await second)[0]?.status, 'rejected');
    await broker.control('set_vm_memory_high_watermark', 'absolute', '1GB');
    await publisher.close();
  },
);

test('messages held longer than consumer_timeout are lost, with the reason', { skip }, async (t) => {
  for (const type of ['classic', 'quorum']) {
    const channel = `held-${type}`;
    const driver = await queueOf(t, channel, type);
    const publisher = await publisherOf(t, driver, channel);
    await publisher.send([message('a'), message('b')]);
    await publisher.close();
    const claiming = await claimingOf(t, driver, channel, 2);
    const held: string[] = [];
    const lost: string[] = [];
    await assert.rejects(
      async () => {
        for await (const batch of claiming.batches) {
          if (batch.kind === 'claimed') held.push(...batch.items.map(({ claim }) => claim));
          if (batch.kind === 'lost') lost.push(...batch.claims);
        }
      },
      (error) => error instanceof FailedError && error.code === 'CONSUMER_TIMEOUT',
      type,
    );
    assert.deepEqual(lost, held, type);
    assert.deepEqual(await claiming.settle(held), ['lost', 'lost'], type);
    await claiming.close();
    await eventually(
      () => waiting(driver, channel, t),
      (count) => count === 2,
    );
  }
});

test(
  'a broker that dies: each message is accepted, in doubt or not sent, and none is lost that was accepted',
  { skip },
  async (t) => {
    // Classic: a quorum queue that is younger than its node's last clean stop forgets everything when that is killed.
    const driver = await queueOf(t, 'killed');
    const publisher = await publisherOf(t, driver, 'killed');
    const body = Buffer.alloc(200, 'x');
    const sending = Array.from({ length: 400 }, () =>
      publisher.send(Array.from({ length: 100 }, () => message(body))),
    );
    await sending[5];
    await broker.kill();
    const outcomes = (await Promise.all(sending)).flat();
    const statuses = Map.groupBy(outcomes, ({ status }) => status);
    const accepted = statuses.get('accepted')?.length ?? 0;
    const unknown = statuses.get('unknown')?.length ?? 0;
    assert.equal(outcomes.length, 40_000);
    assert.ok(accepted >= 600 && unknown > 0, `${String(accepted)} accepted, ${String(unknown)} in doubt`);
    const late = await publisher.send([message('late')]);
    assert.equal(late[0]?.status, 'rejected');
    await publisher.close();
    await assert.rejects(async () => driver.look?.appraise('killed', t.signal), UnreachableError);

    await broker.restart();
    const again = await openDriver(t, connectionTo(broker.address));
    const there = await eventually(
      () => waiting(again, 'killed', t).catch(() => null),
      (count) => count !== null && count > 0,
    );
    assert.ok(
      there !== null && there >= accepted && there <= accepted + unknown,
      `${String(there)} are there`,
    );
    assert.equal(await waiting(driver, 'killed', t), there, 'the driver connects again');
  },
);

test(
  'a claim whose broker dies says what is lost, and that the last acknowledgements are uncertain',
  { skip },
  async (t) => {
    const driver = await queueOf(t, 'claimed', 'quorum');
    const publisher = await publisherOf(t, driver, 'claimed');
    await publisher.send([message('a'), message('b'), message('c')]);
    await publisher.close();
    const claiming = await claimingOf(t, driver, 'claimed', 3);
    const held: string[] = [];
    const lost: string[] = [];
    await assert.rejects(async () => {
      for await (const batch of claiming.batches) {
        if (batch.kind === 'claimed') held.push(...batch.items.map(({ claim }) => claim));
        if (batch.kind === 'lost') lost.push(...batch.claims);
        if (held.length === 3 && lost.length === 0) {
          assert.deepEqual(await claiming.settle(held.slice(0, 1)), ['sent']);
          await broker.kill();
        }
      }
    }, UnreachableError);
    assert.deepEqual(lost, held.slice(1));
    assert.deepEqual(await claiming.settle(held.slice(1)), ['lost', 'lost']);
    await assert.rejects(claiming.close(), /not certain/);
  },
);
