/**
 * Reads what a writer wrote with the eyes of a reader, by the specification's schema resolution, and says everything that
 * cannot be: unlike avsc, whose resolver refuses a pair of schemas before it has seen a value, and says no place. It is
 * the second judge of a witness, and needs payloads that the writer's own schema reads.
 */
import type { JsonValue } from '../../message/record.ts';
import { pointerTo } from '../json-pointer.ts';
import { branchFor, fieldFor, namesMatch, promotes } from './compare.ts';
import { decimalText, precisionOf, unscaledOf } from './decimal.ts';
import { defaultAsRead } from './default-value.ts';
import { describeType, isNamed, type AvroRecord, type AvroType } from './model.ts';
import { ofBranch } from './union-shape.ts';
import { readBigLong } from './varint.ts';

/** Why a value cannot be read; the codes are those of the differences between schemas. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly dataPointer: string;
  /** RFC 6901 into the reader's schema, of the type or field that is in the way. */
  readonly readerPointer: string;
}

export interface Resolved {
  /** As the reader has it; null in the place of what was refused. */
  readonly value: JsonValue;
  readonly refusals: readonly Refusal[];
}

/** One value from the start of the payload. Throws `RangeError` where the payload is none of the writer's. */
export function resolveValue(reader: AvroType, writer: AvroType, payload: Uint8Array): Resolved {
  const resolving = new Resolving(payload);
  return { value: resolving.read(reader, writer, ''), refusals: resolving.refusals };
}

class Resolving {
  readonly refusals: Refusal[] = [];
  readonly #bytes: Buffer;
  #position = 0;

  constructor(payload: Uint8Array) {
    this.#bytes = Buffer.from(payload);
  }

  read(reader: AvroType, writer: AvroType, at: string): JsonValue {
    if (writer.kind === 'union') {
      const branch = writer.branches[Number(this.#long())];
      if (branch === undefined) throw new RangeError('a union without that branch');
      return this.read(reader, branch, at);
    }
    if (reader.kind === 'union') {
      const branch = branchFor(reader, writer);
      if (branch !== null) return ofBranch(reader, branch, this.read(branch, writer, at));
      return this.#refuse(
        'MISSING_UNION_BRANCH',
        reader,
        writer,
        at,
        `the reader's ${describeType(reader)} has no branch for it`,
      );
    }
    if (isNamed(reader) && isNamed(writer) && reader.kind === writer.kind && !namesMatch(reader, writer))
      return this.#refuse(
        'NAME_MISMATCH',
        reader,
        writer,
        at,
        `the reader expects ${describeType(reader)}`,
        'name',
      );
    if (reader.kind === 'record' && writer.kind === 'record') return this.#record(reader, writer, at);
    if (reader.kind === 'array' && writer.kind === 'array') {
      const items: JsonValue[] = [];
      this.#blocks(() => items.push(this.read(reader.items, writer.items, pointerTo(at, items.length))));
      return items;
    }
    if (reader.kind === 'map' && writer.kind === 'map') {
      const values: Record<string, JsonValue> = { __proto__: null };
      this.#blocks(() => {
        const key = this.#slice().toString('utf8');
        values[key] = this.read(reader.values, writer.values, pointerTo(at, key));
      });
      return values;
    }
    if (reader.kind === 'enum' && writer.kind === 'enum') {
      const symbol = writer.symbols[Number(this.#long())] ?? '';
      if (reader.symbols.includes(symbol)) return symbol;
      if (reader.default !== null) return reader.default;
      return this.#add(
        'MISSING_ENUM_SYMBOLS',
        reader,
        at,
        `the reader's enum ${reader.name} has no "${symbol}"`,
        'symbols',
      );
    }
    if (reader.kind === 'fixed' && writer.kind === 'fixed' && reader.size !== writer.size)
      return this.#refuse(
        'FIXED_SIZE_MISMATCH',
        reader,
        writer,
        at,
        `the reader's fixed ${reader.name} has ${reader.size.toString()} bytes`,
        'size',
      );
    if (reader.kind !== writer.kind && !promotes(writer.kind, reader.kind))
      return this.#refuse('TYPE_MISMATCH', reader, writer, at, `the reader expects ${describeType(reader)}`);
    return this.#leaf(reader, writer, at);
  }

  #record(reader: AvroRecord, writer: AvroRecord, at: string): JsonValue {
    const values: Record<string, JsonValue> = { __proto__: null };
    for (const field of writer.fields) {
      const wanted = reader.fields.filter((candidate) => fieldFor(candidate, writer) === field);
      const start = this.#position;
      if (wanted.length === 0) this.read(field.type, field.type, at);
      for (const target of wanted) {
        this.#position = start;
        values[target.name] = this.read(target.type, field.type, pointerTo(at, field.name));
      }
    }
    for (const field of reader.fields) {
      if (fieldFor(field, writer) !== null) continue;
      if ('default' in field) values[field.name] = defaultAsRead(field.type, field.default);
      else
        this.refusals.push({
          code: 'READER_FIELD_MISSING_DEFAULT_VALUE',
          message: `the reader needs the field "${field.name}", which is not there`,
          dataPointer: at,
          readerPointer: field.origin.pointer,
        });
    }
    return values;
  }

  #leaf(reader: AvroType, writer: AvroType, at: string): JsonValue {
    switch (writer.kind) {
      case 'null':
        return null;
      case 'boolean':
        return this.#take(1)[0] === 1;
      case 'int':
      case 'long': {
        const value = this.#long();
        return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
      }
      case 'float':
        return finite(this.#take(4).readFloatLE());
      case 'double':
        return finite(this.#take(8).readDoubleLE());
      case 'string':
      case 'bytes':
        return this.#text(reader, writer, at, this.#slice());
      case 'fixed':
        return this.#text(reader, writer, at, this.#take(writer.size));
      case 'union':
      case 'record':
      case 'enum':
      case 'array':
      case 'map':
        throw new TypeError(`${writer.kind} is no leaf`);
    }
  }

  #text(reader: AvroType, writer: AvroType, at: string, bytes: Buffer): JsonValue {
    if (reader.kind === 'string') return bytes.toString('utf8');
    const logical = 'logical' in reader ? reader.logical : null;
    if (logical?.name !== 'decimal' || writer.kind === 'string') return bytes.toString('latin1');
    const text = decimalText(bytes, logical.scale ?? 0);
    const digits = precisionOf(unscaledOf(text, logical.scale ?? 0) ?? 0n);
    if (digits > (logical.precision ?? 0))
      this.#add(
        'DECIMAL_PRECISION_MISMATCH',
        reader,
        at,
        `it has ${digits.toString()} digits, and the reader's schema cannot hold more than ${(logical.precision ?? 0).toString()}`,
      );
    return text;
  }

  /** Passes over what was written, so that the rest can be read. */
  #refuse(
    code: string,
    reader: AvroType,
    writer: AvroType,
    at: string,
    message: string,
    key?: string,
  ): JsonValue {
    this.read(writer, writer, at);
    return this.#add(code, reader, at, `${describeType(writer)} was written, and ${message}`, key);
  }

  #add(code: string, reader: AvroType, at: string, message: string, key?: string): null {
    const { pointer } = reader.origin;
    this.refusals.push({
      code,
      message,
      dataPointer: at,
      readerPointer: key === undefined ? pointer : pointerTo(pointer, key),
    });
    return null;
  }

  #blocks(readItem: () => void): void {
    for (let count = this.#long(); count !== 0n; count = this.#long()) {
      if (count < 0n) {
        count = -count;
        this.#long();
      }
      for (; count > 0n; count -= 1n) readItem();
    }
  }

  #long(): bigint {
    const [value, end] = readBigLong(this.#bytes, this.#position);
    this.#position = end;
    return value;
  }

  #slice(): Buffer {
    return this.#take(Number(this.#long()));
  }

  #take(length: number): Buffer {
    this.#position += length;
    if (length < 0 || this.#position > this.#bytes.length) throw new RangeError('the payload is truncated');
    return this.#bytes.subarray(this.#position - length, this.#position);
  }
}

function finite(value: number): JsonValue {
  return Number.isFinite(value) ? value : String(value);
}
