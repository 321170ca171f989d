/**
 * A small incident in a shop, told in messages: orders of two hours, a warehouse that stopped reading, and dead letters of
 * three causes (a poison message's kind, an outage downstream, data that was missing). The times are relative to now, the
 * rest is always the same, so that a guide can quote it.
 */
import type { DriverWith } from '../drivers/driver.ts';
import { FailedError } from '../errors.ts';
import type { Header, OutgoingMessage } from '../message/message.ts';

export type DemoDriver = DriverWith<'admin' | 'publish' | 'claim'>;

const minute = 60_000;
const orderCount = 600;
const orderEveryMs = 12_000;
const warehouseStoppedMs = 47 * minute;

interface Cause {
  readonly errorClass: string;
  readonly text: (at: number) => string;
  readonly firstFrame: string;
  readonly count: number;
  /** How long ago the first of them failed. */
  readonly sinceMs: number;
  readonly everyMs: number;
  readonly spoil: (order: Record<string, unknown>, at: number) => Record<string, unknown>;
}

const causes: readonly Cause[] = [
  {
    errorClass: 'java.net.SocketTimeoutException',
    text: (at) =>
      `connect timed out: payments.internal/10.4.7.${(20 + (at % 5)).toString()}:8443 after ${(3_000 + at).toString()} ms`,
    firstFrame: 'com.shop.orders.PaymentClient.charge(PaymentClient.java:88)',
    count: 24,
    sinceMs: 38 * minute,
    everyMs: 20_000,
    spoil: (order) => order,
  },
  {
    errorClass: 'com.shop.orders.UnknownCustomerException',
    text: (at) => `no customer c-${(900 + at).toString()}`,
    firstFrame: 'com.shop.orders.CustomerDirectory.find(CustomerDirectory.java:41)',
    count: 5,
    sinceMs: 90 * minute,
    everyMs: 11 * minute,
    spoil: (order, at) => ({ ...order, customer: `c-${(900 + at).toString()}` }),
  },
  {
    errorClass: 'com.fasterxml.jackson.databind.exc.InvalidFormatException',
    text: () => 'Cannot deserialize value of type `int` from String "two": not a valid `int` value',
    firstFrame: 'com.shop.orders.OrderReader.read(OrderReader.java:29)',
    count: 3,
    sinceMs: 25 * minute,
    everyMs: 4 * minute,
    spoil: (order) => ({ ...order, quantity: 'two' }),
  },
];

/** Fills an empty file. Throws what the driver throws. */
export async function fillWithIncident(driver: DemoDriver, now: number, signal: AbortSignal): Promise<void> {
  await createChannels(driver, signal);
  await publishAll(driver, 'orders', orders(now), signal);
  await publishAll(driver, 'payments', payments(now), signal);
  await publishAll(driver, 'orders.dlq', inOrderOfTime([...deadLetters(now)]), signal);
  await readUntil(driver, 'billing', now, signal);
  await readUntil(driver, 'warehouse', now - warehouseStoppedMs, signal);
}

async function createChannels(driver: DriverWith<'admin'>, signal: AbortSignal): Promise<void> {
  const create = (channel: string, partitions: number, deadLetter: string | null): Promise<void> =>
    driver.admin.create({ channel, type: null, partitions, settings: {}, deadLetter }, signal);
  await create('orders.dlq', 1, null);
  await create('orders', 3, 'orders.dlq');
  await create('payments', 1, null);
}

async function publishAll(
  driver: DriverWith<'publish'>,
  channel: string,
  messages: readonly OutgoingMessage[],
  signal: AbortSignal,
): Promise<void> {
  const publisher = await driver.publish.open(
    { channel, delivery: 'at-least-once', compression: null },
    signal,
  );
  try {
    const outcomes = await publisher.send(messages);
    if (outcomes.some(({ status }) => status !== 'accepted'))
      throw new FailedError(`not every message of "${channel}" was accepted`);
  } finally {
    await publisher.close();
  }
}

/** Lets a group read and settle what is older than a time, as a consumer that stopped then. */
async function readUntil(
  driver: DriverWith<'claim'>,
  group: string,
  time: number,
  signal: AbortSignal,
): Promise<void> {
  const claiming = await driver.claim.open(
    {
      channel: 'orders',
      group,
      from: { every: { kind: 'start', shift: 0n } },
      select: null,
      follow: false,
      window: orderCount,
      leaseMs: null,
    },
    signal,
  );
  try {
    for await (const batch of claiming.batches) {
      if (batch.kind !== 'claimed') continue;
      await claiming.settle(
        batch.items.filter(({ message }) => (message.timestamp ?? 0) < time).map(({ claim }) => claim),
      );
    }
  } finally {
    await claiming.close();
  }
}

function orders(now: number): OutgoingMessage[] {
  return Array.from({ length: orderCount }, (_, at) => {
    const order = orderOf(at);
    return message(order.customer, order, now - (orderCount - at) * orderEveryMs, [
      textHeader('trace', `t-${(100_000 + at * 37).toString(36)}`),
    ]);
  });
}

function payments(now: number): OutgoingMessage[] {
  return Array.from({ length: 200 }, (_, at) => {
    const { order, customer, total } = orderOf(at * 3);
    return message(
      order,
      { order, customer, amount: total, state: 'captured' },
      now - (200 - at) * 3 * orderEveryMs,
      [],
    );
  });
}

function inOrderOfTime(messages: readonly OutgoingMessage[]): OutgoingMessage[] {
  return messages.toSorted((one, other) => (one.timestamp ?? 0) - (other.timestamp ?? 0));
}

function* deadLetters(now: number): Generator<OutgoingMessage> {
  for (const cause of causes) {
    for (let at = 0; at < cause.count; at += 1) {
      const number = (at * 19 + cause.count) % orderCount;
      const order = cause.spoil(orderOf(number), at);
      const failedAt = now - cause.sinceMs + at * cause.everyMs;
      yield message(orderOf(number).customer, order, failedAt, springHeaders(cause, at, number));
    }
  }
}

/** What Spring's DeadLetterPublishingRecoverer writes: numbers are big-endian. */
function springHeaders(cause: Cause, at: number, number: number): Header[] {
  const partition = Buffer.alloc(4);
  partition.writeInt32BE(number % 3);
  const offset = Buffer.alloc(8);
  offset.writeBigInt64BE(BigInt(Math.floor(number / 3)));
  return [
    textHeader('trace', `t-${(100_000 + number * 37).toString(36)}`),
    textHeader('kafka_dlt-original-topic', 'orders'),
    { name: 'kafka_dlt-original-partition', value: partition },
    { name: 'kafka_dlt-original-offset', value: offset },
    textHeader('kafka_dlt-original-consumer-group', 'shop'),
    textHeader('kafka_dlt-exception-fqcn', cause.errorClass),
    textHeader('kafka_dlt-exception-message', cause.text(at)),
    textHeader(
      'kafka_dlt-exception-stacktrace',
      `${cause.errorClass}: ${cause.text(at)}\n\tat java.base/java.lang.Thread.run(Thread.java:840)\n\tat ${cause.firstFrame}`,
    ),
  ];
}

function orderOf(at: number): {
  order: string;
  customer: string;
  quantity: number;
  total: number;
  currency: string;
} {
  return {
    order: `o-${(10_000 + at).toString()}`,
    customer: `c-${(100 + ((at * 7) % 83)).toString()}`,
    quantity: 1 + (at % 4),
    total: 5 + ((at * 131) % 900),
    currency: at % 5 === 0 ? 'CHF' : 'EUR',
  };
}

function message(key: string, value: object, timestamp: number, headers: readonly Header[]): OutgoingMessage {
  return {
    key: Buffer.from(key),
    value: Buffer.from(JSON.stringify(value)),
    headers,
    properties: {},
    partition: null,
    timestamp,
  };
}

function textHeader(name: string, value: string): Header {
  return { name, value: Buffer.from(value) };
}
