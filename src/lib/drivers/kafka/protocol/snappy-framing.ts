import { MalformedError, ProtocolReader } from './primitives.ts';

/** One raw block each (Snappy's format description: the length that it becomes, then literals and copies). */
export interface RawSnappy {
  snappyCompress(block: Buffer): Buffer;
  /** Trusts the length that the block gives. */
  snappyDecompress(block: Buffer): Buffer;
}

/** Java clients write blocks in the framing of xerial's snappy-java: this header, then each block behind its length. */
const magic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const headerBytes = 16;
const blockBytes = 32 * 1024;

/** Framed as Java does: blocks of at most 32 KiB before compression. */
export function snappyCompress(snappy: RawSnappy, bytes: Buffer): Buffer {
  const header = Buffer.alloc(headerBytes);
  magic.copy(header);
  // Version and lowest compatible version.
  header.writeInt32BE(1, 8);
  header.writeInt32BE(1, 12);
  const parts: Buffer[] = [header];
  for (let at = 0; at < bytes.length; at += blockBytes) {
    const block = snappy.snappyCompress(bytes.subarray(at, at + blockBytes));
    const length = Buffer.alloc(4);
    length.writeInt32BE(block.length);
    parts.push(length, block);
  }
  return Buffer.concat(parts);
}

/** Both forms: framed as Java does, or one raw block as librdkafka does. */
export function snappyDecompress(snappy: RawSnappy, bytes: Buffer, largest: number): Buffer {
  if (bytes.length < headerBytes || !bytes.subarray(0, magic.length).equals(magic)) {
    return decompressBlock(snappy, bytes, largest);
  }
  const blocks: Buffer[] = [];
  let total = 0;
  let at = headerBytes;
  while (at < bytes.length) {
    if (at + 4 > bytes.length) throw new MalformedError('a snappy block has no length');
    const length = bytes.readInt32BE(at);
    const start = at + 4;
    if (length <= 0 || start + length > bytes.length)
      throw new MalformedError('a snappy block ends too early');
    const block = decompressBlock(snappy, bytes.subarray(start, start + length), largest - total);
    total += block.length;
    blocks.push(block);
    at = start + length;
  }
  return Buffer.concat(blocks, total);
}

function decompressBlock(snappy: RawSnappy, block: Buffer, largest: number): Buffer {
  if (new ProtocolReader(block).uvarint() > largest) throw new MalformedError('it grows beyond 256 MiB');
  return snappy.snappyDecompress(block);
}
