/**
 * Reads a payload byte by byte for what is wrong with it. The reader of values says that something is; here it is said what,
 * and where in the data. Nothing is built, so it costs no memory, whatever the bytes claim.
 */
import { isUtf8 } from 'node:buffer';
import { maxDataDepth, maxEmptyFields, maxEmptyItems } from './binary-decoder.ts';
import { maxDecimalBytes } from './decimal.ts';
import { emptyFieldsOf, isComposed, mayBeEmpty, type AvroType } from './model.ts';
import { pointerTo } from '../json-pointer.ts';
import { readBigLong } from './varint.ts';

export interface Examined {
  /** The first problem; null where the payload is good up to `end`. */
  readonly problem: PayloadProblem | null;
  /** How many bytes the value has. */
  readonly end: number;
}

export interface PayloadProblem {
  /** Stable: `truncated`, `varint`, `range`, `boolean`, `length`, `utf8`, `enum-index`, `union-index`, `count`, `depth`, `decimal`. */
  readonly code: string;
  readonly message: string;
  readonly dataPointer: string;
  readonly schemaPointer: string;
}

/** One value from the start of the payload; `end` is where reading stopped. What follows a good value is not looked at. */
export function examine(type: AvroType, payload: Uint8Array): Examined {
  const examiner = new Examiner(payload);
  try {
    examiner.read(type, '', 0);
    return { problem: null, end: examiner.position };
  } catch (error) {
    if (error instanceof Found) return { problem: error.problem, end: examiner.position };
    throw error;
  }
}

class Found extends Error {
  readonly problem: PayloadProblem;

  constructor(problem: PayloadProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

class Examiner {
  readonly #bytes: Uint8Array;
  readonly #mayBeEmpty = new Map<AvroType, boolean>();
  #emptyItems = 0;
  #emptyFields = 0;
  position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  read(type: AvroType, at: string, depth: number): void {
    const refuse = (code: string, message: string): never => {
      throw new Found({ code, message, dataPointer: at, schemaPointer: type.origin.pointer });
    };
    if (depth > maxDataDepth && isComposed(type))
      refuse('depth', `it nests deeper than ${maxDataDepth.toString()} levels`);
    const integer = (): number => {
      try {
        const [value, end] = readBigLong(this.#bytes, this.position);
        this.position = end;
        return Number(value);
      } catch (error) {
        const cut = this.position + 10 > this.#bytes.length;
        return refuse(cut ? 'truncated' : 'varint', error instanceof Error ? error.message : '');
      }
    };
    const skip = (length: number, what: string): Uint8Array => {
      const left = this.#bytes.length - this.position;
      if (length < 0) refuse('length', `${what} claims a length of ${length.toString()}`);
      if (length > left)
        refuse('truncated', `${what} needs ${length.toString()} bytes, and ${left.toString()} are left`);
      this.position += length;
      return this.#bytes.subarray(this.position - length, this.position);
    };
    switch (type.kind) {
      case 'null':
        return;
      case 'boolean': {
        const [byte = 0] = skip(1, 'a boolean');
        if (byte > 1) refuse('boolean', `a boolean is 0 or 1, not ${byte.toString()}`);
        return;
      }
      case 'int': {
        const value = integer();
        if (value !== (value | 0)) refuse('range', `${value.toString()} is no 32-bit integer`);
        return;
      }
      case 'long':
        integer();
        return;
      case 'float':
        skip(4, 'a float');
        return;
      case 'double':
        skip(8, 'a double');
        return;
      case 'bytes': {
        const { length } = skip(integer(), 'bytes');
        if (type.logical?.scale !== null && type.logical !== null && length > maxDecimalBytes)
          refuse('decimal', `a decimal of ${length.toString()} bytes has too many digits`);
        return;
      }
      case 'fixed':
        skip(type.size, `the fixed ${type.name}`);
        return;
      case 'string':
        if (!isUtf8(skip(integer(), 'a string'))) refuse('utf8', 'a string is no UTF-8');
        return;
      case 'enum': {
        const index = integer();
        if (type.symbols[index] === undefined)
          refuse(
            'enum-index',
            `the enum ${type.name} has no symbol ${index.toString()}, only ${type.symbols.length.toString()}`,
          );
        return;
      }
      case 'union': {
        const index = integer();
        const branch = type.branches[index];
        if (branch === undefined)
          return refuse(
            'union-index',
            `the union has no branch ${index.toString()}, only ${type.branches.length.toString()}`,
          );
        return this.read(branch, at, depth + 1);
      }
      case 'record':
        this.#emptyFields += emptyFieldsOf(type, this.#mayBeEmpty);
        if (this.#emptyFields > maxEmptyFields)
          refuse('count', `it has more than ${maxEmptyFields.toString()} fields that take no byte`);
        for (const field of type.fields) this.read(field.type, pointerTo(at, field.name), depth + 1);
        return;
      case 'array':
        return this.#blocks(mayBeEmpty(type.items, this.#mayBeEmpty), integer, refuse, (index) => {
          this.read(type.items, pointerTo(at, index), depth + 1);
        });
      case 'map':
        return this.#blocks(false, integer, refuse, () => {
          const key = skip(integer(), 'a key of a map');
          if (!isUtf8(key)) refuse('utf8', 'a key of a map is no UTF-8');
          this.read(type.values, pointerTo(at, Buffer.from(key).toString('utf8')), depth + 1);
        });
    }
  }

  #blocks(
    maybeEmpty: boolean,
    integer: () => number,
    refuse: (code: string, message: string) => never,
    readItem: (index: number) => void,
  ): void {
    let index = 0;
    for (let count = integer(); count !== 0; count = integer()) {
      if (count < 0) {
        count = -count;
        integer(); // the size of the block
      }
      const left = this.#bytes.length - this.position;
      if (maybeEmpty) this.#emptyItems += count;
      if (this.#emptyItems > maxEmptyItems)
        refuse('count', `more than ${maxEmptyItems.toString()} items are claimed that need no byte`);
      if (!maybeEmpty && count > left)
        refuse('count', `${count.toString()} items are claimed, and ${left.toString()} bytes are left`);
      for (; count > 0; count -= 1) {
        readItem(index);
        index += 1;
      }
    }
  }
}
