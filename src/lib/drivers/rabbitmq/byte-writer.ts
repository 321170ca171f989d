/** Big-endian bytes, appended to a buffer that grows. Reused for many messages: `reset` keeps the memory. */
export class ByteWriter {
  #bytes: Buffer;
  #length = 0;

  constructor(capacity = 4096) {
    this.#bytes = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#length;
  }

  reset(): void {
    this.#length = 0;
  }

  /** A copy, so that the writer can be reused while these are on their way. */
  take(): Buffer {
    const bytes = Buffer.allocUnsafeSlow(this.#length);
    this.#bytes.copy(bytes, 0, 0, this.#length);
    this.#length = 0;
    return bytes;
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

  int32(value: number): void {
    this.#room(4);
    this.#length = this.#bytes.writeInt32BE(value, this.#length);
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
