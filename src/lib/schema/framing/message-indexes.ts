/**
 * Which message of a .proto file a payload is, in Confluent's frame: zigzag varints, their count and then each index.
 * The first message is `[0]`, written as a single `00`; the long form `02 00` is understood, too.
 */
import { PayloadError } from '../errors.ts';

const mostIndexes = 64;

export interface MessageIndexes {
  readonly indexes: readonly number[];
  /** What follows them. */
  readonly payload: Uint8Array;
}

/** Throws `PayloadError`. */
export function readMessageIndexes(bytes: Uint8Array): MessageIndexes {
  let position = 0;
  const read = (): number => {
    let raw = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = bytes[position++];
      if (byte === undefined) throw new PayloadError('truncated', 'the bytes end within the message indexes');
      raw += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
    }
    throw new PayloadError('message-index', 'a message index is no 32-bit number');
  };
  const count = read();
  if (count < 0 || count > mostIndexes)
    throw new PayloadError('message-index', `${count.toString()} message indexes are claimed`);
  const indexes = count === 0 ? [0] : Array.from({ length: count }, read);
  return { indexes, payload: bytes.subarray(position) };
}

/** From the outermost message to the one that is meant, each from 0; none of them is the first message, too. */
export function writeMessageIndexes(indexes: readonly number[]): Uint8Array {
  if (indexes.length === 1 && indexes[0] === 0) return Buffer.from([0]);
  return Buffer.from([indexes.length, ...indexes].flatMap(zigzag));
}

function zigzag(value: number): number[] {
  const bytes: number[] = [];
  for (let raw = value * 2; ; raw = Math.floor(raw / 128)) {
    if (raw < 128) return [...bytes, raw];
    bytes.push((raw % 128) | 0x80);
  }
}
