/** What the RabbitMQ driver learns from the management API, and what it says where there is none. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import amqp from 'amqplib';
import type { Admin, Claiming, CreateRequest, Driver } from '../../../src/lib/drivers/driver.ts';
import { FailedError, NotFoundError, UnsupportedError, UsageError } from '../../../src/lib/errors.ts';
import { addressOf, without } from '../../brokers/needs.ts';
import { numbered } from '../suite/messages.ts';
import { ManagementServer, connectionTo, eventually, openDriver, uniqueName } from './rabbitmq-server.ts';

const managementUrl = process.env['MQCTL_TEST_RABBITMQ_MANAGEMENT'];
const skip =
  without('rabbitmq') ||
  (managementUrl === undefined
    ? 'MQCTL_TEST_RABBITMQ is set: set MQCTL_TEST_RABBITMQ_MANAGEMENT, too'
    : false);
const server = new ManagementServer(managementUrl ?? '');

const withManagement = (t: TestContext) =>
  openDriver(t, connectionTo(addressOf('rabbitmq'), { managementUrl: managementUrl ?? null }));
/** An address where nothing answers, so that the usual port is not tried either. */
const withoutManagement = (t: TestContext) =>
  openDriver(t, connectionTo(addressOf('rabbitmq'), { managementUrl: 'http://127.0.0.1:1' }));

function facet<
  Name extends 'admin' | 'backlog' | 'groups' | 'deadLetters' | 'lease' | 'cluster' | 'claim' | 'look',
>(driver: Driver, name: Name): NonNullable<Driver[Name]> {
  const found = driver[name];
  assert.ok(found !== undefined);
  return found;
}

async function create(t: TestContext, admin: Admin, channel: string, changes: Partial<CreateRequest> = {}) {
  await admin.create(
    { channel, type: null, partitions: null, settings: {}, deadLetter: null, ...changes },
    t.signal,
  );
}

async function listed(t: TestContext, driver: Driver, match: string, internal: boolean) {
  const found = await Array.fromAsync(driver.channels({ match, internal }, t.signal));
  return found.map(({ channel, type }) => [channel, type]);
}

/** Takes so many of a queue and holds them unacknowledged. */
async function hold(t: TestContext, driver: Driver, channel: string, count: number): Promise<Claiming> {
  const request = {
    channel,
    group: null,
    from: null,
    select: null,
    follow: true,
    window: count,
    leaseMs: null,
  };
  const claiming = await facet(driver, 'claim').open(request, t.signal);
  // Leaving the loop would end the consumer, and with it the group.
  const batches = claiming.batches[Symbol.asyncIterator]();
  for (let held = 0; held < count;) {
    const next = await batches.next();
    if (next.done === true) throw new Error('the claim ended');
    if (next.value.kind === 'claimed') held += next.value.items.length;
  }
  return claiming;
}

test(
  'lists queues and streams with their types, and exchanges among the internal ones',
  { skip },
  async (t) => {
    const driver = await withManagement(t);
    const admin = facet(driver, 'admin');
    const name = uniqueName(t, server, 'listed');
    const stream = uniqueName(t, server, 'listed');
    const exchange = uniqueName(t, server, 'listed');
    await create(t, admin, name);
    await create(t, admin, stream, { type: 'stream' });
    await create(t, admin, exchange, { type: 'exchange' });
    const mine = (found: readonly (readonly string[])[]) =>
      found.filter(([channel]) => [name, stream, `exchange:${exchange}`].includes(channel ?? ''));
    const queues = mine(await listed(t, driver, 'mqctl-test-listed-*', false));
    assert.deepEqual(
      queues.sort(),
      [
        [name, 'quorum'],
        [stream, 'stream'],
      ].sort(),
    );
    const all = mine(await listed(t, driver, '*mqctl-test-listed-*', true));
    assert.ok(all.some(([channel, type]) => channel === `exchange:${exchange}` && type === 'exchange'));
  },
);

test(
  'a queue is created with settings of the types that the server asks for, and only once',
  { skip },
  async (t) => {
    const driver = await withManagement(t);
    const admin = facet(driver, 'admin');
    const dead = uniqueName(t, server, 'dead');
    const name = uniqueName(t, server, 'created');
    await create(t, admin, dead, { type: 'classic' });
    await create(t, admin, name, {
      settings: { 'delivery-limit': '7', 'x-max-length': '10', 'single-active-consumer': 'true' },
      deadLetter: dead,
    });
    const { settings, type, deadLetter } = await driver.describe(name, t.signal);
    assert.equal(type, 'quorum');
    assert.equal(settings['x-delivery-limit'], '7');
    assert.equal(settings['x-max-length'], '10');
    assert.equal(settings['x-single-active-consumer'], 'true');
    assert.deepEqual(deadLetter, { channel: dead, how: 'x-dead-letter-exchange' });
    await assert.rejects(create(t, admin, name), { code: 'EXISTS', exit: 1 });
  },
);

test('what cannot be created is refused before anything is', { skip }, async (t) => {
  const driver = await withManagement(t);
  const admin = facet(driver, 'admin');
  const name = uniqueName(t, server, 'refused');
  await assert.rejects(create(t, admin, name, { type: 'fifo' }), UsageError);
  await assert.rejects(create(t, admin, name, { partitions: 3 }), UsageError);
  await assert.rejects(create(t, admin, name, { settings: { 'max-length': 'ten' } }), UsageError);
  await assert.rejects(create(t, admin, name, { settings: { 'x-no-such': '1' } }), UsageError);
  await assert.rejects(create(t, admin, name, { deadLetter: `${name}.missing` }), NotFoundError);
  await assert.rejects(create(t, admin, name, { settings: { overflow: 'no-such' } }), /overflow/);
  await assert.rejects(driver.describe(name, t.signal), NotFoundError);
});

test('a queue is deleted by its exact name, and what is not there cannot be', { skip }, async (t) => {
  const driver = await withManagement(t);
  const admin = facet(driver, 'admin');
  const name = uniqueName(t, server, 'deleted');
  await create(t, admin, name);
  await create(t, admin, name, { type: 'exchange' });
  await admin.delete(name, t.signal);
  await assert.rejects(driver.describe(name, t.signal), NotFoundError);
  assert.equal((await driver.describe(`exchange:${name}`, t.signal)).type, 'exchange');
  await admin.delete(`exchange:${name}`, t.signal);
  await assert.rejects(driver.describe(`exchange:${name}`, t.signal), NotFoundError);
  await assert.rejects(admin.delete(name, t.signal), NotFoundError);
  await assert.rejects(admin.delete(`exchange:${name}`, t.signal), NotFoundError);
});

test(
  'purging says how many were removed; a stream cannot be purged, with management or without',
  { skip },
  async (t) => {
    const driver = await withManagement(t);
    const admin = facet(driver, 'admin');
    const name = uniqueName(t, server, 'purged');
    const stream = uniqueName(t, server, 'purged');
    await create(t, admin, name);
    await create(t, admin, stream, { type: 'stream' });
    for (const payload of ['a', 'b', 'c']) await server.publish(name, payload);
    assert.equal(await admin.purge(name, t.signal), 3);
    assert.equal(await admin.purge(name, t.signal), 0);
    await assert.rejects(admin.purge(`${name}.missing`, t.signal), NotFoundError);
    await assert.rejects(admin.purge(stream, t.signal), UnsupportedError);
    const bare = await withoutManagement(t);
    await assert.rejects(facet(bare, 'admin').purge(stream, t.signal), UnsupportedError);
    // The refusal closed a connection, not the driver's.
    assert.equal(await facet(bare, 'admin').purge(name, t.signal), 0);
  },
);

test(
  'a queue is described with its bindings, its policy and its dead letters both ways',
  { skip },
  async (t) => {
    const driver = await withManagement(t);
    const admin = facet(driver, 'admin');
    const dead = uniqueName(t, server, 'dead');
    const exchange = uniqueName(t, server, 'dlx');
    const inner = uniqueName(t, server, 'dlx-inner');
    const source = uniqueName(t, server, 'source');
    await create(t, admin, dead, { type: 'classic' });
    await create(t, admin, exchange, { type: 'exchange', settings: { type: 'topic' } });
    await create(t, admin, inner, { type: 'exchange', settings: { type: 'fanout' } });
    await create(t, admin, source);
    await server.send('POST', `bindings/%2F/e/${exchange}/e/${inner}`, { routing_key: 'orders.#' });
    await server.send('POST', `bindings/%2F/e/${inner}/q/${dead}`, { routing_key: 'x', arguments: { a: 1 } });
    await server.send('PUT', `policies/%2F/${source}`, {
      pattern: `^${source}$`,
      definition: {
        'dead-letter-exchange': exchange,
        'dead-letter-routing-key': 'orders.dead',
        'max-length': 1000,
      },
      'apply-to': 'queues',
    });
    t.after(() => server.send('DELETE', `policies/%2F/${source}`));
    const how = `policy ${source}, exchange ${exchange}`;
    const from = await eventually(
      () => driver.describe(source, t.signal),
      ({ deadLetter }) => deadLetter !== null,
    );
    assert.deepEqual(from.deadLetter, { channel: dead, how });
    assert.equal(from.settings['policy'], source);
    assert.equal(from.settings['policy:max-length'], '1000');
    // The server's lists are older than its answers about one queue.
    const to = await eventually(
      () => driver.describe(dead, t.signal),
      ({ deadLetterOf }) => deadLetterOf.length > 0,
    );
    assert.deepEqual(to.deadLetterOf, [source]);
    assert.ok(to.bindings.some((binding) => binding.source === inner && binding.arguments['a'] === '1'));
    const pairs = await eventually(
      async () =>
        (await facet(driver, 'deadLetters').pairs(t.signal)).filter((pair) => pair.source === source),
      (found) => found.length > 0,
    );
    assert.deepEqual(pairs, [{ source, deadLetter: dead, how }]);
  },
);

test('the backlog counts what waits at once, and what is in flight soon', { skip }, async (t) => {
  const driver = await withManagement(t);
  const name = uniqueName(t, server, 'backlog');
  await create(t, facet(driver, 'admin'), name);
  for (const payload of ['a', 'b', 'c']) await server.publish(name, payload);
  const read = async () =>
    (await facet(driver, 'backlog').read({ groups: null, channels: [name] }, t.signal))[0];
  assert.equal((await read())?.partitions[0]?.waiting, 3);
  const claiming = await hold(t, driver, name, 1);
  const held = await eventually(read, (backlog) => backlog?.partitions[0]?.inFlight === 1);
  assert.equal(held?.partitions[0]?.waiting, 2);
  assert.equal(held.members, 1);
  assert.equal(held.kind, 'quorum');
  assert.equal(held.group, null);
  await claiming.close();
  const all = await facet(driver, 'backlog').read({ groups: null, channels: null }, t.signal);
  assert.ok(all.some(({ channel }) => channel === name));
});

test(
  'the backlog of 150 queues has each of them once, all or by name, as each tells it itself',
  { skip },
  async (t) => {
    const host = `mqctl-test-${randomUUID()}`;
    await server.send('PUT', `vhosts/${host}`);
    t.after(() => server.send('DELETE', `vhosts/${host}`));
    const address = new URL(addressOf('rabbitmq'));
    address.pathname = `/${host}`;
    const names = Array.from({ length: 150 }, (_, index) => `q${index.toString().padStart(3, '0')}`);
    const client = await amqp.connect(address.href);
    const channel = await client.createChannel();
    await Promise.all(names.map((name) => channel.assertQueue(name, { durable: false })));
    channel.sendToQueue('q007', Buffer.from('just now'));
    await channel.checkQueue('q007');
    await client.close();
    const driver = await openDriver(t, connectionTo(address.href, { managementUrl: managementUrl ?? null }));
    const backlog = facet(driver, 'backlog');
    for (const channels of [null, names]) {
      const found = await backlog.read({ groups: null, channels }, t.signal);
      assert.deepEqual(found.map((queue) => queue.channel).sort(), names);
      const waiting = found.filter(({ partitions }) => partitions[0]?.waiting !== 0);
      assert.deepEqual(
        waiting.map((queue) => [queue.channel, queue.partitions[0]?.waiting, queue.approximate]),
        [['q007', 1, false]],
      );
    }
  },
);

test(
  'the backlog of all queues counts what was published just now, which the statistics do not know yet',
  { skip },
  async (t) => {
    // Of its own: in a host of many queues the list alone is read.
    const host = `mqctl-test-${randomUUID()}`;
    await server.send('PUT', `vhosts/${host}`);
    t.after(() => server.send('DELETE', `vhosts/${host}`));
    const address = new URL(addressOf('rabbitmq'));
    address.pathname = `/${host}`;
    const driver = await openDriver(t, connectionTo(address.href, { managementUrl: managementUrl ?? null }));
    const [quorum, classic, stream] = ['quorum', 'classic', 'stream'] as const;
    for (const type of [quorum, classic, stream]) await create(t, facet(driver, 'admin'), type, { type });
    const publish = async (channel: string): Promise<void> => {
      const request = { channel, delivery: 'at-least-once', compression: null } as const;
      const publisher = await driver.publish?.open(request, t.signal);
      const outcomes = await publisher?.send(numbered(3));
      await publisher?.close();
      assert.deepEqual(new Set(outcomes?.map(({ status }) => status)), new Set(['accepted']));
    };
    for (const queue of [quorum, classic]) await publish(queue);
    const all = await facet(driver, 'backlog').read({ groups: null, channels: null }, t.signal);
    assert.deepEqual(
      all
        .map(({ channel, approximate, partitions }) => [channel, partitions[0]?.waiting, approximate])
        .sort(),
      [
        [classic, 3, false],
        [quorum, 3, false],
        [stream, null, true],
      ],
    );
  },
);

test('the oldest waiting message of a classic queue is dated by its timestamp', { skip }, async (t) => {
  const driver = await withManagement(t);
  const name = uniqueName(t, server, 'oldest');
  await create(t, facet(driver, 'admin'), name, { type: 'classic' });
  await server.publish(name, 'a', { timestamp: 1_700_000_000 });
  const read = async () =>
    (await facet(driver, 'backlog').read({ groups: [name], channels: null }, t.signal))[0];
  const backlog = await eventually(read, (answer) => answer?.partitions[0]?.oldest !== null);
  assert.deepEqual(backlog?.partitions[0]?.oldest, { at: 1_700_000_000_000, clock: 'create' });
});

test(
  'the consumers of a queue are its group, with their prefetch and what they hold',
  { skip },
  async (t) => {
    const driver = await withManagement(t);
    const name = uniqueName(t, server, 'group');
    await create(t, facet(driver, 'admin'), name);
    for (const payload of ['a', 'b']) await server.publish(name, payload);
    const claiming = await hold(t, driver, name, 2);
    const groups = facet(driver, 'groups');
    await eventually(
      () => groups.list({ match: name }, t.signal),
      ([found]) => found?.members === 1,
    );
    const { memberList, channels } = await eventually(
      () => groups.describe(name, t.signal),
      (group) => group.memberList[0]?.inFlight === 2,
    );
    assert.deepEqual(channels, [name]);
    assert.equal(memberList.length, 1);
    assert.ok((memberList[0]?.prefetch ?? 0) >= 2);
    assert.equal(memberList[0]?.host, '127.0.0.1');
    await claiming.close();
    await assert.rejects(groups.describe(`${name}.missing`, t.signal), NotFoundError);
  },
);

test('a rejected message says where and why it died', { skip }, async (t) => {
  const driver = await withManagement(t);
  const admin = facet(driver, 'admin');
  const dead = uniqueName(t, server, 'dead');
  const source = uniqueName(t, server, 'source');
  await create(t, admin, dead);
  await create(t, admin, source, { deadLetter: dead });
  await server.publish(source, 'bad');
  await server.reject(source);
  const backlog = async () =>
    (await facet(driver, 'backlog').read({ groups: null, channels: [dead] }, t.signal))[0]?.partitions[0]
      ?.waiting;
  await eventually(backlog, (waiting) => waiting === 1);
  const every = { every: { kind: 'start', shift: 0n } } as const;
  const looking = await facet(driver, 'look').open(
    {
      channel: dead,
      from: every,
      until: null,
      follow: false,
      partitions: null,
      limit: 1,
      uncommitted: false,
    },
    t.signal,
  );
  const [message] = (await Array.fromAsync(looking.batches)).flat();
  assert.ok(message !== undefined);
  const death = facet(driver, 'deadLetters').read(message);
  assert.equal(death?.reason, 'rejected');
  assert.equal(death.origin.channel, source);
  assert.equal(death.attempts, 1);
  assert.ok(death.at !== null && Math.abs(Date.now() - death.at) < 3_600_000);
});

test('a lease is held by one, tells the others who, and is taken over knowingly', { skip }, async (t) => {
  const driver = await withManagement(t);
  const other = await withManagement(t);
  const name = uniqueName(t, server, 'lease');
  const since = Date.parse('2026-11-20T10:00:00Z');
  const held = await facet(driver, 'lease').acquire(
    name,
    { who: 'ann', host: 'desk-1', since },
    false,
    t.signal,
  );
  const bob = { who: 'bob', host: 'desk-2', since: since + 1 };
  await assert.rejects(facet(other, 'lease').acquire(name, bob, false, t.signal), (error) => {
    assert.ok(error instanceof FailedError);
    assert.equal(error.code, 'HELD');
    assert.match(error.message, /held by ann on desk-1 since 2026-11-20T10:00:00.000Z/);
    return true;
  });
  assert.equal(held.lost.aborted, false);
  const taken = await facet(other, 'lease').acquire(name, bob, true, t.signal);
  await eventually(() => Promise.resolve(held.lost.aborted), Boolean);
  await held.release();
  await taken.release();
  assert.equal(taken.lost.aborted, false);
  const again = await facet(driver, 'lease').acquire(name, bob, false, t.signal);
  await again.release();
});

test(
  'without management a lease still holds, and says that nobody can tell who has it',
  { skip },
  async (t) => {
    const driver = await withoutManagement(t);
    const name = uniqueName(t, server, 'lease');
    const holder = { who: 'ann', host: 'desk-1', since: 0 };
    const held = await facet(driver, 'lease').acquire(name, holder, false, t.signal);
    const again = (takeOver: boolean) => facet(driver, 'lease').acquire(name, holder, takeOver, t.signal);
    await assert.rejects(again(false), {
      code: 'HELD',
      message: /unknown: the management API is not reachable/,
    });
    await assert.rejects(again(true), { code: 'HELD', message: /cannot be taken over/ });
    await held.release();
  },
);

test('the cluster is well, and tells its nodes and versions', { skip }, async (t) => {
  const status = await facet(await withManagement(t), 'cluster').status(t.signal);
  assert.equal(status.system, 'RabbitMQ');
  assert.match(status.version ?? '', /^\d+\.\d+/);
  assert.equal(status.nodes[0]?.running, true);
  assert.deepEqual(status.unknown, []);
});

test('without management the driver works on, and names what it cannot know', { skip }, async (t) => {
  const driver = await withoutManagement(t);
  const admin = facet(driver, 'admin');
  const name = uniqueName(t, server, 'bare');
  await create(t, admin, name);
  await server.publish(name, 'a');
  const described = await driver.describe(name, t.signal);
  assert.equal(described.messages, 1);
  assert.match(
    described.unknown.join(),
    /rates: the management API is not reachable at http:\/\/127\.0\.0\.1:1/,
  );
  const [backlog] = await facet(driver, 'backlog').read({ groups: null, channels: [name] }, t.signal);
  assert.equal(backlog?.partitions[0]?.waiting, 1);
  assert.equal(backlog.partitions[0].inFlight, null);
  assert.match(backlog.unknown.join(), /in flight/);
  const status = await facet(driver, 'cluster').status(t.signal);
  assert.match(status.version ?? '', /^\d+\.\d+/);
  assert.match(status.unknown.join(), /not reachable/);
  for (const listing of [
    () => listed(t, driver, '*', false),
    () => facet(driver, 'groups').list({ match: null }, t.signal),
    () => facet(driver, 'backlog').read({ groups: null, channels: null }, t.signal),
    () => facet(driver, 'deadLetters').pairs(t.signal),
  ])
    await assert.rejects(listing(), { code: 'MANAGEMENT_UNREACHABLE', hint: /managementUrl/ });
  await assert.rejects(driver.describe(`${name}.missing`, t.signal), NotFoundError);
  await admin.delete(name, t.signal);
});
