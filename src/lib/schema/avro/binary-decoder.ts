/**
 * The parts of which Avro's binary encoding consists (specification, "Binary Encoding"), ready for JSON:
 *
 * | Avro           | JSON                                                                       |
 * |----------------|----------------------------------------------------------------------------|
 * | long           | a number, or its digits as text where a double would round                 |
 * | float, double  | a number, or "NaN", "Infinity", "-Infinity"                                |
 * | bytes, fixed   | text, a character for each byte (Avro's own JSON); a decimal as its digits  |
 */
import { decimalText, maxDecimalBytes } from './decimal.ts';
import { maxShortText, readShortText } from './short-text.ts';
import { readBigLong } from './varint.ts';

/** Items that take no byte, such as nulls: one payload may claim so many. */
export const maxEmptyItems = 65_536;

/** The same of fields, whose number the schema says. */
export const maxEmptyFields = 262_144;

/** Values in values: deeper than any real payload, and not too deep for the stack. */
export const maxDataDepth = 512;

/** Reads from bytes that claim anything: each read throws `RangeError` where they end within it, or hold no such value. */
export class BinaryDecoder {
  #bytes: Buffer = Buffer.alloc(0);
  #position = 0;
  #emptyItems = 0;
  #emptyFields = 0;
  #depth = 0;

  get position(): number {
    return this.#position;
  }

  /** To be called before each payload: the same decoder serves them all, one after the other. */
  begin(bytes: Buffer, position: number): void {
    this.#bytes = bytes;
    this.#position = position;
    this.#emptyItems = 0;
    this.#emptyFields = 0;
    this.#depth = 0;
  }

  /** Before a record with so many fields that may take no byte. */
  emptyFields(count: number): void {
    this.#emptyFields += count;
    if (this.#emptyFields > maxEmptyFields) throw new RangeError('it has too many fields that take no byte');
  }

  /** Before a value that may hold others. */
  enter(): void {
    if (this.#depth > maxDataDepth) throw new RangeError('it nests too deep');
    this.#depth += 1;
  }

  /** After it. */
  leave(): void {
    this.#depth -= 1;
  }

  boolean(): boolean {
    const byte = this.#bytes[this.#position++] ?? ended();
    if (byte > 1) throw new RangeError('a boolean is 0 or 1');
    return byte === 1;
  }

  int(): number {
    const value = this.#integer();
    if (value !== (value | 0)) throw new RangeError('no 32-bit integer');
    return value;
  }

  long(): number | string {
    const start = this.#position;
    const value = this.#integer();
    return Number.isSafeInteger(value) ? value : readBigLong(this.#bytes, start)[0].toString();
  }

  float(): number | string {
    const start = this.#skip(4);
    return finite(this.#bytes.readFloatLE(start));
  }

  double(): number | string {
    const start = this.#skip(8);
    return finite(this.#bytes.readDoubleLE(start));
  }

  text(): string {
    const length = this.#length();
    const start = this.#skip(length);
    const short = length <= maxShortText ? readShortText(this.#bytes, start, length) : null;
    return short ?? this.#bytes.toString('utf8', start, start + length);
  }

  bytes(): string {
    return this.fixed(this.#length());
  }

  fixed(size: number): string {
    const start = this.#skip(size);
    return this.#bytes.toString('latin1', start, start + size);
  }

  decimal(scale: number): string {
    return this.fixedDecimal(this.#length(), scale);
  }

  fixedDecimal(size: number, scale: number): string {
    if (size > maxDecimalBytes) throw new RangeError('a decimal is too long');
    const start = this.#skip(size);
    return decimalText(this.#bytes.subarray(start, start + size), scale);
  }

  /** Which symbol of an enum, or branch of a union. */
  index(count: number): number {
    const index = this.#integer();
    if (!(index >= 0 && index < count)) throw new RangeError('no such symbol or branch');
    return index;
  }

  /** How many items follow, of which each takes a byte at least; 0 after the last block. */
  block(): number {
    const count = this.#blockCount();
    if (!(count <= this.#bytes.length - this.#position)) throw tooManyItems();
    return count;
  }

  /** The same of items that may take no byte: nothing but a limit bounds them. */
  blockOfEmpty(): number {
    const count = this.#blockCount();
    this.#emptyItems += count;
    if (!(this.#emptyItems <= maxEmptyItems)) throw tooManyItems();
    return count;
  }

  /** A negative count is followed by the size of the block, which nobody needs who reads all of it. */
  #blockCount(): number {
    const count = this.#integer();
    if (count >= 0) return count;
    this.#integer();
    return -count;
  }

  #length(): number {
    const length = this.#integer();
    if (length < 0) throw new RangeError('a length is not negative');
    return length;
  }

  /** Where it began. */
  #skip(length: number): number {
    const start = this.#position;
    const end = start + length;
    if (end > this.#bytes.length) ended();
    this.#position = end;
    return start;
  }

  /** A zigzag varint: exact where the number is safe, and rounded to one that is not safe otherwise. */
  #integer(): number {
    const bytes = this.#bytes;
    let byte = bytes[this.#position++] ?? ended();
    let low = byte & 0x7f;
    for (let shift = 7; byte > 0x7f; shift += 7) {
      if (shift === 28) return this.#longInteger(low);
      byte = bytes[this.#position++] ?? ended();
      low |= (byte & 0x7f) << shift;
    }
    return (low >>> 1) ^ -(low & 1);
  }

  /** One of more than 28 bits: V8 shifts no more than 32. */
  #longInteger(low: number): number {
    const bytes = this.#bytes;
    const start = this.#position - 4;
    let high = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = bytes[this.#position++] ?? ended();
      high |= (byte & 0x7f) << shift;
      if (byte > 0x7f) continue;
      const magnitude = (low >>> 1) + high * 2 ** 27;
      return (low & 1) === 0 ? magnitude : -magnitude - 1;
    }
    const [exact, end] = readBigLong(bytes, start);
    this.#position = end;
    return Number(exact);
  }
}

function finite(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

function ended(): never {
  throw new RangeError('the bytes end within a value');
}

function tooManyItems(): RangeError {
  return new RangeError('more items are claimed than the bytes can hold');
}
