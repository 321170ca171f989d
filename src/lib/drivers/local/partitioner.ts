/** The 32-bit FNV-1a hash (http://www.isthe.com/chongo/tech/comp/fnv/): the same key is in the same partition for ever. */
function hash(bytes: Uint8Array): number {
  let state = 0x811c9dc5;
  for (const byte of bytes) state = Math.imul(state ^ byte, 0x01000193);
  return state >>> 0;
}

/** The number of the key's partition, from 0. */
export function partitionOfKey(key: Uint8Array, partitions: number): number {
  return hash(key) % partitions;
}

/** A partition's number from its text; null where the channel has not got it. */
export function partitionNumber(text: string, partitions: number): number | null {
  if (!/^(0|[1-9][0-9]{0,8})$/.test(text)) return null;
  const number = Number(text);
  return number < partitions ? number : null;
}
