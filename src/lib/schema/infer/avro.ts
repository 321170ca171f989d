/** An Avro schema that takes every sample, and claims no more than the samples show. */
import type { JsonValue } from '../../message/json-value.ts';
import { valuesOfAll, type ObjectsSeen, type Observation } from './observation.ts';
import { fitsDouble, fitsLong, isMap } from './shape.ts';

export interface InferOptions {
  /** Of the whole: `shop.Order`. */
  readonly name: string;
  /** Whether a few texts that come again and again are a closed set. */
  readonly enums: boolean;
}

export interface InferredSchema {
  readonly schema: JsonValue;
  /** What the format could not say as it was seen, by the place in the data. */
  readonly notes: readonly { readonly pointer: string; readonly text: string }[];
}

/** Avro specification, "Names". */
const avroName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Whether it can name a type, with its namespace or without one: `shop.Order`, `Order`. */
export function isAvroName(text: string): boolean {
  return text.split('.').every((part) => avroName.test(part));
}

/** Of `root`, which has seen all samples; a union where they are of several types. Types within are called after their fields. */
export function inferAvro(root: Observation, options: InferOptions): InferredSchema {
  const writing = new Writing(options);
  return { schema: writing.type(root, options.name, ''), notes: writing.notes };
}

class Writing {
  readonly notes: { pointer: string; text: string }[] = [];
  readonly #options: InferOptions;
  readonly #names = new Set<string>();

  constructor(options: InferOptions) {
    this.#options = options;
  }

  /** `name` is what a record here is called. */
  type(seen: Observation, name: string, pointer: string): JsonValue {
    const branches = this.#branches(seen, name, pointer);
    const [only] = branches;
    return branches.length === 1 && only !== undefined ? only : branches;
  }

  /** The order matters: a text is tried as a text before it is tried as the digits of a long. */
  #branches(seen: Observation, name: string, pointer: string): JsonValue[] {
    const branches: JsonValue[] = [];
    if (seen.nulls > 0) branches.push('null');
    if (seen.booleans > 0) branches.push('boolean');
    if (seen.texts > 0 || !fitsLong(seen)) branches.push(this.#text(seen, name));
    if (!fitsLong(seen))
      this.#note(pointer, 'has integers beyond 64 bits, which Avro has no number for: they are text');
    if (seen.integers > 0 && (seen.fractions === 0 || !fitsDouble(seen))) branches.push('long');
    if (seen.fractions > 0) branches.push('double');
    if (seen.lists > 0) branches.push({ type: 'array', items: this.#items(seen, name, `${pointer}/*`) });
    if (seen.objects !== null) branches.push(this.#object(seen.objects, name, pointer));
    // Nothing was seen: what it is may be said later, since null may become a union.
    return branches.length === 0 ? ['null'] : branches;
  }

  #text(seen: Observation, name: string): JsonValue {
    const { distinctTexts, formats, texts } = seen;
    if (this.#options.enums && fitsLong(seen) && distinctTexts !== null) {
      const symbols = [...distinctTexts.keys()];
      if (closedSet(distinctTexts, texts) && symbols.every((symbol) => avroName.test(symbol)))
        return { type: 'enum', name: this.#unique(name), symbols: symbols.sort() };
    }
    return texts > 0 && fitsLong(seen) && formats.has('uuid')
      ? { type: 'string', logicalType: 'uuid' }
      : 'string';
  }

  #items({ items }: Observation, name: string, pointer: string): JsonValue {
    if (items === null) {
      this.#note(pointer, 'no item was ever seen here');
      return 'null';
    }
    return this.type(items, name, pointer);
  }

  #object(objects: ObjectsSeen, name: string, pointer: string): JsonValue {
    const names = [...objects.fields.keys()];
    const impossible = names.find((field) => !avroName.test(field));
    if (impossible !== undefined)
      this.#note(pointer, `"${impossible}" can be no field of Avro: it is a map of all its values`);
    if (impossible !== undefined || isMap(objects))
      return { type: 'map', values: this.type(valuesOfAll(objects), name, `${pointer}/*`) };
    const record = this.#unique(name);
    const fields = [...objects.fields].map(([field, seen]) =>
      this.#field(field, seen, seen.seen < objects.count, `${pointer}/${field}`),
    );
    return { type: 'record', name: record, fields };
  }

  /** What may be absent takes null in its place. */
  #field(name: string, seen: Observation, mayBeAbsent: boolean, pointer: string): JsonValue {
    const branches = this.#branches(seen, pascal(name), pointer);
    if (mayBeAbsent && !branches.includes('null')) branches.unshift('null');
    const [only] = branches;
    const type = branches.length === 1 && only !== undefined ? only : branches;
    return mayBeAbsent || seen.nulls > 0 ? { name, type, default: null } : { name, type };
  }

  /** A name of Avro is defined once; all of these are in the namespace of the whole. */
  #unique(name: string): string {
    for (let count = 1; ; count += 1) {
      const candidate = count === 1 ? name : `${name}${count.toString()}`;
      const plain = candidate.slice(candidate.lastIndexOf('.') + 1);
      if (this.#names.has(plain)) continue;
      this.#names.add(plain);
      return candidate;
    }
  }

  #note(pointer: string, text: string): void {
    this.notes.push({ pointer, text });
  }
}

/** `delivery_address` as `DeliveryAddress`. */
function pascal(name: string): string {
  const words = name.split('_').filter(Boolean);
  const joined = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  return avroName.test(joined) ? joined : `_${joined}`;
}

/** A few texts, each of which came at least twice, and ten values for each on average. */
export function closedSet(texts: ReadonlyMap<string, number>, count: number): boolean {
  return texts.size > 0 && count >= 10 * texts.size && [...texts.values()].every((times) => times >= 2);
}
