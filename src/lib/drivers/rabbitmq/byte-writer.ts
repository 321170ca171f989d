const startBytes = 4096;
/** Less is copied, so that the memory is used again; more is handed over. */
const copiedBytes = 128 * 1024;

/** Big-endian bytes, appended to a buffer that grows. */
export class ByteWriter {
  #bytes: Buffer;
  #length = 0;

  constructor(capacity = startBytes) {
    this.#bytes = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** Forgets what was written beyond this length. */
  truncate(length: number): void {
    this.#length = Math.min(length, this.#length);
  }

  /** What was written; the writer begins anew and never touches these bytes again. */
  take(): Buffer {
    const length = this.#length;
    this.#length = 0;
    if (length > copiedBytes) {
      const bytes = this.#bytes.subarray(0, length);
      this.#bytes = Buffer.allocUnsafe(startBytes);
      return bytes;
    }
    return Buffer.from(this.#bytes.subarray(0, length));
  }

  /** So many bytes follow: grows once for all of them. */
  reserve(size: number): void {
    this.#room(size);
  }

  uint8(value: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = value;
  }

  uint16(value: number): void {
    this.#room(2);
    this.#length = this.#bytes.writeUInt16BE(value, this.#length);
  }

  uint32(value: number): void {
    this.#room(4);
    this.#length = this.#bytes.writeUInt32BE(value, this.#length);
  }

  uint64(value: bigint): void {
    this.#room(8);
    this.#length = this.#bytes.writeBigUInt64BE(value, this.#length);
  }

  float(value: number): void {
    this.#room(4);
    this.#length = this.#bytes.writeFloatBE(value, this.#length);
  }

  double(value: number): void {
    this.#room(8);
    this.#length = this.#bytes.writeDoubleBE(value, this.#length);
  }

  bytes(value: Uint8Array): void {
    this.#room(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** UTF-8, without a length before it; returns how many bytes it took. */
  text(value: string): number {
    // A UTF-16 unit takes at most three bytes of UTF-8.
    this.#room(value.length * 3);
    const written = this.#bytes.write(value, this.#length, 'utf8');
    this.#length += written;
    return written;
  }

  /** Fills in a length, or flags, that stand before what was written since. */
  setUint8(at: number, value: number): void {
    this.#bytes[at] = value;
  }

  setUint16(at: number, value: number): void {
    this.#bytes.writeUInt16BE(value, at);
  }

  setUint32(at: number, value: number): void {
    this.#bytes.writeUInt32BE(value, at);
  }

  #room(size: number): void {
    const needed = this.#length + size;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
