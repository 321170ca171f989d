/** What stands on the wire: properties and headers of every AMQP type, byte for byte, and each way to be refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import fc from 'fast-check';
import { FailedError, NotFoundError, UnreachableError, UnsupportedError } from '../../../src/lib/errors.ts';
import type { Driver, Outcome, Publisher } from '../../../src/lib/drivers/driver.ts';
import type { RawDelivery } from '../../../src/lib/drivers/rabbitmq/amqp-client.ts';
import { decodeProperties, encodeProperties } from '../../../src/lib/drivers/rabbitmq/basic-properties.ts';
import { ByteWriter } from '../../../src/lib/drivers/rabbitmq/byte-writer.ts';
import { Consumer } from '../../../src/lib/drivers/rabbitmq/consumer.ts';
import { Session } from '../../../src/lib/drivers/rabbitmq/session.ts';
import type { Header, HeaderValue, Message, OutgoingMessage } from '../../../src/lib/message/message.ts';
import { addressOf, without } from '../../brokers/needs.ts';
import { anyTable } from '../../unit/drivers/rabbitmq/table-samples.ts';
import { ManagementServer, connectionTo, openDriver, uniqueName } from './rabbitmq-server.ts';

const managementUrl = process.env['MQCTL_TEST_RABBITMQ_MANAGEMENT'];
const skip =
  without('rabbitmq') ||
  (managementUrl === undefined ? 'no management API: set MQCTL_TEST_RABBITMQ_MANAGEMENT' : false);
const server = new ManagementServer(managementUrl ?? '');
const connection = () => connectionTo(addressOf('rabbitmq'), { managementUrl: managementUrl ?? null });

const environment = (t: TestContext) => ({
  log: () => undefined,
  timeoutMs: 10_000,
  signal: t.signal,
  stateFolder: '',
});

async function queue(t: TestContext, type: string, settings: Record<string, string> = {}): Promise<string> {
  const driver = await openDriver(t, connection());
  const channel = uniqueName(t, server, 'wire');
  await driver.admin?.create({ channel, type, partitions: null, settings, deadLetter: null }, t.signal);
  return channel;
}

function outgoing(value: string | Uint8Array, change: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return {
    key: null,
    value: Buffer.from(value),
    headers: [],
    properties: {},
    partition: null,
    timestamp: null,
    ...change,
  };
}

async function publisher(t: TestContext, driver: Driver, channel: string): Promise<Publisher> {
  assert.ok(driver.publish !== undefined);
  const opened = await driver.publish.open(
    { channel, delivery: 'at-least-once', compression: null },
    t.signal,
  );
  t.after(() => opened.close());
  return opened;
}

async function send(
  t: TestContext,
  driver: Driver,
  channel: string,
  messages: readonly OutgoingMessage[],
): Promise<readonly Outcome[]> {
  return (await publisher(t, driver, channel)).send(messages);
}

async function looked(t: TestContext, driver: Driver, channel: string, limit: number): Promise<Message[]> {
  assert.ok(driver.look !== undefined);
  const looking = await driver.look.open(
    {
      channel,
      from: { every: { kind: 'start', shift: 0n } },
      until: null,
      follow: false,
      partitions: null,
      limit,
      uncommitted: false,
    },
    t.signal,
  );
  return (await Array.fromAsync(looking.batches)).flat();
}

/** What the broker delivers, its properties as they stand on the wire. The messages are taken. */
async function rawDeliveries(t: TestContext, channel: string, count: number): Promise<RawDelivery[]> {
  const session = new Session(connection(), environment(t));
  const deliveries: RawDelivery[] = [];
  try {
    const consumer = await Consumer.open(session, { queue: channel, prefetch: 1000 }, t.signal);
    while (deliveries.length < count) {
      await consumer.wait(10_000, t.signal);
      const taken = consumer.take();
      assert.ok(taken.length > 0, 'nothing more was delivered');
      deliveries.push(...taken);
      for (const { fields } of taken) consumer.ack(fields.deliveryTag, false);
    }
    await consumer.close();
  } finally {
    await session.close();
  }
  return deliveries;
}

function wireBytes(message: Pick<OutgoingMessage, 'headers' | 'properties'>): Buffer {
  const writer = new ByteWriter();
  encodeProperties(writer, message);
  return writer.take();
}

/** RabbitMQ sorts top-level headers by the bytes of their names, and keeps one of a name; other floats than numbers it refuses. */
function asStored(headers: readonly Header[]): Header[] {
  const named = new Map(headers.map((header) => [bytesOfName(header).toString('hex'), header]));
  return [...named.values()].sort((one, other) => Buffer.compare(bytesOfName(one), bytesOfName(other)));
}

function bytesOfName({ name, rawName }: Header): Buffer {
  return Buffer.from(rawName ?? Buffer.from(name));
}

function isStorable(value: HeaderValue | Header): boolean {
  if (value === null || value instanceof Uint8Array) return true;
  if ('name' in value) return isStorable(value.value);
  const { type, value: inner } = value;
  if ((type === 'float' || type === 'double') && typeof inner === 'string')
    return !/NaN|Infinity/.test(inner);
  return (
    typeof inner !== 'object' || inner === null || inner instanceof Uint8Array || inner.every(isStorable)
  );
}

for (const type of ['classic', 'quorum'])
  test(
    `${type}: random headers of every AMQP type and all 14 properties are the same bytes after publish, look, publish and take`,
    { skip },
    async (t) => {
      const driver = await openDriver(t, connection());
      const [first, second] = [await queue(t, type), await queue(t, type)];
      const headers = fc
        .sample(anyTable, 200)
        .map((table) =>
          asStored(table.filter(({ name, value }) => !/^(x-|CC$|BCC$)/.test(name) && isStorable(value))),
        );
      const messages = headers.map((each, index) =>
        outgoing(Buffer.from([index, 0xff, 0]), {
          headers: each,
          properties: {
            exchange: '',
            contentType: index % 2 === 0 ? 'text/plain' : Buffer.from([0xff, index]),
            contentEncoding: 'identity',
            ...(each.length === 0 && { headers: { type: 'table', value: [] } }),
            deliveryMode: { type: 'uint8', value: '2' },
            // Quorum queues deliver 5 and above before the others.
            priority: { type: 'uint8', value: String(index % 5) },
            correlationId: `correlation ${String(index)}`,
            replyTo: 'amq.rabbitmq.reply-to.x',
            expiration: '86400000',
            messageId: '🐇'.repeat(index % 60),
            timestamp: { type: 'timestamp', value: '18446744073709551615' },
            type: '',
            userId: connection().username ?? 'guest',
            appId: 'app',
            clusterId: 'cluster',
          },
        }),
      );
      const expected = messages.map((message) => wireBytes(message).toString('hex'));

      const outcomes = await send(t, driver, first, messages);
      assert.deepEqual(
        outcomes.filter(({ status }) => status !== 'accepted'),
        [],
      );
      const seen = await looked(t, driver, first, messages.length);
      assert.deepEqual(
        seen.map((message) => wireBytes(message).toString('hex')),
        expected,
      );
      await send(t, driver, second, seen);
      const raw = await rawDeliveries(t, second, messages.length);
      assert.deepEqual(
        raw.map(({ properties }) => properties.toString('hex')),
        expected,
      );
      assert.deepEqual(
        raw.map(({ content }) => content.toString('hex')),
        messages.map(({ value }) => Buffer.from(value ?? []).toString('hex')),
      );
    },
  );

test(
  'a message without any property stays without, once it was consumed; a new one is persistent',
  { skip },
  async (t) => {
    const driver = await openDriver(t, connection());
    const channel = await queue(t, 'classic');
    await send(t, driver, channel, [
      outgoing('consumed', { properties: { exchange: 'elsewhere', routingKey: 'other' } }),
      outgoing('new'),
    ]);
    const [consumed, made] = await rawDeliveries(t, channel, 2);
    assert.equal(consumed?.properties.toString('hex'), '0000');
    assert.equal(consumed?.fields.routingKey, channel);
    assert.deepEqual(made && decodeProperties(made.properties).properties, {
      deliveryMode: { type: 'uint8', value: '2' },
    });
  },
);

test('a body of several frames comes back whole', { skip }, async (t) => {
  const driver = await openDriver(t, connection());
  const channel = await queue(t, 'quorum');
  const body = Buffer.alloc(1_000_000, 'mqctl ');
  await send(t, driver, channel, [outgoing(body), outgoing('')]);
  const [large, empty] = await looked(t, driver, channel, 2);
  assert.ok(large?.value !== null && large !== undefined && body.equals(large.value));
  assert.equal(empty?.value?.length, 0);
});

test(
  'what no queue gets is rejected, each by its own line, and the rest is accepted',
  { skip },
  async (t) => {
    const driver = await openDriver(t, connection());
    const channel = await queue(t, 'classic');
    const exchange = uniqueName(t, server, 'exchange');
    await server.send('PUT', `exchanges/%2F/${exchange}`, { type: 'direct', durable: true });
    await server.send('POST', `bindings/%2F/e/${exchange}/q/${channel}`, { routing_key: 'yes' });
    const keys = ['no', 'yes', 'no', 'yes', 'yes', 'never'];
    const outcomes = await send(
      t,
      driver,
      `exchange:${exchange}`,
      keys.map((routingKey) => outgoing('same body', { properties: { routingKey } })),
    );
    assert.deepEqual(
      outcomes.map(({ status }) => status === 'accepted'),
      keys.map((key) => key === 'yes'),
    );
    assert.deepEqual(outcomes[5], {
      status: 'rejected',
      reason: `not routed: exchange "${exchange}" has no binding for the routing key "never"`,
      retriable: false,
    });
    assert.equal((await looked(t, driver, channel, 10)).length, 3);
  },
);

test('a queue that was deleted meanwhile takes nothing, and nothing is made again', { skip }, async (t) => {
  const driver = await openDriver(t, connection());
  const channel = await queue(t, 'classic');
  const opened = await publisher(t, driver, channel);
  await server.send('DELETE', `queues/%2F/${channel}`);
  const outcomes = await opened.send([outgoing('a'), outgoing('b')]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  await assert.rejects(driver.describe(channel, t.signal), NotFoundError);
});

test(
  'a full queue with reject-publish rejects what it has no room for, to be tried again',
  { skip },
  async (t) => {
    const driver = await openDriver(t, connection());
    const channel = await queue(t, 'classic', { 'x-max-length': '3', 'x-overflow': 'reject-publish' });
    const outcomes = await send(
      t,
      driver,
      channel,
      Array.from({ length: 8 }, (_, index) => outgoing(String(index))),
    );
    const accepted = outcomes.filter(({ status }) => status === 'accepted').length;
    assert.ok(
      outcomes.every(
        (outcome) => outcome.status === 'accepted' || (outcome.status === 'rejected' && outcome.retriable),
      ),
    );
    assert.ok(accepted < 8);
    assert.equal((await looked(t, driver, channel, 8)).length, accepted);
  },
);

test(
  'a too large message is rejected alone, and what is before and after it is there',
  { skip },
  async (t) => {
    const driver = await openDriver(t, connection());
    const channel = await queue(t, 'classic');
    const tooLarge = outgoing(Buffer.alloc(16 * 1024 * 1024 + 1));
    const outcomes = await send(t, driver, channel, [
      outgoing('a'),
      outgoing('b'),
      tooLarge,
      outgoing('c'),
      tooLarge,
      outgoing('d'),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['accepted', 'accepted', 'rejected', 'accepted', 'rejected', 'accepted'],
    );
    assert.match(outcomes[2]?.status === 'rejected' ? outcomes[2].reason : '', /16777217.*16777216/);
    const seen = await looked(t, driver, channel, 10);
    assert.deepEqual(
      seen.map(({ value }) => Buffer.from(value ?? []).toString()),
      ['a', 'b', 'c', 'd'],
    );
  },
);

test(
  'what the broker would close the channel or the connection over is rejected alone',
  { skip },
  async (t) => {
    const driver = await openDriver(t, connection());
    const channel = await queue(t, 'quorum');
    const bad: OutgoingMessage[] = [
      outgoing('x', { properties: { userId: 'somebody-else' } }),
      outgoing('x', { properties: { expiration: 'soon' } }),
      outgoing('x', { headers: [{ name: 'CC', value: { type: 'int32', value: '1' } }] }),
      outgoing('x', { headers: [{ name: 'n', value: { type: 'double', value: 'NaN' } }] }),
      outgoing('x', {
        headers: [{ name: 'n', value: { type: 'array', value: [{ type: 'float', value: '-Infinity' }] } }],
      }),
      outgoing('x', { headers: [{ name: 'n', value: Buffer.alloc(140_000) }] }),
      outgoing('x', {
        headers: [
          { name: 'n', value: null },
          { name: 'n', value: null },
        ],
      }),
      outgoing('x', { headers: [{ name: 'n', value: { type: 'uint64', value: '1' } }] }),
      outgoing('x', { properties: { groupId: 'g' } }),
      outgoing('x', { key: Buffer.from('k') }),
      outgoing('x', { value: null }),
    ];
    const outcomes = await send(
      t,
      driver,
      channel,
      bad.flatMap((message) => [outgoing('good'), message]),
    );
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      bad.flatMap(() => ['accepted', 'rejected']),
    );
    assert.equal((await looked(t, driver, channel, 100)).length, bad.length);
  },
);

test(
  'the delivery limit of a quorum queue is known before the broker tells its statistics',
  { skip },
  async (t) => {
    const driver = await openDriver(t, connection());
    const limitOf = async (settings: Readonly<Record<string, string>>) => {
      const channel = await queue(t, 'quorum', settings);
      return (await driver.look?.appraise(channel, t.signal))?.deliveryLimit;
    };
    assert.equal(await limitOf({}), 20);
    assert.equal(await limitOf({ 'x-delivery-limit': '7' }), 7);
    assert.equal(await limitOf({ 'x-delivery-limit': '-1' }), null);
    // By a policy, of which the broker says nothing yet; it does not raise what is declared.
    const policy = `policies/%2F/${uniqueName(t, server, 'limit')}`;
    t.after(() => server.send('DELETE', policy));
    await server.send('PUT', policy, {
      pattern: '^mqctl-test-wire-',
      'apply-to': 'quorum_queues',
      priority: 1,
      definition: { 'delivery-limit': 9 },
    });
    assert.equal(await limitOf({}), 9);
    assert.equal(await limitOf({ 'x-delivery-limit': '7' }), 7);
    assert.equal(await limitOf({ 'x-delivery-limit': '12' }), 9);
    assert.equal(await limitOf({ 'x-delivery-limit': '-1' }), 9);
  },
);

test(
  'a look at a quorum queue leaves all messages in their order, and says what it cost',
  { skip },
  async (t) => {
    const driver = await openDriver(t, connection());
    const channel = await queue(t, 'quorum', { 'x-delivery-limit': '7' });
    await send(
      t,
      driver,
      channel,
      Array.from({ length: 30 }, (_, index) => outgoing(String(index))),
    );
    assert.ok(driver.look !== undefined);
    const appraisal = await driver.look.appraise(channel, t.signal);
    assert.deepEqual(appraisal, {
      cost: 'delivery',
      waiting: 30,
      consumers: 0,
      deliveryLimit: 7,
      longestHoldMs: 1_800_000,
      deadLetterChannel: false,
    });
    for (const times of [1, 2]) {
      const looking = await driver.look.open(
        {
          channel,
          from: { every: { kind: 'start', shift: 0n } },
          until: null,
          follow: false,
          partitions: null,
          limit: 10,
          uncommitted: false,
        },
        t.signal,
      );
      const seen = (await Array.fromAsync(looking.batches)).flat();
      assert.deepEqual(
        seen.map(({ value }) => Number(Buffer.from(value ?? []).toString())),
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
      );
      const { looked: count, hiddenMs, deliveryCount } = looking.report();
      assert.deepEqual([count, typeof hiddenMs, deliveryCount], [10, 'number', times]);
    }
    const raw = await rawDeliveries(t, channel, 30);
    assert.deepEqual(
      raw.map(({ content }) => Number(content.toString())).sort((a, b) => a - b),
      Array.from({ length: 30 }, (_, index) => index),
    );
  },
);

test('a look at a queue that deletes itself with its last consumer leaves it there', { skip }, async (t) => {
  const driver = await openDriver(t, connection());
  const channel = await queue(t, 'classic', { durable: 'false', 'auto-delete': 'true' });
  await send(t, driver, channel, [outgoing('a')]);
  assert.equal((await looked(t, driver, channel, 5)).length, 1);
  assert.equal((await looked(t, driver, channel, 5)).length, 1);
});

test(
  'a stream is looked at from any offset and between two, and cannot be taken from',
  { skip },
  async (t) => {
    const driver = await openDriver(t, connection());
    const channel = await queue(t, 'stream');
    await send(
      t,
      driver,
      channel,
      Array.from({ length: 600 }, (_, index) => outgoing(String(index))),
    );
    const { look, claim } = driver;
    assert.ok(look !== undefined && claim !== undefined);
    const between = async (from: string, until: string | null) => {
      const position = (offset: string) => ({ every: { kind: 'offset', offset } as const });
      const looking = await look.open(
        {
          channel,
          from: position(from),
          until: until === null ? null : position(until),
          follow: false,
          partitions: null,
          limit: null,
          uncommitted: false,
        },
        t.signal,
      );
      return (await Array.fromAsync(looking.batches))
        .flat()
        .map(({ offset, value }) => [offset, Buffer.from(value ?? []).toString()]);
    };
    assert.deepEqual(await between('298', '301'), [
      ['298', '298'],
      ['299', '299'],
      ['300', '300'],
    ]);
    assert.equal((await between('0', null)).length, 600);
    assert.deepEqual(await between('600', null), []);
    assert.deepEqual(await between('9007199254740993', null), []);
    await assert.rejects(
      claim.open(
        { channel, group: null, from: null, select: null, follow: false, window: 10, leaseMs: null },
        t.signal,
      ),
      UnsupportedError,
    );
  },
);

test('messages that are not kept by a stream as they are, are refused', { skip }, async (t) => {
  const driver = await openDriver(t, connection());
  const channel = await queue(t, 'stream');
  const typed = (type: string, value: string | readonly HeaderValue[]) =>
    outgoing('x', { headers: [{ name: 'n', value: { type, value } }] });
  const outcomes = await send(t, driver, channel, [
    typed('decimal', '1.5'),
    typed('array', []),
    outgoing('x', { properties: { clusterId: 'c' } }),
    typed('int8', '1'),
  ]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected', 'rejected', 'accepted'],
  );
});

test('a claim whose queue is deleted says that its messages are lost, and why', { skip }, async (t) => {
  const driver = await openDriver(t, connection());
  const channel = await queue(t, 'classic');
  await send(t, driver, channel, [outgoing('a'), outgoing('b')]);
  assert.ok(driver.claim !== undefined);
  const claiming = await driver.claim.open(
    { channel, group: null, from: null, select: null, follow: true, window: 10, leaseMs: null },
    t.signal,
  );
  const held: string[] = [];
  const lost: string[] = [];
  await assert.rejects(async () => {
    for await (const batch of claiming.batches) {
      if (batch.kind === 'claimed') held.push(...batch.items.map((item) => item.claim));
      if (batch.kind === 'lost') lost.push(...batch.claims);
      if (held.length === 2) await server.send('DELETE', `queues/%2F/${channel}`);
    }
  }, FailedError);
  assert.deepEqual(lost, held);
  assert.deepEqual(await claiming.settle(held), ['lost', 'lost']);
  await claiming.close();
});

test('a wrong password, virtual host or port is one clear line without the password', { skip }, async (t) => {
  const good = connection();
  const port = new URL(good.url).port;
  const wrong: [change: Partial<typeof good>, words: RegExp][] = [
    [{ password: 'sesame-open' }, /refused the login of user "guest"/],
    [{ url: `amqp://127.0.0.1:${port}/no-such-vhost` }, /refused the virtual host "no-such-vhost"/],
    [{ url: 'amqp://127.0.0.1:1/' }, /cannot reach .*connection refused/],
    [{ url: 'amqp://no-such-host.invalid/' }, /no such host/],
    [{ url: `amqps://127.0.0.1:${port}/` }, /no TLS with/],
  ];
  for (const [change, words] of wrong)
    await assert.rejects(
      openDriver(t, { ...good, ...change }),
      (error) =>
        error instanceof UnreachableError &&
        words.test(error.message) &&
        !`${error.message}${error.hint ?? ''}`.includes('sesame') &&
        !error.message.includes('\n'),
      String(words),
    );
});
