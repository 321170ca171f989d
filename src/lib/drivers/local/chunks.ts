import type { OutgoingMessage } from '../../message/message.ts';

/** What goes into one database transaction: one fsync, and few enough that other processes get their turn. */
const rowsPerTransaction = 1_000;
const bytesPerTransaction = 8 * 1024 * 1024;

/** In order, each small enough for one transaction. */
export function* chunksOf(messages: readonly OutgoingMessage[]): Generator<readonly OutgoingMessage[]> {
  let first = 0;
  let bytes = 0;
  for (const [index, { key, value }] of messages.entries()) {
    bytes += (key?.byteLength ?? 0) + (value?.byteLength ?? 0);
    const size = index + 1 - first;
    if (size < rowsPerTransaction && bytes < bytesPerTransaction) continue;
    yield messages.slice(first, index + 1);
    first = index + 1;
    bytes = 0;
  }
  if (first < messages.length) yield messages.slice(first);
}
