import { crc32c } from './crc32c.ts';
import { compressionNames } from './compression.ts';
import type { Compression } from './compression.ts';
import { MalformedError } from './primitives.ts';

/**
 * The header of a record batch, version 2 ("magic 2", KIP-98; protocol guide, "Record Batch"). Offsets are plain
 * numbers: one beyond 2^53 is refused as malformed.
 */
export interface RecordBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly compression: Compression;
  /** The broker's clock (LogAppendTime), which is then `maxTimestamp` for every record, or the producer's. */
  readonly appendTime: boolean;
  readonly transactional: boolean;
  /** Marks the end of a transaction, holds nothing for readers. */
  readonly control: boolean;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  readonly producerId: bigint;
  readonly recordCount: number;
  /** What follows the header, still compressed: a view. */
  readonly records: Buffer;
}

export const batchHeaderBytes = 61;
/** Up to and with `magic`: what every version of the format has in the same place. */
const magicEnd = 17;
const crcStart = 17;
const crcCovers = 21;

/**
 * The whole batches of a Fetch response, front to back. A batch that is cut at the end is normal: the broker fills a
 * size, not batches. Throws `MalformedError` for a wrong checksum or an unknown format.
 */
export function* recordBatches(bytes: Buffer): Generator<RecordBatch> {
  let at = 0;
  while (at + magicEnd <= bytes.length) {
    const length = bytes.readInt32BE(at + 8);
    const end = at + 12 + length;
    if (length < magicEnd - 12) throw new MalformedError(`a batch of ${String(length)} bytes`);
    if (end > bytes.length) return;
    yield recordBatch(bytes.subarray(at, end));
    at = end;
  }
}

function recordBatch(bytes: Buffer): RecordBatch {
  const magic = bytes.readInt8(16);
  if (magic === 0 || magic === 1) {
    throw new MalformedError(
      `it is in the message format ${String(magic)} of before Kafka 0.11, which mqctl does not read`,
    );
  }
  if (magic !== 2) throw new MalformedError(`unknown message format ${String(magic)}`);
  if (bytes.length < batchHeaderBytes) throw new MalformedError('a batch without a whole header');
  const baseOffset = safeNumber(bytes.readBigInt64BE(0), 'offset');
  if (bytes.readUInt32BE(crcStart) !== crc32c(bytes.subarray(crcCovers))) {
    throw new MalformedError(`the checksum of the batch at offset ${String(baseOffset)} is wrong`);
  }
  const attributes = bytes.readInt16BE(21);
  const compression = compressionNames[attributes & 7];
  if (compression === undefined) throw new MalformedError(`unknown compression ${String(attributes & 7)}`);
  return {
    baseOffset,
    lastOffset: baseOffset + bytes.readInt32BE(23),
    compression,
    appendTime: (attributes & 0x08) !== 0,
    transactional: (attributes & 0x10) !== 0,
    control: (attributes & 0x20) !== 0,
    baseTimestamp: Number(bytes.readBigInt64BE(27)),
    maxTimestamp: Number(bytes.readBigInt64BE(35)),
    producerId: bytes.readBigInt64BE(43),
    recordCount: bytes.readInt32BE(57),
    records: bytes.subarray(batchHeaderBytes),
  };
}

function safeNumber(value: bigint, what: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 0) throw new MalformedError(`${what} ${String(value)}`);
  return number;
}
