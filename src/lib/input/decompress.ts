/** Archives may be compressed: what they are is seen by their first bytes, whatever their name. */
import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';

import { FailedError, errorText } from '../errors.ts';
import type { Source } from './source.ts';

const gzipMagic = Buffer.from([0x1f, 0x8b]);
const zstdMagic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** The same source, decompressed where it is gzip or zstd. Reading throws `FailedError`, with code `TORN` where it was cut off. */
export function decompressed(source: Source): Source {
  return { name: source.name, chunks: read(source) };
}

async function* read({ name, chunks }: Source): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator = chunks[Symbol.asyncIterator]();
  const head: Uint8Array[] = [];
  let length = 0;
  let ended = false;
  while (length < zstdMagic.length && !ended) {
    const next = await iterator.next();
    ended = next.done === true;
    if (next.done === true) break;
    head.push(next.value);
    length += next.value.length;
  }
  const first = Buffer.concat(head);
  async function* all(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      if (first.length > 0) yield first;
      while (!ended) {
        const next = await iterator.next();
        ended = next.done === true;
        if (next.done !== true) yield next.value;
      }
    } finally {
      if (!ended) await iterator.return?.();
    }
  }
  const make = first.subarray(0, zstdMagic.length).equals(zstdMagic)
    ? createZstdDecompress
    : first.subarray(0, gzipMagic.length).equals(gzipMagic)
      ? createGunzip
      : null;
  if (make === null) {
    yield* all();
    return;
  }
  const input = Readable.from(all(), { objectMode: false });
  const output = make();
  // An error of reading is the one to tell.
  input.on('error', (error) => output.destroy(error));
  try {
    for await (const chunk of input.pipe(output)) yield Buffer.from(chunk);
  } catch (error) {
    if (error instanceof Error && 'code' in error && isOfCompression(error.code)) {
      const torn = error.code === 'Z_BUF_ERROR';
      throw new FailedError(
        torn ? `${name} was cut off` : `${name} cannot be decompressed: ${errorText(error)}`,
        { code: torn ? 'TORN' : 'DAMAGED', cause: error },
      );
    }
    throw error;
  } finally {
    input.destroy();
    output.destroy();
  }
}

function isOfCompression(code: unknown): boolean {
  return (
    typeof code === 'string' && (code.startsWith('Z_') || code.startsWith('ZSTD_') || code === 'ERR_ZLIB')
  );
}
