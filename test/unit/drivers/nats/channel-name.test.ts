import assert from 'node:assert/strict';
import test from 'node:test';
import { parseChannelName } from '../../../../src/lib/drivers/nats/channel-name.ts';

test('a name is a stream, a subject, or what a consumer of a stream gave up', () => {
  assert.deepEqual(parseChannelName('ORDERS'), { kind: 'stream', stream: 'ORDERS' });
  assert.deepEqual(parseChannelName('orders.*'), { kind: 'subject', subject: 'orders.*' });
  assert.deepEqual(parseChannelName('subject:orders'), { kind: 'subject', subject: 'orders' });
  assert.deepEqual(parseChannelName('ORDERS/billing/dead'), {
    kind: 'dead',
    stream: 'ORDERS',
    consumer: 'billing',
  });
  assert.deepEqual(parseChannelName('orders new'), { kind: 'none' });
});

test('what is said to be a subject is one, whatever it looks like', () => {
  assert.deepEqual(parseChannelName('subject:a/b/dead'), { kind: 'subject', subject: 'a/b/dead' });
  assert.deepEqual(parseChannelName('subject:'), { kind: 'none' });
});
