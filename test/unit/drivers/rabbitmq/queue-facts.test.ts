import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseQueue, queueSettings } from '../../../../src/lib/drivers/rabbitmq/queue-facts.ts';
import { classicQueue, quorumQueue, streamQueue } from './management-answers.ts';

test('a classic queue tells its counts, its rates, the time of its first message and its consumers', () => {
  const queue = parseQueue(classicQueue);
  assert.equal(queue.name, 'orders');
  assert.equal(queue.type, 'classic');
  assert.deepEqual([queue.ready, queue.unacknowledged, queue.messages, queue.bytes], [2, 1, 3, 12]);
  assert.equal(queue.rateIn, 3);
  assert.equal(queue.headTimestamp, 1_700_000_000_000);
  assert.deepEqual(queue.consumerList, [
    {
      tag: 'worker-1',
      prefetch: 7,
      active: true,
      channelName: '127.0.0.1:53422 -> 127.0.0.1:5672 (1)',
      connectionName: '127.0.0.1:53422 -> 127.0.0.1:5672',
      host: '127.0.0.1',
    },
  ]);
});

test('the rate out counts what is acknowledged and what needs no acknowledgement', () => {
  assert.equal(parseQueue(classicQueue).rateOut, 2);
});

test('a queue that was never used has no rates: unknown, not 0', () => {
  const queue = parseQueue(quorumQueue);
  assert.equal(queue.rateIn, null);
  assert.equal(queue.rateOut, null);
});

test('counts that are missing are unknown', () => {
  const queue = parseQueue({ name: 'new', type: 'quorum', arguments: [], consumer_details: [] });
  assert.deepEqual(
    [queue.ready, queue.messages, queue.consumers, queue.headTimestamp],
    [null, null, null, null],
  );
  assert.deepEqual(queue.arguments, {});
});

test('fields of a wrong type are unknown, and no answer breaks the reader', () => {
  const queue = parseQueue({ name: 7, messages: '3', members: [1, 'a'], consumer_details: 'x', policy: {} });
  assert.deepEqual([queue.name, queue.messages, queue.members, queue.policy], ['', null, ['a'], null]);
  for (const odd of [null, [], 'text', 5]) assert.equal(parseQueue(odd).name, '');
});

test('settings show arguments, the policy and what it sets, and the members that are down', () => {
  assert.deepEqual(queueSettings(parseQueue(quorumQueue)), {
    type: 'quorum',
    durable: 'true',
    'x-delivery-limit': '5',
    policy: 'payments-dlx',
    'policy:dead-letter-exchange': 'dlx',
    'policy:max-length': '1000',
    leader: 'rabbit@one',
    members: 'rabbit@one, rabbit@two, rabbit@three',
    'members down': 'rabbit@two',
  });
});

test('a delivery limit that nobody declared is shown as the broker applies it', () => {
  const settings = queueSettings(parseQueue({ ...quorumQueue, arguments: {}, delivery_limit: 20 }));
  assert.equal(settings['delivery-limit'], '20');
});

test('a stream is told by its type', () => {
  assert.equal(parseQueue(streamQueue).type, 'stream');
});
