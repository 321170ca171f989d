import type { FetchedPartition } from './fetch.ts';
import { decodeRecords } from './record-decoder.ts';
import type { RecordBatch } from './record-batch.ts';

/**
 * Which batches of one Fetch answer a reader of committed records may see (KIP-98): not those of a transaction
 * that the answer names as aborted, from its first offset up to its abort marker.
 */
export class TransactionFilter {
  readonly #pending: { readonly producerId: bigint; readonly firstOffset: number }[];
  readonly #aborting = new Set<bigint>();

  constructor(aborted: FetchedPartition['aborted']) {
    this.#pending = [...aborted].sort((one, other) => one.firstOffset - other.firstOffset);
  }

  /** Asked for every batch, front to back. Control batches are seen by nobody. */
  sees(batch: RecordBatch): boolean {
    for (
      let [next] = this.#pending;
      next !== undefined && next.firstOffset <= batch.lastOffset;
      [next] = this.#pending
    ) {
      this.#aborting.add(next.producerId);
      this.#pending.shift();
    }
    if (batch.control) {
      if (isAbort(batch)) this.#aborting.delete(batch.producerId);
      return false;
    }
    return !(batch.transactional && this.#aborting.has(batch.producerId));
  }
}

/** The key of a control record: its version and its type, of which 0 is an abort. */
function isAbort(batch: RecordBatch): boolean {
  const [type] = decodeRecords(batch.records, batch, 0, Infinity, (_offset, _timestamp, key) =>
    key !== null && key.length >= 4 ? key.readInt16BE(2) : -1,
  );
  return type === 0;
}
