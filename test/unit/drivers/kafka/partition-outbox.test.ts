import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PartitionOutbox } from '../../../../src/lib/drivers/kafka/partition-outbox.ts';
import type { OutboxBatch } from '../../../../src/lib/drivers/kafka/partition-outbox.ts';

let producers = 0n;

function outboxWith(count: number): PartitionOutbox {
  const outbox = new PartitionOutbox(0, () => ({ producerId: (producers += 1n), epoch: 0 }));
  for (let index = 0; index < count; index += 1) {
    const record = { key: null, value: Buffer.from(String(index)), headers: [], timestamp: null };
    outbox.push({ record, bytes: 1, settle: () => undefined });
  }
  return outbox;
}

/** Batches of two messages each. */
function take(outbox: PartitionOutbox): OutboxBatch {
  const batch = outbox.take(2, 1_000);
  assert.ok(batch !== null, 'there is a batch to send');
  return batch;
}

function texts(batch: OutboxBatch): string {
  return batch.items.map(({ record }) => String(record.value)).join(' ');
}

test('five batches are on their way at most, with sequences in a row', () => {
  const outbox = outboxWith(20);
  const batches = Array.from({ length: 5 }, () => take(outbox));
  assert.deepEqual(
    batches.map(({ baseSequence }) => baseSequence),
    [0, 2, 4, 6, 8],
  );
  assert.equal(outbox.take(2, 1_000), null);
});

test('after a failure all that was on its way goes out again in order, with the same sequences', () => {
  const outbox = outboxWith(8);
  const [first, second, third] = [take(outbox), take(outbox), take(outbox)];
  outbox.accepted(first);
  outbox.failed(third);
  assert.equal(outbox.take(2, 1_000), null, 'the second is still on its way');
  outbox.failed(second);
  const again = take(outbox);
  assert.deepEqual([texts(again), again.baseSequence], ['2 3', 2]);
  assert.equal(outbox.take(2, 1_000), null, 'one by one');
  outbox.accepted(again);
  const next = take(outbox);
  assert.deepEqual([texts(next), next.baseSequence], ['4 5', 4]);
  outbox.accepted(next);
  assert.equal(texts(take(outbox)), '6 7');
});

test('what was refused leaves no gap in the sequences', () => {
  const outbox = outboxWith(4);
  const [refused, behind] = [take(outbox), take(outbox)];
  outbox.dropped(refused);
  outbox.failed(behind);
  assert.equal(take(outbox).baseSequence, 0);
});

test('a batch in halves keeps its place', () => {
  const outbox = outboxWith(4);
  const [split, behind] = [take(outbox), take(outbox)];
  outbox.failed(split, [split.items.slice(0, 1), split.items.slice(1)]);
  outbox.failed(behind);
  const order: string[] = [];
  for (let index = 0; index < 3; index += 1) {
    const batch = take(outbox);
    order.push(`${texts(batch)}@${String(batch.baseSequence)}`);
    outbox.accepted(batch);
  }
  assert.deepEqual(order, ['0@0', '1@1', '2 3@2']);
  assert.ok(outbox.idle);
});

test('an unanswered batch of which a later one was accepted was written', () => {
  const outbox = outboxWith(4);
  const [unanswered, later] = [take(outbox), take(outbox)];
  unanswered.uncertain = true;
  outbox.failed(unanswered);
  assert.deepEqual(outbox.accepted(later), [unanswered]);
  assert.ok(outbox.idle);
});

test('with a new producer id it begins at sequence 0, and what may have been written is handed back', () => {
  const outbox = outboxWith(6);
  const [maybe, not] = [take(outbox), take(outbox)];
  maybe.uncertain = true;
  outbox.renew();
  outbox.failed(maybe);
  assert.deepEqual(outbox.renewed(), [], 'not before everything is back');
  outbox.failed(not);
  assert.deepEqual(outbox.renewed(), [maybe]);
  const again = take(outbox);
  assert.deepEqual([texts(again), again.baseSequence], ['2 3', 0]);
  assert.notEqual(again.producer.producerId, not.producer.producerId);
});

test('batches whose time is over are taken out once nothing is on its way', () => {
  const outbox = outboxWith(4);
  const [old, other] = [take(outbox), take(outbox)];
  outbox.failed(old);
  assert.deepEqual(outbox.expired(2_000), []);
  outbox.accepted(other);
  assert.deepEqual(outbox.expired(500), []);
  assert.deepEqual(outbox.expired(2_000), [old]);
});
