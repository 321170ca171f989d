import { deflateRawSync, inflateRawSync } from 'node:zlib';

/** Offsets from `first` to and with `last`. */
interface Range {
  readonly first: number;
  readonly last: number;
}

/** So many offsets are one block, where a set is kept in parts: a bitmap of them is a kilobyte. */
export const blockOffsets = 8_192;

/**
 * Which offsets of a partition are done with: all below the watermark, and a set above it. A committed offset says the
 * first, its metadata the second: a version, when the broker may forget it, and the set deflated, as ranges or as a bitmap,
 * whichever is shorter.
 *
 *     1r.<expiry, milliseconds since 1970 in base 36, or nothing>.<base64>
 */
export class ResolvedSet {
  #watermark: number;
  /** Above the watermark, in order, never touching each other. */
  #ranges: Range[] = [];
  /** Blocks with something that `takeChanged` did not tell of. */
  #changed = new Set<number>();

  constructor(watermark: number) {
    this.#watermark = watermark;
  }

  /** The lowest offset that is not done with. */
  get watermark(): number {
    return this.#watermark;
  }

  /** How many there are above the watermark. */
  get size(): number {
    return this.#ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  }

  has(offset: number): boolean {
    if (offset < this.#watermark) return true;
    const range = this.#ranges[this.#indexFrom(offset)];
    return range !== undefined && range.first <= offset;
  }

  add(offset: number): void {
    this.addRange(offset, offset);
  }

  /** `last` included; an empty range adds nothing. */
  addRange(first: number, last: number): void {
    if (last < first || last < this.#watermark) return;
    // Those that overlap or touch become one with it.
    const from = this.#indexFrom(first - 1);
    let to = from;
    let start = first;
    let end = last;
    for (
      let range = this.#ranges[to];
      range !== undefined && range.first <= last + 1;
      range = this.#ranges[to]
    ) {
      start = Math.min(start, range.first);
      end = Math.max(end, range.last);
      to += 1;
    }
    if (start <= this.#watermark) {
      this.#watermark = end + 1;
      this.#ranges.splice(0, to);
    } else {
      this.#ranges.splice(from, to - from, { first: start, last: end });
      for (let block = blockOf(first); block <= blockOf(last); block += 1) this.#changed.add(block);
    }
  }

  /** How many offsets from `start` to before `end` are not done with. */
  missingBetween(start: number, end: number): number {
    const from = Math.max(start, this.#watermark);
    if (end <= from) return 0;
    const done = this.#ranges.reduce(
      (sum, { first, last }) => sum + Math.max(0, Math.min(last + 1, end) - Math.max(first, from)),
      0,
    );
    return end - from - done;
  }

  copy(): ResolvedSet {
    const copy = new ResolvedSet(this.#watermark);
    copy.#ranges = [...this.#ranges];
    copy.#changed = new Set(this.#changed);
    return copy;
  }

  /** Everything from `from` on that the other one has, too. */
  addAll(other: ResolvedSet, from = 0): void {
    this.addRange(from, other.#watermark - 1);
    for (const { first, last } of other.#ranges) this.addRange(first, last);
  }

  /** The blocks above the watermark in which something was added since the last time, in no order. */
  takeChanged(): readonly number[] {
    const changed = [...this.#changed].filter((block) => block >= blockOf(this.#watermark));
    this.#changed.clear();
    return changed;
  }

  /** What was taken could not be kept. */
  giveBackChanged(blocks: readonly number[]): void {
    for (const block of blocks) this.#changed.add(block);
  }

  /** What of this block is done with, on its own. */
  block(block: number): ResolvedSet {
    const from = block * blockOffsets;
    const part = new ResolvedSet(from);
    part.addRange(from, Math.min(this.#watermark, from + blockOffsets) - 1);
    for (let index = this.#indexFrom(from); ; index += 1) {
      const range = this.#ranges[index];
      if (range === undefined || range.first >= from + blockOffsets) return part;
      part.addRange(Math.max(range.first, from), Math.min(range.last, from + blockOffsets - 1));
    }
  }

  /** The metadata of the commit; null when there is nothing above the watermark and no expiry to note. */
  encode(expiresAt: number | null): string | null {
    if (this.#ranges.length === 0 && expiresAt === null) return null;
    const expiry = expiresAt === null ? '' : expiresAt.toString(36);
    const asRanges = pack(this.#rangeBytes());
    const asBitmap = this.#bitmapIsWorthIt() ? pack(this.#bitmapBytes()) : null;
    return asBitmap !== null && asBitmap.length < asRanges.length
      ? `1b.${expiry}.${asBitmap}`
      : `1r.${expiry}.${asRanges}`;
  }

  /** Null when the metadata is not ours. Throws `RangeError` when it is and cannot be read. */
  static decode(
    watermark: number,
    metadata: string | null,
  ): { readonly set: ResolvedSet; readonly expiresAt: number | null } | null {
    const found = /^1([rb])\.([0-9a-z]{0,12})\.([A-Za-z0-9+/=]*)$/.exec(metadata ?? '');
    if (found === null) return null;
    const [, form, expiry = '', text = ''] = found;
    const bytes = unpack(text);
    const set = new ResolvedSet(watermark);
    if (form === 'r') set.#readRanges(bytes);
    else set.#readBitmap(bytes);
    return { set, expiresAt: expiry === '' ? null : Number.parseInt(expiry, 36) };
  }

  /** The first range that does not end before `offset`. */
  #indexFrom(offset: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranges[middle]?.last ?? Infinity) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Gap and length of each range, the first gap from the watermark. */
  #rangeBytes(): Uint8Array {
    const bytes: number[] = [];
    let before = this.#watermark;
    for (const { first, last } of this.#ranges) {
      pushVarint(bytes, first - before);
      pushVarint(bytes, last - first);
      before = last + 1;
    }
    return Uint8Array.from(bytes);
  }

  #readRanges(bytes: Uint8Array): void {
    let at = 0;
    const next = (): number => {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = bytes[at];
        if (byte === undefined || scale > 2 ** 49) throw new RangeError('the resolved set is damaged');
        at += 1;
        value += (byte & 0x7f) * scale;
        if (byte < 0x80) return value;
      }
    };
    let before = this.#watermark;
    let offsets = 0;
    while (at < bytes.length) {
      const first = before + next();
      const last = first + next();
      offsets += last - first + 1;
      if (offsets > mostOffsets || !Number.isSafeInteger(last))
        throw new RangeError('the resolved set is damaged');
      this.addRange(first, last);
      before = last + 1;
    }
  }

  /** Not for a few ranges far away. */
  #bitmapIsWorthIt(): boolean {
    const last = this.#ranges.at(-1)?.last ?? this.#watermark;
    return last - this.#watermark < largestBitmap * 8 && this.#ranges.length > 4;
  }

  #bitmapBytes(): Uint8Array {
    const last = this.#ranges.at(-1)?.last ?? this.#watermark;
    const bytes = new Uint8Array(Math.ceil((last - this.#watermark + 1) / 8));
    for (const range of this.#ranges) {
      for (let offset = range.first; offset <= range.last; offset += 1) {
        const bit = offset - this.#watermark;
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (1 << (bit & 7));
      }
    }
    return bytes;
  }

  #readBitmap(bytes: Uint8Array): void {
    const base = this.#watermark;
    bytes.forEach((byte, index) => {
      for (let bit = 0; bit < 8; bit += 1) {
        if ((byte & (1 << bit)) !== 0) this.add(base + index * 8 + bit);
      }
    });
  }
}

/** The number of the block that holds this offset, from 0. */
export function blockOf(offset: number): number {
  return Math.floor(offset / blockOffsets);
}

/** Above the watermark: a few bytes may claim more blocks than any memory holds. */
const mostOffsets = 2 ** 33;

/** Bytes of a bitmap, or of ranges, before deflating: more would not fit deflated either, save by malice. */
const largestBitmap = 1024 * 1024;

function pack(bytes: Uint8Array): string {
  return bytes.length === 0 ? '' : deflateRawSync(bytes, { level: 9 }).toString('base64');
}

function unpack(text: string): Uint8Array {
  if (text === '') return new Uint8Array(0);
  try {
    return inflateRawSync(Buffer.from(text, 'base64'), { maxOutputLength: largestBitmap });
  } catch {
    throw new RangeError('the resolved set is damaged');
  }
}

function pushVarint(bytes: number[], value: number): void {
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest % 128) | 0x80);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
}
