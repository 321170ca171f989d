/** A long as zigzag varint at an offset, exact: the value and where the next one begins. Throws `RangeError`. */
export function readBigLong(bytes: Uint8Array, start: number): readonly [value: bigint, end: number] {
  // In numbers as far as they go: arithmetic with each bigint costs a hundred times as much.
  let [low, high] = [0, 0];
  for (let index = 0; index < 10; index += 1) {
    const byte = bytes[start + index];
    if (byte === undefined) throw new RangeError('the bytes end within a number');
    const seven = byte & 0x7f;
    if (index < 5) low += seven * 2 ** (7 * index);
    else high += seven * 2 ** (7 * (index - 5));
    if ((byte & 0x80) === 0) {
      if (high >= 2 ** 29) break;
      const raw = (BigInt(high) << 35n) | BigInt(low);
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
