/**
 * AMQP 0-9-1 field tables, byte for byte: `decodeTable` and `encodeTable` are inverse.
 *
 * The types are those that RabbitMQ and its clients speak, which are not the specification's (RabbitMQ, "AMQP 0-9-1
 * Errata", section 3; specification 4.2.1 for the grammar):
 *
 * | tag | here             | wire                                                    | in the specification |
 * |-----|------------------|---------------------------------------------------------|----------------------|
 * | `t` | boolean          | one octet                                               | the same             |
 * | `b` | int8             | one octet, signed                                       | the same             |
 * | `B` | uint8            | one octet                                               | the same             |
 * | `s` | int16            | two octets, signed                                      | `U`; `s` is a short string |
 * | `u` | uint16           | two octets                                              | the same             |
 * | `I` | int32            | four octets, signed                                     | the same             |
 * | `i` | uint32           | four octets                                             | the same             |
 * | `l` | int64            | eight octets, signed                                    | `L`; `l` is unsigned |
 * | `f` | float            | IEEE 754, four octets                                   | the same             |
 * | `d` | double           | IEEE 754, eight octets                                  | the same             |
 * | `D` | decimal          | scale (one octet), unsigned 32 bits                     | the same             |
 * | `S` | plain bytes      | length (four octets), any octets                        | the same             |
 * | `A` | array            | length in octets, values                                | the same             |
 * | `T` | timestamp        | eight octets, unsigned, seconds since 1970              | the same             |
 * | `F` | table            | length in octets, names and values                      | the same             |
 * | `V` | null             | nothing                                                 | the same             |
 * | `x` | bytes            | length (four octets), any octets                        | not there            |
 *
 * What nests deeper than `maxNesting` is of type `encoded` here: an array or a table as it stands on the wire.
 *
 * There is no unsigned 64-bit integer. Names are short strings: up to 255 octets that need not be UTF-8.
 */
import { isUtf8 } from 'node:buffer';
import { FailedError, UsageError } from '../../errors.ts';
import type { Header, HeaderValue, TypedValue } from '../../message/message.ts';
import { maxNesting } from '../../message/record.ts';
import type { ByteWriter } from './byte-writer.ts';
import type { integerRanges } from './field-value.ts';
import {
  booleanText,
  decimalText,
  doubleText,
  floatText,
  parseBoolean,
  parseDecimal,
  parseFloating,
  parseInteger,
} from './field-value.ts';

const tag = {
  boolean: 0x74, // t
  int8: 0x62, // b
  uint8: 0x42, // B
  int16: 0x73, // s
  uint16: 0x75, // u
  int32: 0x49, // I
  uint32: 0x69, // i
  int64: 0x6c, // l
  float: 0x66, // f
  double: 0x64, // d
  decimal: 0x44, // D
  text: 0x53, // S
  array: 0x41, // A
  timestamp: 0x54, // T
  table: 0x46, // F
  void: 0x56, // V
  bytes: 0x78, // x
} as const;

/** The entries of a table, without the length before them. Throws `FailedError` for what is no table. */
export function decodeTable(bytes: Buffer): readonly Header[] {
  return new TableReader(bytes).entries(bytes.length, 0);
}

/** Reads one table from what the broker sent; each read is checked against the end of what it stands in. */
class TableReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  entries(end: number, depth: number): Header[] {
    const entries: Header[] = [];
    while (this.#at < end) {
      const name = this.#slice(this.#octet(end), end);
      const value = this.#value(end, depth);
      entries.push(
        isUtf8(name)
          ? { name: name.toString('utf8'), value }
          : { name: name.toString('utf8'), value, rawName: name },
      );
    }
    return entries;
  }

  #value(end: number, depth: number): HeaderValue {
    const type = this.#octet(end);
    const bytes = this.#bytes;
    switch (type) {
      case tag.text:
        return this.#long(end);
      case tag.boolean:
        return { type: 'boolean', value: booleanText(this.#octet(end)) };
      case tag.int8:
        return { type: 'int8', value: String(bytes.readInt8(this.#skip(1, end))) };
      case tag.uint8:
        return { type: 'uint8', value: String(this.#octet(end)) };
      case tag.int16:
        return { type: 'int16', value: String(bytes.readInt16BE(this.#skip(2, end))) };
      case tag.uint16:
        return { type: 'uint16', value: String(bytes.readUInt16BE(this.#skip(2, end))) };
      case tag.int32:
        return { type: 'int32', value: String(bytes.readInt32BE(this.#skip(4, end))) };
      case tag.uint32:
        return { type: 'uint32', value: String(bytes.readUInt32BE(this.#skip(4, end))) };
      case tag.int64:
        return { type: 'int64', value: String(bytes.readBigInt64BE(this.#skip(8, end))) };
      case tag.timestamp:
        return { type: 'timestamp', value: String(bytes.readBigUInt64BE(this.#skip(8, end))) };
      case tag.float: {
        const at = this.#skip(4, end);
        return { type: 'float', value: floatText(bytes.readUInt32BE(at), bytes.readFloatBE(at)) };
      }
      case tag.double: {
        const at = this.#skip(8, end);
        return { type: 'double', value: doubleText(bytes.readBigUInt64BE(at), bytes.readDoubleBE(at)) };
      }
      case tag.decimal: {
        const at = this.#skip(5, end);
        return { type: 'decimal', value: decimalText(bytes.readUInt8(at), bytes.readUInt32BE(at + 1)) };
      }
      case tag.void:
        return null;
      case tag.bytes:
        return { type: 'bytes', value: this.#long(end) };
      case tag.array: {
        if (depth >= maxNesting) return this.#encoded(end);
        const inner = this.#inner(end);
        const items: HeaderValue[] = [];
        while (this.#at < inner) items.push(this.#value(inner, depth + 1));
        return { type: 'array', value: items };
      }
      case tag.table:
        if (depth >= maxNesting) return this.#encoded(end);
        return { type: 'table', value: this.entries(this.#inner(end), depth + 1) };
      default:
        throw unreadable(`a value has the unknown type 0x${type.toString(16).padStart(2, '0')}`);
    }
  }

  /** An array or table that nests too deep to be read, as it stands: with its tag and its length. */
  #encoded(end: number): TypedValue {
    const at = this.#at - 1;
    this.#at = this.#inner(end);
    return { type: 'encoded', value: this.#bytes.subarray(at, this.#at) };
  }

  /** Where the nested array or table ends. */
  #inner(end: number): number {
    const length = this.#bytes.readUInt32BE(this.#skip(4, end));
    if (length > end - this.#at) throw cutOff();
    return this.#at + length;
  }

  #long(end: number): Buffer {
    const length = this.#bytes.readUInt32BE(this.#skip(4, end));
    return this.#slice(length, end);
  }

  #octet(end: number): number {
    return this.#bytes.readUInt8(this.#skip(1, end));
  }

  #slice(length: number, end: number): Buffer {
    const at = this.#skip(length, end);
    return this.#bytes.subarray(at, at + length);
  }

  /** Goes on by so many octets; where they began. */
  #skip(length: number, end: number): number {
    const at = this.#at;
    if (length > end - at) throw cutOff();
    this.#at = at + length;
    return at;
  }
}

function cutOff(): FailedError {
  return unreadable('it ends in the middle of a value');
}

function unreadable(why: string): FailedError {
  return new FailedError(`a table of headers cannot be read: ${why}`, { code: 'MALFORMED' });
}

/** The table with its length before it; null and `void` are one. Throws `UsageError` for a value that AMQP 0-9-1 cannot carry. */
export function encodeTable(writer: ByteWriter, entries: readonly Header[], depth = 0): void {
  const start = writer.length;
  writer.uint32(0);
  for (const entry of entries) {
    writeName(writer, entry);
    try {
      writeValue(writer, entry.value, depth);
    } catch (error) {
      if (depth > 0 || !(error instanceof UsageError)) throw error;
      throw new UsageError(`header ${JSON.stringify(entry.name)}: ${error.message}`, {
        ...(error.hint !== undefined && { hint: error.hint }),
      });
    }
  }
  writer.setUint32(start, writer.length - start - 4);
}

function writeName(writer: ByteWriter, { name, rawName }: Header): void {
  const start = writer.length;
  writer.uint8(0);
  if (rawName === undefined) writer.text(name);
  else writer.bytes(rawName);
  const length = writer.length - start - 1;
  if (length > 0xff)
    throw new UsageError(
      `header ${JSON.stringify(`${name.slice(0, 40)}…`)}: the name takes ${String(length)} bytes`,
      {
        hint: 'AMQP 0-9-1 allows 255',
      },
    );
  writer.setUint8(start, length);
}

function writeValue(writer: ByteWriter, value: HeaderValue, depth: number): void {
  if (value === null) {
    writer.uint8(tag.void);
  } else if (value instanceof Uint8Array) {
    writer.uint8(tag.text);
    writer.uint32(value.length);
    writer.bytes(value);
  } else {
    writeTyped(writer, value, depth);
  }
}

function writeTyped(writer: ByteWriter, typed: TypedValue, depth: number): void {
  const { type } = typed;
  switch (type) {
    case 'boolean':
      writer.uint8(tag.boolean);
      writer.uint8(parseBoolean(scalar(typed)));
      return;
    case 'int8':
    case 'uint8':
    case 'int16':
    case 'uint16':
    case 'int32':
    case 'uint32':
    case 'int64':
    case 'timestamp':
      writeInteger(writer, type, parseInteger(scalar(typed), type));
      return;
    case 'float':
    case 'double':
      writeFloating(writer, type, parseFloating(scalar(typed), type));
      return;
    case 'decimal': {
      const { scale, digits } = parseDecimal(scalar(typed));
      writer.uint8(tag.decimal);
      writer.uint8(scale);
      writer.uint32(digits);
      return;
    }
    case 'void':
      writer.uint8(tag.void);
      return;
    case 'bytes':
      if (!(typed.value instanceof Uint8Array)) throw notA(typed);
      writer.uint8(tag.bytes);
      writer.uint32(typed.value.length);
      writer.bytes(typed.value);
      return;
    case 'encoded':
      writer.bytes(encodedBytes(typed));
      return;
    case 'array':
      writeArray(writer, typed, depth);
      return;
    case 'table':
      checkDepth(depth);
      writer.uint8(tag.table);
      encodeTable(writer, entriesOf(typed), depth + 1);
      return;
    default:
      throw new UsageError(`AMQP 0-9-1 has no type ${JSON.stringify(type)}`, {
        hint: `its types are ${Object.keys(tag)
          .filter((name) => name !== 'text')
          .join(', ')}`,
      });
  }
}

function writeInteger(writer: ByteWriter, type: keyof typeof integerRanges, value: bigint): void {
  writer.uint8(tag[type]);
  switch (type) {
    case 'int8':
    case 'uint8':
      writer.uint8(Number(value) & 0xff);
      return;
    case 'int16':
    case 'uint16':
      writer.uint16(Number(value) & 0xffff);
      return;
    case 'int32':
    case 'uint32':
      writer.uint32(Number(BigInt.asUintN(32, value)));
      return;
    case 'int64':
    case 'timestamp':
      writer.uint64(BigInt.asUintN(64, value));
  }
}

function writeFloating(writer: ByteWriter, type: 'float' | 'double', value: number | bigint): void {
  writer.uint8(tag[type]);
  if (typeof value === 'bigint') {
    // The bits of a NaN: as a number, the engine may change them.
    if (type === 'float') writer.uint32(Number(value));
    else writer.uint64(value);
  } else if (type === 'float') {
    writer.float(value);
  } else {
    writer.double(value);
  }
}

function writeArray(writer: ByteWriter, typed: TypedValue, depth: number): void {
  checkDepth(depth);
  writer.uint8(tag.array);
  const start = writer.length;
  writer.uint32(0);
  for (const item of itemsOf(typed)) writeValue(writer, item, depth + 1);
  writer.setUint32(start, writer.length - start - 4);
}

function checkDepth(depth: number): void {
  if (depth >= maxNesting) throw new UsageError(`it nests deeper than ${String(maxNesting)} levels`);
}

/** Throws `UsageError` for what is not one whole array or table. */
function encodedBytes(typed: TypedValue): Uint8Array {
  const { value } = typed;
  if (!(value instanceof Uint8Array) || value.length < lengthEnd) throw notA(typed);
  const length = new DataView(value.buffer, value.byteOffset).getUint32(1);
  if ((value[0] !== tag.array && value[0] !== tag.table) || value.length - lengthEnd !== length)
    throw notA(typed);
  return value;
}

/** A tag of one octet, a length of four. */
const lengthEnd = 5;

function scalar(typed: TypedValue): string {
  if (typeof typed.value !== 'string') throw notA(typed);
  return typed.value;
}

function entriesOf(typed: TypedValue): readonly Header[] {
  return listOf(typed).map((entry) => {
    if (!isEntry(entry)) throw notA(typed);
    return entry;
  });
}

function itemsOf(typed: TypedValue): readonly HeaderValue[] {
  return listOf(typed).map((item) => {
    if (isEntry(item)) throw notA(typed);
    return item;
  });
}

function listOf(typed: TypedValue): readonly (HeaderValue | Header)[] {
  const { value } = typed;
  if (value === null || typeof value === 'string' || value instanceof Uint8Array) throw notA(typed);
  return value;
}

function isEntry(item: HeaderValue | Header): item is Header {
  return item !== null && 'name' in item;
}

function notA({ type }: TypedValue): UsageError {
  return new UsageError(`its value is no ${type}`);
}
