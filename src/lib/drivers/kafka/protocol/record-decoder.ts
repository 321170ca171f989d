import { isUtf8 } from 'node:buffer';
import type { Header } from '../../../message/message.ts';
import { MalformedError } from './primitives.ts';

/** A record of a batch, before it becomes a message. Bytes are views. */
export interface KafkaRecord {
  readonly offset: number;
  /** Milliseconds since 1970 by the producer's clock; −1 where it set none. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly Header[];
}

const noHeaders: readonly Header[] = [];

/**
 * Reads the records of a batch, decompressed, with an offset of at least `from` and below `until`, and gives each to
 * `take`, which makes what is kept of it (protocol guide, "Record"). Written flat, without a reader object: this runs
 * once for each record. Throws `MalformedError`.
 */
export function decodeRecords<Item>(
  bytes: Buffer,
  batch: { readonly baseOffset: number; readonly baseTimestamp: number; readonly recordCount: number },
  from: number,
  until: number,
  take: (
    offset: number,
    timestamp: number,
    key: Buffer | null,
    value: Buffer | null,
    headers: readonly Header[],
  ) => Item,
): Item[] {
  const { baseOffset, baseTimestamp } = batch;
  const items: Item[] = [];
  let at = 0;

  /** VARINT: zigzag, 32 bits. */
  const varint = (): number => {
    const first = bytes[at] ?? endsEarly();
    at += 1;
    if (first < 0x80) return (first >>> 1) ^ -(first & 1);
    let value = first & 0x7f;
    for (let shift = 7; ; shift += 7) {
      const byte = bytes[at] ?? endsEarly();
      at += 1;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
      if (shift >= 28) throw new MalformedError('a varint of more than 32 bits');
    }
  };

  /** VARLONG: zigzag, 64 bits; as a number, which is exact for all times that a date has. */
  const varlong = (): number => {
    let value = 0;
    for (let scale = 1; scale < 2 ** 49; scale *= 128) {
      const byte = bytes[at] ?? endsEarly();
      at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
    let long = BigInt(value);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = bytes[at] ?? endsEarly();
      at += 1;
      long |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asIntN(64, (long >> 1n) ^ -(long & 1n)));
    }
    throw new MalformedError('a varint of more than 64 bits');
  };

  const view = (length: number, end: number): Buffer => {
    const start = at;
    at += length;
    if (at > end) endsEarly();
    return bytes.subarray(start, at);
  };

  for (let index = 0; index < batch.recordCount; index += 1) {
    const length = varint();
    const end = at + length;
    if (length < 0 || end > bytes.length) endsEarly();
    at += 1; // attributes: none are defined
    const timestampDelta = varlong();
    const offset = baseOffset + varint();
    if (offset >= until) break;
    if (offset >= from) {
      const keyLength = varint();
      const key = keyLength < 0 ? null : view(keyLength, end);
      const valueLength = varint();
      const value = valueLength < 0 ? null : view(valueLength, end);
      const headerCount = varint();
      let headers = noHeaders;
      if (headerCount !== 0) {
        if (headerCount < 0 || headerCount > end - at)
          throw new MalformedError(`${String(headerCount)} headers`);
        const list: Header[] = [];
        for (let header = 0; header < headerCount; header += 1) {
          const nameBytes = view(nonNegative(varint()), end);
          const headerLength = varint();
          list.push(namedHeader(nameBytes, headerLength < 0 ? null : view(headerLength, end)));
        }
        headers = list;
      }
      items.push(take(offset, baseTimestamp + timestampDelta, key, value, headers));
    }
    at = end;
  }
  return items;
}

function namedHeader(nameBytes: Buffer, value: Buffer | null): Header {
  const name = nameBytes.toString('utf8');
  // U+FFFD is what bytes that are no text become, and may also be in a text: only then is the check worth its time.
  if (name.includes('\uFFFD') && !isUtf8(nameBytes)) return { name, value, rawName: nameBytes };
  return { name, value };
}

function nonNegative(length: number): number {
  return length < 0 ? endsEarly() : length;
}

function endsEarly(): never {
  throw new MalformedError('a record does not end where its batch says');
}
