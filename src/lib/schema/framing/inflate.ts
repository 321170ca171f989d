import { inflateSync } from 'node:zlib';
import { errorText } from '../../errors.ts';
import { PayloadError } from '../errors.ts';

/** More than any message that a broker takes. */
const mostBytes = 64 * 1024 * 1024;

/** zlib, bounded: a few bytes may claim gigabytes. Throws `PayloadError`. */
export function inflate(bytes: Uint8Array): Uint8Array {
  try {
    return inflateSync(bytes, { maxOutputLength: mostBytes });
  } catch (error) {
    throw new PayloadError('compression', `its compressed bytes cannot be read: ${errorText(error)}`);
  }
}
