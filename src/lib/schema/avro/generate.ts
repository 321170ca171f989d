/** Values of a schema, small ones first, led to one spot where a trail is given. */
import type { JsonValue } from '../../message/record.ts';
import type { Random } from '../random.ts';
import type { Step } from './compare.ts';
import { scaledText } from './decimal.ts';
import { branchName, innerTypes, type AvroType, type AvroUnion, type LogicalType } from './model.ts';
import { isAmbiguous } from './union-shape.ts';

/** A value of the type that stands where the trail ends. */
export type AtTheSpot = (type: AvroType) => JsonValue | undefined;

/** How deep the smallest value of a type is; infinite for a record that always holds another of its kind. */
export type Heights = ReadonlyMap<AvroType, number>;

/** Of each type in `root`, itself included. Lists and maps have the height 0: they may be empty. */
export function heightsIn(root: AvroType): Heights {
  const types = new Set<AvroType>();
  collect(root, types);
  const heights = new Map<AvroType, number>([...types].map((type) => [type, Infinity]));
  const of = (type: AvroType): number => heights.get(type) ?? 0;
  for (let changed = true; changed;) {
    changed = false;
    // What was found last is held by the others.
    for (const type of [...types].reverse()) {
      const height = heightBy(type, of);
      if (height >= of(type)) continue;
      heights.set(type, height);
      changed = true;
    }
  }
  return heights;
}

function heightBy(type: AvroType, of: (type: AvroType) => number): number {
  if (type.kind === 'union')
    return 1 + type.branches.reduce((least, branch) => Math.min(least, of(branch)), Infinity);
  if (type.kind === 'record')
    return 1 + type.fields.reduce((most, field) => Math.max(most, of(field.type)), 0);
  return 0;
}

function collect(root: AvroType, types: Set<AvroType>): void {
  const open = [root];
  for (let type = open.pop(); type !== undefined; type = open.pop()) {
    if (types.has(type)) continue;
    types.add(type);
    open.push(...innerTypes(type));
  }
}

const deepest = 24;
/** Records within records may need more values than any memory holds: such a type is given none. */
const mostValues = 50_000;

export class ValueGenerator {
  readonly #random: Random;
  /** Whether every choice is the smallest one. */
  readonly #small: boolean;
  readonly #heights: Heights;
  /** Of the value that is being made. */
  #made = 0;

  constructor(heights: Heights, random: Random, small: boolean) {
    this.#heights = heights;
    this.#random = random;
    this.#small = small;
  }

  /** Follows the trail and puts what `atTheSpot` makes at its end. Undefined where the type has no finite value. */
  along(type: AvroType, trail: readonly Step[], atTheSpot: AtTheSpot, depth = 0): JsonValue | undefined {
    if (depth === 0) this.#made = 0;
    const [step, ...rest] = trail;
    if (step === undefined) return atTheSpot(type);
    if (type.kind === 'union') {
      const branch = step.into === 'branch' ? type.branches[step.index] : undefined;
      if (branch === undefined) return undefined;
      return named(type, branch, this.along(branch, rest, atTheSpot, depth + 1));
    }
    if (step.into === 'items' && type.kind === 'array') {
      const item = this.along(type.items, rest, atTheSpot, depth + 1);
      return item === undefined ? undefined : [item];
    }
    if (step.into === 'values' && type.kind === 'map') {
      const value = this.along(type.values, rest, atTheSpot, depth + 1);
      return value === undefined ? undefined : { key: value };
    }
    if (step.into !== 'field' || type.kind !== 'record') return undefined;
    const values: Record<string, JsonValue> = { __proto__: null };
    for (const field of type.fields) {
      const value =
        field.name === step.name
          ? this.along(field.type, rest, atTheSpot, depth + 1)
          : this.any(field.type, depth + 1);
      if (value === undefined) return undefined;
      values[field.name] = value;
    }
    return values;
  }

  any(type: AvroType, depth = 0): JsonValue | undefined {
    if (this.#heightOf(type) === Infinity) return undefined;
    if (depth === 0) this.#made = 0;
    return this.#any(type, depth);
  }

  #any(type: AvroType, depth: number): JsonValue | undefined {
    this.#made += 1;
    if (this.#made > mostValues) return undefined;
    const small = this.#small || depth > deepest;
    switch (type.kind) {
      case 'null':
        return null;
      case 'boolean':
        return small ? false : this.#random.below(2) === 1;
      case 'int':
        return small ? 0 : this.#integer(32);
      case 'long':
        return small ? 0 : this.#integer(64);
      case 'float':
        return small ? 0 : Math.fround((this.#random.next() - 0.5) * 1e6);
      case 'double':
        return small ? 0 : (this.#random.next() - 0.5) * 1e12;
      case 'string':
        return small ? '' : this.#text();
      case 'bytes':
        return type.logical?.name === 'decimal'
          ? this.#decimal(type.logical, small)
          : small
            ? ''
            : this.#text();
      case 'fixed':
        if (type.logical?.name === 'decimal') return this.#decimal(type.logical, small);
        return String.fromCharCode(
          ...Array.from({ length: Math.min(type.size, 4096) }, () => (small ? 0 : this.#random.below(256))),
        );
      case 'enum':
        return small ? type.symbols[0] : this.#random.pick(type.symbols);
      case 'array': {
        const items: JsonValue[] = [];
        if (!small && this.#heightOf(type.items) < Infinity)
          for (let left = this.#random.below(3); left > 0; left -= 1) {
            const item = this.#any(type.items, depth + 2);
            if (item !== undefined) items.push(item);
          }
        return items;
      }
      case 'map': {
        const values: Record<string, JsonValue> = { __proto__: null };
        if (!small && this.#heightOf(type.values) < Infinity)
          for (let left = this.#random.below(3); left > 0; left -= 1) {
            const value = this.#any(type.values, depth + 2);
            if (value !== undefined) values[this.#text()] = value;
          }
        return values;
      }
      case 'union': {
        const finite = type.branches.filter((branch) => this.#heightOf(branch) < Infinity);
        const lowest = finite.reduce<AvroType | undefined>(
          (best, branch) =>
            best === undefined || this.#heightOf(branch) < this.#heightOf(best) ? branch : best,
          undefined,
        );
        const branch = small ? lowest : this.#random.pick(finite);
        return branch === undefined ? undefined : named(type, branch, this.#any(branch, depth + 1));
      }
      case 'record': {
        const values: Record<string, JsonValue> = { __proto__: null };
        for (const field of type.fields) {
          const value = this.#any(field.type, depth + 1);
          if (value === undefined) return undefined;
          values[field.name] = value;
        }
        return values;
      }
    }
  }

  #heightOf(type: AvroType): number {
    return this.#heights.get(type) ?? 0;
  }

  #integer(bits: 32 | 64): JsonValue {
    const limit = 2n ** BigInt(bits - 1);
    const edges = [0n, 1n, -1n, limit - 1n, -limit, 2n ** BigInt(this.#random.below(bits - 1))];
    const value = this.#random.pick(edges) ?? 0n;
    return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
      ? Number(value)
      : value.toString();
  }

  #text(): string {
    return Array.from({ length: this.#random.below(6) }, () => this.#random.pick([...'abz09 é']) ?? '').join(
      '',
    );
  }

  #decimal({ precision, scale }: LogicalType, small: boolean): string {
    const digits = small ? 1 : 1 + this.#random.below(precision ?? 1);
    const unscaled = BigInt(`1${'0'.repeat(digits - 1)}`);
    return scaledText(small ? 0n : unscaled, scale ?? 0);
  }
}

function named(union: AvroUnion, branch: AvroType, value: JsonValue | undefined): JsonValue | undefined {
  if (value === undefined || value === null || !isAmbiguous(union)) return value;
  return { [branchName(branch)]: value };
}
