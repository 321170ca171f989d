/**
 * avsc's types with what production data needs: exact longs, bounded counts, and values that are ready for JSON. avsc
 * compiles a reader for each record, which is what makes it fast; only the leaves are ours.
 *
 * | Avro           | JSON                                                                              |
 * |----------------|-----------------------------------------------------------------------------------|
 * | long           | a number, or its digits as text where a double would round                        |
 * | float, double  | a number, or "NaN", "Infinity", "-Infinity"                                       |
 * | bytes, fixed   | text, a character for each byte (Avro's own JSON); a decimal as its digits         |
 * | union          | the value; where its JSON would not say which branch it is, `{"branch": value}`    |
 */
import avsc from 'avsc';
import type { JsonValue } from '../../message/record.ts';
import { compile } from './avsc-schema.ts';
import { decimalText } from './decimal.ts';
import { branchName, type AvroType, type AvroUnion, type LogicalType } from './model.ts';
import { isAmbiguous } from './union-shape.ts';
import { readBigLong } from './varint.ts';

/** What avsc reads from; its own class is not exported. */
interface Tap {
  buf: Buffer;
  pos: number;
  readLong(): number;
  skipLong(): void;
  readBytes(): Buffer | undefined;
  readFixed(length: number): Buffer | undefined;
  readString(): string | undefined;
  readFloat(): number;
  readDouble(): number;
}

declare module 'avsc' {
  interface Type {
    _read(tap: Tap): JsonValue;
  }
}

const { types } = avsc;

type SchemaOf<Type extends abstract new (...given: never[]) => unknown> = ConstructorParameters<Type>[0];

/** Items that take no byte, such as nulls: one payload may claim so many. */
export const maxEmptyItems = 65_536;

/** What one payload may claim without paying for it in bytes. To be refilled before each one. */
class ItemBudget {
  #left = maxEmptyItems;

  refill(): void {
    this.#left = maxEmptyItems;
  }

  /** Throws `RangeError` where so many items cannot be in the bytes that are left. */
  take(items: number, { buf, pos }: Tap): void {
    if (items <= buf.length - pos) return;
    this.#left -= items;
    if (!(this.#left >= 0)) throw new RangeError('more items are claimed than the bytes can hold');
  }
}

/**
 * Of the payload that is being read: only one is at a time. In no field of the types, which avsc freezes: a private field of
 * a frozen object is found slowly.
 */
const budget = new ItemBudget();

/** A type that reads nothing is handed a tap all the same. */
class TapProbe extends types.NullType {
  readonly #found: (tap: Tap) => void;

  constructor(found: (tap: Tap) => void) {
    super();
    this.#found = found;
  }

  override _read(tap: Tap): JsonValue {
    this.#found(tap);
    return null;
  }
}

function newTap(): Tap {
  const taps: Tap[] = [];
  new TapProbe((tap) => taps.push(tap)).decode(Buffer.alloc(0), 0);
  const [tap] = taps;
  if (tap === undefined) throw new TypeError('avsc reads without a tap');
  return tap;
}

/** Reads values of one schema, one after the other: nothing but the value is made for each of them. */
export class JsonReader {
  readonly #type: avsc.Type;
  readonly #tap = newTap();

  constructor(root: AvroType) {
    this.#type = jsonType(root);
  }

  /** Where the last value ended; beyond the bytes where they end within it: then it is none. */
  get end(): number {
    return this.#tap.pos;
  }

  /** Throws what avsc throws. */
  read(bytes: Buffer, start: number): JsonValue {
    budget.refill();
    const tap = this.#tap;
    tap.buf = bytes;
    tap.pos = start;
    return this.#type._read(tap);
  }
}

/** Compiles a parsed schema into a reader of values that are ready for JSON. */
function jsonType(root: AvroType): avsc.Type {
  return compile(
    root,
    (type, schema, options) => {
      switch (type.kind) {
        case 'long':
          return new JsonLong();
        case 'float':
          return new JsonFloat();
        case 'double':
          return new JsonDouble();
        case 'bytes':
          return new JsonBytes(scaleOf(type.logical));
        case 'fixed':
          return new JsonFixed(schema, options, scaleOf(type.logical));
        case 'array':
          return new BoundedArray(schema, options);
        case 'map':
          return new BoundedMap(schema, options);
        case 'union':
          return isAmbiguous(type)
            ? new AmbiguousJsonUnion(schema, options, type)
            : new JsonUnion(schema, options);
        case 'null':
        case 'boolean':
        case 'int':
        case 'string':
        case 'enum':
        case 'record':
          return undefined;
      }
    },
    { defaults: false, wrapUnions: 'auto' },
  );
}

/** A long of any size in the hands of avsc's own types, for reading by another schema. */
export function exactLong(): avsc.Type {
  return new JsonLong();
}

function scaleOf(logical: LogicalType | null): number | null {
  return logical?.scale ?? null;
}

/** avsc itself throws beyond 2^53, where healthy data would look like poison. */
class JsonLong extends types.LongType {
  override _read(tap: Tap): JsonValue {
    const start = tap.pos;
    const value = tap.readLong();
    if (Number.isSafeInteger(value)) return value;
    const [exact, end] = readBigLong(tap.buf, start);
    tap.pos = end;
    return exact.toString();
  }
}

class JsonFloat extends types.FloatType {
  override _read(tap: Tap): JsonValue {
    return finite(tap.readFloat());
  }
}

class JsonDouble extends types.DoubleType {
  override _read(tap: Tap): JsonValue {
    return finite(tap.readDouble());
  }
}

function finite(value: number): JsonValue {
  return Number.isFinite(value) ? value : String(value);
}

class JsonBytes extends types.BytesType {
  readonly #scale: number | null;

  constructor(scale: number | null) {
    super();
    this.#scale = scale;
  }

  override _read(tap: Tap): JsonValue {
    return bytesValue(tap.readBytes(), this.#scale);
  }
}

class JsonFixed extends types.FixedType {
  readonly #scale: number | null;

  constructor(schema: SchemaOf<typeof types.FixedType>, options: object, scale: number | null) {
    super(schema, options);
    this.#scale = scale;
  }

  override _read(tap: Tap): JsonValue {
    return bytesValue(tap.readFixed(this.size), this.#scale);
  }
}

/** Undefined where the bytes end before: then the whole payload is refused. */
function bytesValue(bytes: Buffer | undefined, scale: number | null): JsonValue {
  if (bytes === undefined) return null;
  return scale === null ? bytes.toString('latin1') : decimalText(bytes, scale);
}

class BoundedArray extends types.ArrayType {
  override _read(tap: Tap): JsonValue {
    const { itemsType } = this;
    let values: JsonValue[] | null = null;
    let filled = 0;
    for (let count = blockCount(tap); count !== 0; count = blockCount(tap)) {
      budget.take(count, tap);
      values ??= new Array<JsonValue>(count);
      while (count-- > 0) values[filled++] = itemsType._read(tap);
    }
    return values ?? [];
  }
}

/** avsc does not say of which type the values of a map are. */
function typeFrom(value: unknown): avsc.Type {
  if (value instanceof avsc.Type) return value;
  throw new TypeError('no type of avsc');
}

class BoundedMap extends types.MapType {
  override _read(tap: Tap): JsonValue {
    const valuesType = typeFrom(this.valuesType);
    const values: Record<string, JsonValue> = { __proto__: null };
    for (let count = blockCount(tap); count !== 0; count = blockCount(tap)) {
      budget.take(count, tap);
      while (count-- > 0) values[tap.readString() ?? ''] = valuesType._read(tap);
    }
    return values;
  }
}

/** A negative count is followed by the size of the block, which nobody needs who reads all of it. */
function blockCount(tap: Tap): number {
  const count = tap.readLong();
  if (count >= 0) return count;
  tap.skipLong();
  return -count;
}

class JsonUnion extends types.WrappedUnionType {
  override _read(tap: Tap): JsonValue {
    return branchOf(this.types, tap.readLong())._read(tap);
  }
}

/** Where the JSON of a value would not say which branch it is. */
class AmbiguousJsonUnion extends types.WrappedUnionType {
  /** By index. */
  readonly #names: readonly string[];

  constructor(schema: SchemaOf<typeof types.WrappedUnionType>, options: object, union: AvroUnion) {
    super(schema, options);
    this.#names = union.branches.map(branchName);
  }

  override _read(tap: Tap): JsonValue {
    const index = tap.readLong();
    const value = branchOf(this.types, index)._read(tap);
    const name = this.#names[index];
    return name === undefined || value === null ? value : { [name]: value };
  }
}

function branchOf(branches: readonly avsc.Type[], index: number): avsc.Type {
  const branch = branches[index];
  if (branch === undefined) throw new RangeError(`a union has no branch ${index.toString()}`);
  return branch;
}
