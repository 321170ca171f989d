import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { MalformedError } from './primitives.ts';
import { lz4FrameBound } from './lz4-frame.ts';
import { snappyCompress, snappyDecompress } from './snappy-framing.ts';

/** Codecs by their number in a batch's attributes. */
export const compressionNames = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type Compression = (typeof compressionNames)[number];

/** A batch never grows beyond this when decompressed: brokers take batches of a megabyte by default. */
const largestBatch = 256 * 1024 * 1024;

export interface Codec {
  compress(records: Buffer): Buffer;
  /** Throws `MalformedError` for bytes that are not of this codec, or that grow beyond any batch. */
  decompress(records: Buffer): Buffer;
}

/** Loads what a codec needs, once, so that decoding itself need not wait. */
export async function loadCodec(compression: Compression): Promise<Codec | null> {
  switch (compression) {
    case 'none':
      return null;
    case 'gzip':
      return guarded(gzipSync, (records) => gunzipSync(records, { maxOutputLength: largestBatch }));
    case 'zstd':
      return guarded(zstdCompressSync, (records) =>
        zstdDecompressSync(records, { maxOutputLength: largestBatch }),
      );
    case 'snappy': {
      const snappy = await import('@platformatic/wasm-utils/bundled');
      return guarded(
        (records) => snappyCompress(snappy, records),
        (records) => snappyDecompress(snappy, records, largestBatch),
      );
    }
    case 'lz4': {
      const lz4 = await import('@platformatic/wasm-utils/bundled');
      return guarded(lz4.lz4Compress, (records) => {
        if (lz4FrameBound(records) > largestBatch) throw new MalformedError('it grows beyond 256 MiB');
        return lz4.lz4Decompress(records);
      });
    }
  }
}

function guarded(compress: (records: Buffer) => Buffer, decompress: (records: Buffer) => Buffer): Codec {
  return {
    compress,
    decompress(records) {
      try {
        return decompress(records);
      } catch (thrown) {
        if (thrown instanceof MalformedError) throw thrown;
        const { name, message } = thrown instanceof Error ? thrown : new Error(String(thrown));
        // WebAssembly's `RuntimeError` has no text of its own.
        throw new MalformedError(name === 'RuntimeError' ? 'its compressed bytes are damaged' : message);
      }
    },
  };
}
