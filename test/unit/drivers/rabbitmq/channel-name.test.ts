import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseChannelName, readableQueue } from '../../../../src/lib/drivers/rabbitmq/channel-name.ts';
import { UsageError } from '../../../../src/lib/errors.ts';

test('a name is a queue, and exchange:NAME an exchange', () => {
  assert.deepEqual(parseChannelName('orders'), { kind: 'queue', name: 'orders' });
  assert.deepEqual(parseChannelName('queue:orders'), { kind: 'queue', name: 'queue:orders' });
  assert.deepEqual(parseChannelName('exchange:orders'), { kind: 'exchange', name: 'orders' });
  assert.deepEqual(parseChannelName('exchange:'), { kind: 'exchange', name: '' });
});

test('an exchange cannot be read', () => {
  assert.equal(readableQueue('orders'), 'orders');
  assert.throws(() => readableQueue('exchange:orders'), UsageError);
});

test('a name that AMQP cannot carry is refused', () => {
  assert.throws(() => parseChannelName(''), UsageError);
  assert.throws(() => parseChannelName('é'.repeat(128)), UsageError);
  assert.equal(parseChannelName('é'.repeat(127)).kind, 'queue');
});
