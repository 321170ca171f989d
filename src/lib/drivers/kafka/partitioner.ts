/** Bytes after which messages without a key go to another partition, so that batches are full and the load is spread (KIP-480). */
const stickyBytes = 64 * 1024;

/** Where messages go that name no partition: as the Java client's default does, so that one key has one partition. */
export class Partitioner {
  #sticky = -1;
  #stuck = 0;

  /** `partitions` are all of the topic; `available` those with a leader. `bytes` is the message's size. */
  choose(
    key: Uint8Array | null,
    bytes: number,
    partitions: readonly number[],
    available: readonly number[],
  ): number {
    if (key !== null) return partitions[(murmur2(key) & 0x7fffffff) % partitions.length] ?? 0;
    const candidates = available.length > 0 ? available : partitions;
    if (this.#stuck >= stickyBytes || !candidates.includes(this.#sticky)) {
      const others = candidates.length > 1 ? candidates.filter((each) => each !== this.#sticky) : candidates;
      this.#sticky = others[Math.floor(Math.random() * others.length)] ?? 0;
      this.#stuck = 0;
    }
    this.#stuck += bytes;
    return this.#sticky;
  }
}

/** MurmurHash2 with the seed of Kafka's Java client (`Utils.murmur2`), as a signed 32-bit number. */
export function murmur2(bytes: Uint8Array): number {
  const multiplier = 0x5bd1e995;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wholeEnd = bytes.length - (bytes.length % 4);
  let hash = 0x9747b28c ^ bytes.length;
  for (let at = 0; at < wholeEnd; at += 4) {
    let word = Math.imul(view.getInt32(at, true), multiplier);
    word = Math.imul(word ^ (word >>> 24), multiplier);
    hash = Math.imul(hash, multiplier) ^ word;
  }
  const rest = bytes.length - wholeEnd;
  if (rest >= 3) hash ^= view.getUint8(wholeEnd + 2) << 16;
  if (rest >= 2) hash ^= view.getUint8(wholeEnd + 1) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ view.getUint8(wholeEnd), multiplier);
  hash = Math.imul(hash ^ (hash >>> 13), multiplier);
  return hash ^ (hash >>> 15);
}
