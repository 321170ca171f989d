import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordBatches } from '../../../../../src/lib/drivers/kafka/protocol/record-batch.ts';
import type { RecordBatch } from '../../../../../src/lib/drivers/kafka/protocol/record-batch.ts';
import { encodeBatch } from '../../../../../src/lib/drivers/kafka/protocol/record-encoder.ts';
import { TransactionFilter } from '../../../../../src/lib/drivers/kafka/protocol/transaction-filter.ts';

interface Shape {
  readonly at: number;
  readonly producer: bigint;
  readonly transactional?: boolean;
  readonly marker?: 'abort' | 'commit';
}

function batchOf({ at, producer, transactional = true, marker }: Shape): RecordBatch {
  const key = marker === undefined ? Buffer.from('k') : Buffer.from([0, 0, 0, marker === 'abort' ? 0 : 1]);
  const bytes = encodeBatch([{ key, value: null, headers: [], timestamp: 0 }], {
    compression: 'none',
    codec: null,
    producerId: producer,
    producerEpoch: 0,
    baseSequence: 0,
    transactional,
    now: 0,
  });
  const [batch] = recordBatches(bytes);
  assert.ok(batch !== undefined);
  return { ...batch, baseOffset: at, lastOffset: at, control: marker !== undefined };
}

function seen(aborted: { producerId: bigint; firstOffset: number }[], shapes: readonly Shape[]): number[] {
  const filter = new TransactionFilter(aborted);
  return shapes.filter((shape) => filter.sees(batchOf(shape))).map(({ at }) => at);
}

test('an aborted transaction is hidden up to its marker, others and later ones are seen', () => {
  const offsets = seen(
    [{ producerId: 1n, firstOffset: 2 }],
    [
      { at: 0, producer: 1n },
      { at: 1, producer: 1n, marker: 'commit' },
      { at: 2, producer: 1n },
      { at: 3, producer: 2n },
      { at: 4, producer: 1n },
      { at: 5, producer: 1n, marker: 'abort' },
      { at: 6, producer: 1n },
      { at: 7, producer: 1n, transactional: false },
    ],
  );
  assert.deepEqual(offsets, [0, 3, 6, 7]);
});

test('a transaction that began before what is read is hidden, too', () => {
  assert.deepEqual(seen([{ producerId: 1n, firstOffset: 3 }], [{ at: 10, producer: 1n }]), []);
});

test('markers are seen by nobody', () => {
  assert.deepEqual(seen([], [{ at: 0, producer: 1n, marker: 'commit' }]), []);
});
