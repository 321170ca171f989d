/**
 * Digest → ordinals, for a million messages in tens of megabytes: typed arrays, no objects. Digests may repeat (the same
 * message several times): then the ordinals are taken in the order in which they were added.
 */
export const digestBytes = 16;
/** A digest is kept, and compared, as so many 32-bit numbers. */
const words = digestBytes / 4;
const nothing = -1;

export class OrdinalIndex {
  // One entry for each digest…
  #digests: Int32Array;
  #sameBucket: Int32Array;
  #first: Int32Array;
  #last: Int32Array;
  #entries = 0;
  // …and one node for each ordinal, chained.
  #ordinals: Int32Array;
  #nextNode: Int32Array;
  #nodes = 0;
  #buckets: Int32Array;

  constructor(expected = 1_024) {
    const room = Math.max(16, expected);
    this.#digests = new Int32Array(room * words);
    this.#sameBucket = new Int32Array(room);
    this.#first = new Int32Array(room);
    this.#last = new Int32Array(room);
    this.#ordinals = new Int32Array(room);
    this.#nextNode = new Int32Array(room);
    this.#buckets = new Int32Array(bucketsFor(room)).fill(nothing);
  }

  /** The first 16 bytes of `digest` count. */
  add(digest: Buffer, ordinal: number): void {
    if (this.#nodes === this.#ordinals.length) {
      this.#ordinals = doubled(this.#ordinals);
      this.#nextNode = doubled(this.#nextNode);
    }
    const node = this.#nodes++;
    this.#ordinals[node] = ordinal;
    this.#nextNode[node] = nothing;
    const known = this.#entryOf(digest);
    const entry = known === nothing ? this.#newEntry(digest) : known;
    const last = this.#last[entry] ?? nothing;
    if ((this.#first[entry] ?? nothing) === nothing) this.#first[entry] = node;
    else this.#nextNode[last] = node;
    this.#last[entry] = node;
  }

  /** The next ordinal of this digest, which is then no longer there; null where none is left. */
  take(digest: Buffer): number | null {
    const entry = this.#entryOf(digest);
    const node = entry === nothing ? nothing : (this.#first[entry] ?? nothing);
    if (node === nothing) return null;
    this.#first[entry] = this.#nextNode[node] ?? nothing;
    return this.#ordinals[node] ?? null;
  }

  /** Whether `take` would find one. */
  has(digest: Buffer): boolean {
    const entry = this.#entryOf(digest);
    return entry !== nothing && (this.#first[entry] ?? nothing) !== nothing;
  }

  #entryOf(digest: Buffer): number {
    const first = digest.readInt32LE(0);
    let entry = this.#buckets[this.#bucketOf(first)] ?? nothing;
    while (entry !== nothing) {
      if (this.#digests[entry * words] === first && this.#isDigestOf(entry, digest)) return entry;
      entry = this.#sameBucket[entry] ?? nothing;
    }
    return nothing;
  }

  #isDigestOf(entry: number, digest: Buffer): boolean {
    for (let word = 1; word < words; word += 1)
      if (this.#digests[entry * words + word] !== digest.readInt32LE(word * 4)) return false;
    return true;
  }

  #newEntry(digest: Buffer): number {
    if (this.#entries === this.#sameBucket.length) this.#growEntries();
    const entry = this.#entries++;
    for (let word = 0; word < words; word += 1)
      this.#digests[entry * words + word] = digest.readInt32LE(word * 4);
    this.#first[entry] = nothing;
    this.#link(entry);
    return entry;
  }

  #growEntries(): void {
    const room = this.#sameBucket.length * 2;
    this.#digests = doubled(this.#digests);
    this.#first = doubled(this.#first);
    this.#last = doubled(this.#last);
    this.#sameBucket = new Int32Array(room);
    this.#buckets = new Int32Array(bucketsFor(room)).fill(nothing);
    for (let entry = 0; entry < this.#entries; entry += 1) this.#link(entry);
  }

  #link(entry: number): void {
    const bucket = this.#bucketOf(this.#digests[entry * words] ?? 0);
    this.#sameBucket[entry] = this.#buckets[bucket] ?? nothing;
    this.#buckets[bucket] = entry;
  }

  #bucketOf(first: number): number {
    return first & (this.#buckets.length - 1);
  }
}

function doubled(array: Int32Array): Int32Array {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}

/** A power of two, at most two entries to a bucket on average. */
function bucketsFor(room: number): number {
  return 2 ** Math.ceil(Math.log2(room));
}
