import type { OutgoingMessage } from '../../../message/message.ts';
import { compressionNames } from './compression.ts';
import type { Codec, Compression } from './compression.ts';
import { crc32c } from './crc32c.ts';
import { batchHeaderBytes } from './record-batch.ts';

export interface BatchOptions {
  readonly compression: Compression;
  /** Of `compression`, loaded; null for none. */
  readonly codec: Codec | null;
  /** −1 without idempotence. */
  readonly producerId: bigint;
  readonly producerEpoch: number;
  /** Sequence of the first record in its partition; wraps at 2^31. −1 without idempotence. */
  readonly baseSequence: number;
  readonly transactional: boolean;
  /** For messages without a time of their own. Milliseconds since 1970. */
  readonly now: number;
}

/** A message with its headers as Kafka has them: names and values are bytes. */
export interface EncodableRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly { readonly name: Uint8Array; readonly value: Uint8Array | null }[];
  readonly timestamp: number | null;
}

/** The bytes of one record batch of version 2 (KIP-98): sizes are counted first, then one buffer is filled once. */
export function encodeBatch(records: readonly EncodableRecord[], options: BatchOptions): Buffer {
  const first = records[0];
  if (first === undefined) throw new RangeError('a batch needs a record');
  const baseTimestamp = first.timestamp ?? options.now;
  let maxTimestamp = baseTimestamp;
  let recordsBytes = 0;
  const lengths = new Int32Array(records.length);
  records.forEach((record, index) => {
    const timestamp = record.timestamp ?? options.now;
    if (timestamp > maxTimestamp) maxTimestamp = timestamp;
    const length = recordLength(record, index, timestamp - baseTimestamp);
    lengths[index] = length;
    recordsBytes += varintBytes(length) + length;
  });

  const batch = Buffer.allocUnsafe(batchHeaderBytes + recordsBytes);
  let at = batchHeaderBytes;
  records.forEach((record, index) => {
    at = writeVarint(batch, at, lengths[index] ?? 0);
    at = writeRecord(batch, at, record, index, (record.timestamp ?? options.now) - baseTimestamp);
  });
  const { codec } = options;
  const finished =
    codec === null
      ? batch
      : Buffer.concat([
          batch.subarray(0, batchHeaderBytes),
          codec.compress(batch.subarray(batchHeaderBytes)),
        ]);
  writeHeader(finished, records.length, baseTimestamp, maxTimestamp, options);
  return finished;
}

/** How many bytes this message adds to a batch at most, before compression. */
export function recordBytes(record: EncodableRecord): number {
  const largestDelta = 2 ** 31 - 1;
  const length = recordLength(record, largestDelta, 2 ** 53);
  return varintBytes(length) + length;
}

/** The record that a message becomes. Only text and plain bytes: Kafka has no typed headers. */
export function encodable(message: OutgoingMessage, bytesOf: (name: string) => Uint8Array): EncodableRecord {
  return {
    key: message.key,
    value: message.value,
    timestamp: message.timestamp === null ? null : Math.trunc(message.timestamp),
    headers: message.headers.map(({ name, value, rawName }) => ({
      name: rawName ?? bytesOf(name),
      value: value === null || value instanceof Uint8Array ? value : typedAsBytes(value),
    })),
  };
}

function typedAsBytes({
  type,
  value,
}: {
  readonly type: string;
  readonly value: unknown;
}): Uint8Array | null {
  if (value === null) return null;
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') return Buffer.from(value);
  throw new RangeError(`a header of type ${type} is not for Kafka`);
}

function writeHeader(
  batch: Buffer,
  count: number,
  baseTimestamp: number,
  maxTimestamp: number,
  options: BatchOptions,
): void {
  const attributes = compressionNames.indexOf(options.compression) | (options.transactional ? 0x10 : 0);
  batch.writeBigInt64BE(0n, 0);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt32BE(-1, 12); // the leader's epoch: the broker sets it
  batch.writeInt8(2, 16);
  batch.writeInt16BE(attributes, 21);
  batch.writeInt32BE(count - 1, 23);
  batch.writeBigInt64BE(BigInt(baseTimestamp), 27);
  batch.writeBigInt64BE(BigInt(maxTimestamp), 35);
  batch.writeBigInt64BE(options.producerId, 43);
  batch.writeInt16BE(options.producerEpoch, 51);
  batch.writeInt32BE(options.baseSequence, 53);
  batch.writeInt32BE(count, 57);
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
}

function recordLength(record: EncodableRecord, offsetDelta: number, timestampDelta: number): number {
  let length =
    1 +
    varlongBytes(timestampDelta) +
    varintBytes(offsetDelta) +
    blobBytes(record.key) +
    blobBytes(record.value) +
    varintBytes(record.headers.length);
  for (const { name, value } of record.headers) length += blobBytes(name) + blobBytes(value);
  return length;
}

function writeRecord(
  batch: Buffer,
  start: number,
  record: EncodableRecord,
  offsetDelta: number,
  timestampDelta: number,
): number {
  batch[start] = 0;
  let at = writeVarlong(batch, start + 1, timestampDelta);
  at = writeVarint(batch, at, offsetDelta);
  at = writeBlob(batch, at, record.key);
  at = writeBlob(batch, at, record.value);
  at = writeVarint(batch, at, record.headers.length);
  for (const { name, value } of record.headers) {
    at = writeBlob(batch, at, name);
    at = writeBlob(batch, at, value);
  }
  return at;
}

function blobBytes(blob: Uint8Array | null): number {
  return blob === null ? 1 : varintBytes(blob.length) + blob.length;
}

function writeBlob(batch: Buffer, at: number, blob: Uint8Array | null): number {
  if (blob === null) return writeVarint(batch, at, -1);
  const start = writeVarint(batch, at, blob.length);
  batch.set(blob, start);
  return start + blob.length;
}

function varintBytes(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  return zigzag < 0x80 ? 1 : zigzag < 0x4000 ? 2 : zigzag < 0x200000 ? 3 : zigzag < 0x10000000 ? 4 : 5;
}

function writeVarint(batch: Buffer, start: number, value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  let at = start;
  while (rest > 0x7f) {
    batch[at] = (rest & 0x7f) | 0x80;
    at += 1;
    rest >>>= 7;
  }
  batch[at] = rest;
  return at + 1;
}

/** Below this the zigzag is a plain number without a loss. */
const plainZigzag = 2 ** 52;

function varlongBytes(value: number): number {
  let bytes = 1;
  if (Math.abs(value) < plainZigzag) {
    for (let rest = zigzagOf(value); rest > 0x7f; rest = Math.floor(rest / 128)) bytes += 1;
  } else {
    for (let rest = longZigzagOf(value); rest > 0x7fn; rest >>= 7n) bytes += 1;
  }
  return bytes;
}

function writeVarlong(batch: Buffer, start: number, value: number): number {
  let at = start;
  if (Math.abs(value) < plainZigzag) {
    let rest = zigzagOf(value);
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) {
      batch[at] = (rest % 128) | 0x80;
      at += 1;
    }
    batch[at] = rest;
  } else {
    let rest = longZigzagOf(value);
    for (; rest > 0x7fn; rest >>= 7n) {
      batch[at] = Number(rest & 0x7fn) | 0x80;
      at += 1;
    }
    batch[at] = Number(rest);
  }
  return at + 1;
}

function zigzagOf(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function longZigzagOf(value: number): bigint {
  const long = BigInt(value);
  return BigInt.asUintN(64, (long << 1n) ^ (long >> 63n));
}
