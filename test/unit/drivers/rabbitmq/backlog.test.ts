import assert from 'node:assert/strict';
import { test } from 'node:test';
import { queueBacklog } from '../../../../src/lib/drivers/rabbitmq/backlog.ts';
import { parseQueue } from '../../../../src/lib/drivers/rabbitmq/queue-facts.ts';
import { classicQueue, quorumQueue, streamQueue } from './management-answers.ts';

test('what the queue itself says is ready goes before the older statistics', () => {
  const [partition] = queueBacklog(parseQueue(classicQueue), { ready: 9, consumers: 4 }).partitions;
  assert.equal(partition?.waiting, 9);
  assert.equal(partition.inFlight, 1);
  assert.equal(queueBacklog(parseQueue(classicQueue), { ready: 9, consumers: 4 }).members, 4);
  assert.equal(queueBacklog(parseQueue(classicQueue), { ready: 9, consumers: 4 }).approximate, false);
  assert.equal(queueBacklog(parseQueue(classicQueue), null).partitions[0]?.waiting, 2);
  assert.equal(queueBacklog(parseQueue(classicQueue), null).approximate, true);
});

test('the oldest message is known of a classic queue, by its publisher’s clock', () => {
  const { partitions, unknown } = queueBacklog(parseQueue(classicQueue), null);
  assert.deepEqual(partitions[0]?.oldest, { at: 1_700_000_000_000, clock: 'create' });
  assert.deepEqual(unknown, []);
});

test('the oldest message of a quorum queue is unknown, and said to be', () => {
  const { partitions, unknown } = queueBacklog(parseQueue(quorumQueue), null);
  assert.equal(partitions[0]?.oldest, null);
  assert.ok(unknown.some((line) => line.startsWith('oldest: ')));
});

test('an empty queue has no oldest message, whatever the statistics still say', () => {
  const { partitions, unknown } = queueBacklog(parseQueue(classicQueue), { ready: 0, consumers: 1 });
  assert.equal(partitions[0]?.oldest, null);
  assert.ok(!unknown.some((line) => line.startsWith('oldest: ')));
});

test('a stream keeps what was read: nothing waits, and that is said', () => {
  const { partitions, unknown } = queueBacklog(parseQueue(streamQueue), null);
  assert.equal(partitions[0]?.waiting, null);
  assert.ok(unknown.some((line) => line.startsWith('waiting: ')));
});

test('how long messages are kept comes from the time to live, and of a stream from its maximal age', () => {
  assert.equal(queueBacklog(parseQueue(classicQueue), null).partitions[0]?.retentionMs, 600_000);
  assert.equal(queueBacklog(parseQueue(streamQueue), null).partitions[0]?.retentionMs, 7 * 86_400_000);
  assert.equal(queueBacklog(parseQueue(quorumQueue), null).partitions[0]?.retentionMs, null);
});
