/** A long as zigzag varint at an offset, exact: the value and where the next one begins. Throws `RangeError`. */
export function readBigLong(bytes: Uint8Array, start: number): readonly [value: bigint, end: number] {
  let raw = 0n;
  for (let index = 0; index < 10; index += 1) {
    const byte = bytes[start + index];
    if (byte === undefined) throw new RangeError('the bytes end within a number');
    raw |= BigInt(byte & 0x7f) << BigInt(7 * index);
    if ((byte & 0x80) === 0) {
      if (raw >> 64n !== 0n) break;
      return [(raw >> 1n) ^ -(raw & 1n), start + index + 1];
    }
  }
  throw new RangeError('a number has more than 64 bits');
}

/** Zigzag varint of a 64-bit integer. */
export function bigLongBytes(value: bigint): Buffer {
  let raw = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  const bytes: number[] = [];
  do {
    const low = Number(raw & 0x7fn);
    raw >>= 7n;
    bytes.push(raw === 0n ? low : low | 0x80);
  } while (raw !== 0n);
  return Buffer.from(bytes);
}
