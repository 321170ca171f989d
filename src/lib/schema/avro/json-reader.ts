/**
 * Reads payloads of one schema as values that are ready for JSON. The schema is compiled into a program of its own, as avsc
 * does it: V8 then knows which read follows which, and what the record looks like.
 *
 * A union is its value; where its JSON would not say which branch it is, `{"branch": value}`. What the parts are in JSON
 * stands in `binary-decoder.ts`.
 */
import { compileFunction } from 'node:vm';
import type { JsonValue } from '../../message/record.ts';
import { BinaryDecoder, maxDataDepth } from './binary-decoder.ts';
import {
  branchName,
  emptyFieldsOf,
  isComposed,
  mayBeEmpty,
  mayNestDeeper,
  type AvroArray,
  type AvroEnum,
  type AvroMap,
  type AvroRecord,
  type AvroType,
  type AvroUnion,
} from './model.ts';
import { isAmbiguous } from './union-shape.ts';

/** A list may claim more items than it has, within as many others: room is made for so many before they are there. */
const mostRoomAhead = 1_024;

type Read = (decoder: BinaryDecoder) => JsonValue;
type Composed = AvroEnum | AvroRecord | AvroArray | AvroMap | AvroUnion;

export class JsonReader {
  readonly #read: Read;
  readonly #decoder = new BinaryDecoder();

  constructor(root: AvroType) {
    this.#read = compiled(root);
  }

  /** Where the last value ended. */
  get end(): number {
    return this.#decoder.position;
  }

  /** Throws `RangeError` for bytes that are no such value. */
  read(bytes: Buffer, start: number): JsonValue {
    this.#decoder.begin(bytes, start);
    return this.#read(this.#decoder);
  }
}

function compiled(root: AvroType): Read {
  const text = new ReaderText(mayNestDeeper(root, maxDataDepth)).of(root);
  const read: unknown = Reflect.apply(compileFunction(text), null, []);
  if (isRead(read)) return read;
  throw new TypeError('a schema is compiled into a function');
}

function isRead(value: unknown): value is Read {
  return typeof value === 'function';
}

/** Nothing of the schema comes into the text but numbers and what `JSON.stringify` made of names. */
class ReaderText {
  readonly #functions: string[] = [];
  readonly #names = new Map<AvroType, string>();
  readonly #mayBeEmpty = new Map<AvroType, boolean>();
  /** Where the schema bounds the depth, it need not be counted. */
  readonly #countsDepth: boolean;

  constructor(countsDepth: boolean) {
    this.#countsDepth = countsDepth;
  }

  of(root: AvroType): string {
    const value = this.#valueOf(root);
    return `'use strict';\n${this.#functions.join('')}return (decoder) => ${value};`;
  }

  /** The expression that reads a value of this type. */
  #valueOf(type: AvroType): string {
    switch (type.kind) {
      case 'null':
        return 'null';
      case 'boolean':
      case 'int':
      case 'long':
      case 'float':
      case 'double':
        return `decoder.${type.kind}()`;
      case 'string':
        return 'decoder.text()';
      case 'bytes': {
        const scale = type.logical?.scale ?? null;
        return scale === null ? 'decoder.bytes()' : `decoder.decimal(${scale.toString()})`;
      }
      case 'fixed': {
        const [size, scale] = [type.size.toString(), type.logical?.scale ?? null];
        return scale === null
          ? `decoder.fixed(${size})`
          : `decoder.fixedDecimal(${size}, ${scale.toString()})`;
      }
      case 'enum':
      case 'record':
      case 'array':
      case 'map':
      case 'union':
        return `${this.#functionOf(type)}(decoder)`;
    }
  }

  /** Named before it is written: a record may hold itself. */
  #functionOf(type: Composed): string {
    const known = this.#names.get(type);
    if (known !== undefined) return known;
    const name = `read${this.#names.size.toString()}`;
    this.#names.set(type, name);
    const write = (called: string, body: string) => {
      this.#functions.push(`function ${called}(decoder) {\n${body}}\n`);
    };
    if (this.#countsDepth && isComposed(type)) {
      write(`${name}Inside`, this.#bodyOf(type));
      write(
        name,
        `decoder.enter();\nconst value = ${name}Inside(decoder);\ndecoder.leave();\nreturn value;\n`,
      );
    } else write(name, this.#bodyOf(type));
    return name;
  }

  #bodyOf(type: Composed): string {
    switch (type.kind) {
      case 'enum':
        return `return ${JSON.stringify(type.symbols)}[decoder.index(${type.symbols.length.toString()})];\n`;
      case 'record':
        return this.#recordBody(type);
      case 'array':
        return this.#arrayBody(type);
      case 'map':
        return this.#mapBody(type);
      case 'union':
        return this.#unionBody(type);
    }
  }

  #recordBody(record: AvroRecord): string {
    const empty = emptyFieldsOf(record, this.#mayBeEmpty);
    const counted = empty === 0 ? '' : `decoder.emptyFields(${empty.toString()});\n`;
    const properties = record.fields.map(
      (field) => `${property(field.name)}: ${this.#valueOf(field.type)},\n`,
    );
    return `${counted}return {\n${properties.join('')}};\n`;
  }

  #arrayBody({ items }: AvroArray): string {
    const block = mayBeEmpty(items, this.#mayBeEmpty) ? 'decoder.blockOfEmpty()' : 'decoder.block()';
    return `let count = ${block};
const values = new Array(Math.min(count, ${mostRoomAhead.toString()}));
let filled = 0;
for (; count > 0; count = ${block})
  for (; count > 0; count -= 1) values[filled++] = ${this.#valueOf(items)};
return values;
`;
  }

  /** A key may be called as the prototype is. */
  #mapBody({ values }: AvroMap): string {
    return `const values = {};
for (let count = decoder.block(); count > 0; count = decoder.block())
  for (; count > 0; count -= 1) {
    const key = decoder.text();
    const value = ${this.#valueOf(values)};
    if (key !== '__proto__') values[key] = value;
    else Object.defineProperty(values, key, { value, configurable: true, enumerable: true, writable: true });
  }
return values;
`;
  }

  #unionBody(union: AvroUnion): string {
    const isNamed = isAmbiguous(union);
    const cases = union.branches.map((branch, index) => {
      const value = this.#valueOf(branch);
      const named =
        isNamed && branch.kind !== 'null' ? `{ ${property(branchName(branch))}: ${value} }` : value;
      return `case ${index.toString()}: return ${named};\n`;
    });
    return `switch (decoder.index(${union.branches.length.toString()})) {\n${cases.join('')}}\n`;
  }
}

/** In brackets it is a property also where it is called as the prototype is. */
function property(name: string): string {
  return name === '__proto__' ? '["__proto__"]' : JSON.stringify(name);
}
