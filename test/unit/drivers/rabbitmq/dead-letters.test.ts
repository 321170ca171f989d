import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  deadLetterTarget,
  readDeath,
  readDeaths,
} from '../../../../src/lib/drivers/rabbitmq/dead-letters.ts';
import { parseQueue } from '../../../../src/lib/drivers/rabbitmq/queue-facts.ts';
import type { Header, HeaderValue, Message } from '../../../../src/lib/message/message.ts';
import { classicQueue, quorumQueue, streamQueue } from './management-answers.ts';

const text = (value: string): Uint8Array => Buffer.from(value);

function table(entries: Readonly<Record<string, HeaderValue>>): HeaderValue {
  return { type: 'table', value: Object.entries(entries).map(([name, value]) => ({ name, value })) };
}

function death(queue: string, reason: string, count: number, seconds: number): HeaderValue {
  return table({
    count: { type: 'int64', value: String(count) },
    reason: text(reason),
    queue: text(queue),
    time: { type: 'timestamp', value: String(seconds) },
    exchange: text(''),
    'routing-keys': { type: 'array', value: [text(queue)] },
  });
}

function deadMessage(deaths: readonly HeaderValue[], others: readonly Header[] = []): Message {
  return {
    channel: 'orders.dead',
    partition: null,
    offset: null,
    id: null,
    timestamp: null,
    timestampType: null,
    key: null,
    value: text('{}'),
    headers: [
      { name: 'trace', value: text('abc') },
      ...(deaths.length === 0 ? [] : [{ name: 'x-death', value: { type: 'array', value: deaths } }]),
      ...others,
    ],
    properties: {},
    delivery: { count: null, redelivered: false },
    deadLetter: null,
  };
}

test('a rejected message names its queue, its reason, how often it was rejected, and when first', () => {
  assert.deepEqual(readDeath(deadMessage([death('orders', 'rejected', 3, 1_795_245_975)])), {
    reason: 'rejected',
    class: null,
    message: null,
    attempts: 3,
    origin: { channel: 'orders', partition: null, offset: null },
    consumer: null,
    at: 1_795_245_975_000,
  });
});

test('a wait in a retry queue does not hide the consumer that failed', () => {
  const read = readDeath(
    deadMessage([
      death('orders.retry', 'expired', 2, 1_795_245_979),
      death('orders', 'rejected', 2, 1_795_245_978),
    ]),
  );
  assert.equal(read?.reason, 'rejected');
  assert.equal(read.origin.channel, 'orders');
});

test('what expired or overflowed was attempted nobody knows how often', () => {
  for (const reason of ['expired', 'maxlen', 'delivery_limit']) {
    const read = readDeath(deadMessage([death('orders', reason, 2, 1)]));
    assert.equal(read?.reason, reason);
    assert.equal(read.attempts, null);
  }
});

test('without x-death, the first death’s own headers speak', () => {
  const read = readDeath(
    deadMessage(
      [],
      [
        { name: 'x-first-death-queue', value: text('orders') },
        { name: 'x-first-death-reason', value: text('expired') },
      ],
    ),
  );
  assert.equal(read?.reason, 'expired');
  assert.equal(read.origin.channel, 'orders');
});

test('a message that never died has no cause of death', () => {
  assert.equal(readDeath(deadMessage([])), null);
});

test('routing keys and exchange of each death are kept, newest first', () => {
  const deaths = readDeaths(
    deadMessage([death('orders.retry', 'expired', 2, 2), death('orders', 'rejected', 1, 1)]).headers,
  );
  assert.deepEqual(
    deaths.map(({ queue, routingKeys, exchange }) => ({ queue, routingKeys, exchange })),
    [
      { queue: 'orders.retry', routingKeys: ['orders.retry'], exchange: '' },
      { queue: 'orders', routingKeys: ['orders'], exchange: '' },
    ],
  );
});

test('an x-death that someone made up is read as far as it makes sense', () => {
  for (const value of [
    null,
    text('rejected'),
    { type: 'array', value: [text('x'), null, { type: 'int8', value: '1' }] },
    { type: 'table', value: [{ name: 'queue', value: text('q') }] },
    {
      type: 'array',
      value: [table({ count: text('many'), time: { type: 'timestamp', value: '9'.repeat(20) } })],
    },
  ] satisfies HeaderValue[]) {
    const message = deadMessage([], [{ name: 'x-death', value }]);
    const read = readDeath(message);
    assert.equal(read?.attempts ?? null, null);
    assert.equal(read?.at ?? null, null);
  }
});

test('dead letters go where the argument says, else the policy', () => {
  assert.deepEqual(deadLetterTarget(parseQueue(classicQueue)), {
    exchange: '',
    routingKey: 'orders.dead',
    how: 'x-dead-letter-exchange',
  });
  assert.deepEqual(deadLetterTarget(parseQueue(quorumQueue)), {
    exchange: 'dlx',
    routingKey: null,
    how: 'policy payments-dlx, exchange dlx',
  });
  const both = { ...quorumQueue, arguments: { 'x-dead-letter-exchange': 'own' } };
  assert.equal(deadLetterTarget(parseQueue(both))?.exchange, 'own');
  assert.equal(deadLetterTarget(parseQueue(streamQueue)), null);
});
