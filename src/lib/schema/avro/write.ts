/** Values given as JSON: whether they fit a schema, and their encoding. The JSON is that of `json-reader.ts`. */
import type { JsonValue } from '../../message/record.ts';
import type { Violation } from '../engine.ts';
import { pointerTo } from '../json-pointer.ts';
import { decimalBytes, precisionOf, unscaledOf } from './decimal.ts';
import {
  describeType,
  isComposed,
  type AvroFixed,
  type AvroPrimitive,
  type AvroRecord,
  type AvroType,
  type AvroUnion,
} from './model.ts';
import { maxDataDepth } from './binary-decoder.ts';
import { branchNamed } from './union-shape.ts';
import { bigLongBytes } from './varint.ts';

export interface Written {
  readonly violations: readonly Violation[];
  /** Whole only where there are no violations. */
  readonly bytes: Buffer;
}

/**
 * Encodes a value, and goes on after a violation until there are `limit`. A field that is missing takes its default, as
 * the field's own tools do when they write.
 */
export function writeValue(type: AvroType, value: JsonValue, limit: number): Written {
  const writing = new Writing(limit, { defaults: mostDefaults, tries: mostTries });
  try {
    writing.write(type, value, '', 0);
  } catch (thrown) {
    if (!(thrown instanceof TooLarge)) throw thrown;
    return { violations: [thrown.violation].slice(0, limit), bytes: Buffer.alloc(0) };
  }
  return { violations: writing.violations, bytes: Buffer.concat(writing.parts) };
}

/** Ends the writing, however deep it is. */
class TooLarge extends Error {
  readonly violation: Violation;

  constructor(type: AvroType, at: string, message: string) {
    super(message);
    this.violation = { code: 'too-large', dataPointer: at, schemaPointer: type.origin.pointer, message };
  }
}

function isObject(value: JsonValue): value is { readonly [name: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** What is written beside the given value: a schema can ask for more of it than ends. */
interface Budget {
  /** Fields that take their default, with those in it. */
  defaults: number;
  /** Values, times their depth, within branches of unions that did not take theirs: in each branch each of the next may be tried. */
  tries: number;
}

const mostDefaults = 200_000;
const mostTries = 10_000_000;

class Writing {
  readonly violations: Violation[] = [];
  readonly parts: Buffer[] = [];
  readonly #limit: number;
  readonly #budget: Budget;
  #written = 0;

  constructor(limit: number, budget: Budget) {
    this.#limit = limit;
    this.#budget = budget;
  }

  write(type: AvroType, value: JsonValue, at: string, depth: number): void {
    if (this.violations.length >= this.#limit) return;
    this.#written += 1;
    if (this.#budget.defaults < 0) throw new TooLarge(type, at, 'too many fields take their default');
    if (this.#budget.tries < 0) throw new TooLarge(type, at, 'its unions take too many tries');
    if (depth > maxDataDepth && isComposed(type))
      return this.#violation(type, at, 'depth', `it nests deeper than ${maxDataDepth.toString()} levels`);
    switch (type.kind) {
      case 'record':
        if (!isObject(value)) return this.#mismatch(type, value, at);
        return this.#record(type, value, at, depth);
      case 'array': {
        if (!isList(value)) return this.#mismatch(type, value, at);
        if (value.length > 0) this.#long(BigInt(value.length));
        for (const [index, item] of value.entries())
          this.write(type.items, item, pointerTo(at, index), depth + 1);
        this.#long(0n);
        return;
      }
      case 'map': {
        if (!isObject(value)) return this.#mismatch(type, value, at);
        const entries = Object.entries(value);
        if (entries.length > 0) this.#long(BigInt(entries.length));
        for (const [key, item] of entries) {
          this.#text(Buffer.from(key));
          this.write(type.values, item, pointerTo(at, key), depth + 1);
        }
        this.#long(0n);
        return;
      }
      case 'union':
        return this.#union(type, value, at, depth);
      case 'enum': {
        const index = typeof value === 'string' ? type.symbols.indexOf(value) : -1;
        if (index !== -1) return this.#long(BigInt(index));
        return typeof value === 'string'
          ? this.#violation(
              type,
              at,
              'enum',
              `${JSON.stringify(value)} is no symbol of the enum ${type.name}`,
            )
          : this.#mismatch(type, value, at);
      }
      case 'fixed':
        return this.#fixed(type, value, at);
      case 'null':
      case 'boolean':
      case 'int':
      case 'long':
      case 'float':
      case 'double':
      case 'bytes':
      case 'string':
        return this.#primitive(type, value, at);
    }
  }

  #record(type: AvroRecord, value: { readonly [name: string]: JsonValue }, at: string, depth: number): void {
    let known = 0;
    for (const field of type.fields) {
      const inner = pointerTo(at, field.name);
      const given = Object.hasOwn(value, field.name) ? value[field.name] : undefined;
      if (given !== undefined) known += 1;
      if (given !== undefined) this.write(field.type, given, inner, depth + 1);
      else if ('default' in field) {
        this.#budget.defaults -= 1;
        this.write(field.type, jsonOf(field.default), inner, depth + 1);
      } else
        this.#add({
          code: 'required',
          dataPointer: at,
          schemaPointer: field.origin.pointer,
          message: `the field "${field.name}" is missing, and has no default`,
        });
    }
    const names = Object.keys(value);
    if (names.length === known) return;
    for (const name of names)
      if (!type.fields.some((field) => field.name === name))
        this.#violation(
          type,
          pointerTo(at, name),
          'unknown-field',
          `the record ${type.name} has no field "${name}"`,
        );
  }

  /** The branch that the value names, else the first one that takes it; the violations are those of the nearest one. */
  #union(type: AvroUnion, value: JsonValue, at: string, depth: number): void {
    const candidates = [...namedBranch(type, value), ...type.branches.keys()].map((entry) =>
      typeof entry === 'number' ? { index: entry, value } : entry,
    );
    let nearest: Writing | null = null;
    for (const candidate of candidates) {
      const branch = type.branches[candidate.index];
      if (branch === undefined) continue;
      const attempt = new Writing(this.#limit, this.#budget);
      attempt.write(branch, candidate.value, at, depth + 1);
      if (attempt.violations.length === 0) {
        this.#long(BigInt(candidate.index));
        for (const part of attempt.parts) this.parts.push(part);
        return;
      }
      this.#budget.tries -= attempt.#written * (depth + 1);
      if (attempt.violations.every(({ code }) => code !== 'type') || candidate.value !== value)
        nearest ??= attempt;
    }
    if (nearest === null) return this.#mismatch(type, value, at);
    for (const violation of nearest.violations) this.#add(violation);
  }

  #fixed(type: AvroFixed, value: JsonValue, at: string): void {
    if (type.logical?.name === 'decimal') return this.#decimal(type, value, at, type.size);
    const bytes = typeof value === 'string' ? bytesOf(value) : null;
    if (bytes === null) return this.#mismatch(type, value, at);
    if (bytes.length !== type.size)
      return this.#violation(
        type,
        at,
        'size',
        `the fixed ${type.name} has ${type.size.toString()} bytes, not ${bytes.length.toString()}`,
      );
    this.parts.push(bytes);
  }

  #primitive(type: AvroPrimitive, value: JsonValue, at: string): void {
    switch (type.kind) {
      case 'null':
        return value === null ? undefined : this.#mismatch(type, value, at);
      case 'boolean':
        if (typeof value !== 'boolean') return this.#mismatch(type, value, at);
        this.parts.push(Buffer.from([value ? 1 : 0]));
        return;
      case 'int':
      case 'long': {
        const integer = integerOf(value);
        if (integer === null) return this.#mismatch(type, value, at);
        const bits = type.kind === 'int' ? 32 : 64;
        if (BigInt.asIntN(bits, integer) !== integer)
          return this.#violation(
            type,
            at,
            'range',
            `${integer.toString()} is no ${bits.toString()}-bit integer`,
          );
        return this.#long(integer);
      }
      case 'float':
      case 'double': {
        const number = numberOf(value);
        if (number === null) return this.#mismatch(type, value, at);
        const bytes = Buffer.alloc(type.kind === 'float' ? 4 : 8);
        if (type.kind === 'float') bytes.writeFloatLE(number);
        else bytes.writeDoubleLE(number);
        this.parts.push(bytes);
        return;
      }
      case 'string':
        if (typeof value !== 'string') return this.#mismatch(type, value, at);
        return this.#text(Buffer.from(value));
      case 'bytes': {
        if (type.logical?.name === 'decimal') return this.#decimal(type, value, at, null);
        const bytes = typeof value === 'string' ? bytesOf(value) : null;
        return bytes === null ? this.#mismatch(type, value, at) : this.#text(bytes);
      }
    }
  }

  #decimal(type: AvroFixed | AvroPrimitive, value: JsonValue, at: string, size: number | null): void {
    const { scale, precision } = type.logical ?? { scale: null, precision: null };
    const text = typeof value === 'number' ? value.toString() : value;
    const unscaled = typeof text === 'string' ? unscaledOf(text, scale ?? 0) : null;
    if (unscaled === null)
      return this.#violation(
        type,
        at,
        'decimal',
        `${JSON.stringify(value)} is no decimal with at most ${(scale ?? 0).toString()} digits after the point`,
      );
    const bytes = decimalBytes(unscaled, size);
    if (bytes === null || precisionOf(unscaled) > (precision ?? 0))
      return this.#violation(
        type,
        at,
        'precision',
        `${JSON.stringify(value)} has more than ${(precision ?? 0).toString()} digits`,
      );
    if (size === null) this.#text(bytes);
    else this.parts.push(bytes);
  }

  #long(value: bigint): void {
    this.parts.push(bigLongBytes(value));
  }

  #text(bytes: Buffer): void {
    this.#long(BigInt(bytes.length));
    this.parts.push(bytes);
  }

  #mismatch(type: AvroType, value: JsonValue, at: string): void {
    this.#violation(type, at, 'type', `${shown(value)} is no ${describeType(type)}`);
  }

  #violation(type: AvroType, at: string, code: string, message: string): void {
    this.#add({ code, dataPointer: at, schemaPointer: type.origin.pointer, message });
  }

  #add(violation: Violation): void {
    if (this.violations.length < this.#limit) this.violations.push(violation);
  }
}

/** `{"branch": value}` says its branch. */
function namedBranch(type: AvroUnion, value: JsonValue): readonly { index: number; value: JsonValue }[] {
  if (!isObject(value)) return [];
  const [entry, ...others] = Object.entries(value);
  if (entry === undefined || others.length > 0) return [];
  const index = branchNamed(type, entry[0]);
  return index === null ? [] : [{ index, value: entry[1] }];
}

/** A character for each byte; null where one is no byte. */
function bytesOf(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'latin1');
  return bytes.toString('latin1') === text ? bytes : null;
}

function integerOf(value: JsonValue): bigint | null {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : null;
  return typeof value === 'string' && /^-?\d{1,20}$/.test(value) ? BigInt(value) : null;
}

function numberOf(value: JsonValue): number | null {
  if (typeof value === 'number') return value;
  return value === 'NaN' || value === 'Infinity' || value === '-Infinity' ? Number(value) : null;
}

/** What a schema's document holds came from JSON. */
function jsonOf(value: unknown): JsonValue {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  if (Array.isArray(value)) return value.map(jsonOf);
  if (typeof value !== 'object' || value === undefined) return null;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, jsonOf(item)]));
}

function shown(value: JsonValue): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
