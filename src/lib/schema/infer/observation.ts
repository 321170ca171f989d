/** What was seen at one place of all samples: counts, never the samples themselves, so that memory is bounded. */
import { formatsOf, textFormats, type TextFormat } from './text-format.ts';
import { isSampleList, isSampleObject, type Sample, type SampleObject } from './sample.ts';

/** More different texts than these are no closed set. */
export const mostTexts = 32;
/** Of one object. More different names than these are data, not fields. */
const mostFields = 1_000;
/** Of all objects together. */
const mostPlaces = 20_000;
/** Longer texts are not kept as one of a set. */
const longestText = 100;

/** How many places may still be told apart, in all of an inference. */
export class PlaceBudget {
  #left = mostPlaces;

  take(): boolean {
    if (this.#left === 0) return false;
    this.#left -= 1;
    return true;
  }
}

/** Smallest and largest. */
interface Range<Value> {
  readonly least: Value;
  readonly most: Value;
}

/** All the objects at one place. */
export interface ObjectsSeen {
  count: number;
  /** By name, in the order in which they came. `seen` of each is how many of these objects have it. */
  readonly fields: Map<string, Observation>;
  /** What stands behind names that are too many to be fields; null: they are not. */
  values: Observation | null;
}

export class Observation {
  /** How many values were seen here. */
  seen = 0;
  nulls = 0;
  booleans = 0;
  integers = 0;
  /** Numbers with a fraction, and those beyond what an exact integer is written as. */
  fractions = 0;
  texts = 0;
  integerRange: Range<bigint> | null = null;
  fractionRange: Range<number> | null = null;
  textLengths: Range<number> | null = null;
  /** How often each text came; null: there are more than `mostTexts`, or long ones. */
  distinctTexts: Map<string, number> | null = new Map();
  /** The formats that every text has so far. */
  formats: ReadonlySet<TextFormat> = new Set(textFormats);
  lists = 0;
  listLengths: Range<number> | null = null;
  /** Of all lists together; null: no item was seen. */
  items: Observation | null = null;
  objects: ObjectsSeen | null = null;
  readonly #budget: PlaceBudget;

  constructor(budget: PlaceBudget) {
    this.#budget = budget;
  }

  add(value: Sample): void {
    this.seen += 1;
    if (value === null) this.nulls += 1;
    else if (typeof value === 'boolean') this.booleans += 1;
    else if (typeof value === 'bigint') this.#addInteger(value);
    else if (typeof value === 'number') this.#addNumber(value);
    else if (typeof value === 'string') this.#addText(value);
    else if (isSampleList(value)) this.#addList(value);
    else if (isSampleObject(value)) this.#addObject(value);
  }

  /** Takes over all that another one saw. */
  merge(other: Observation): void {
    this.seen += other.seen;
    this.nulls += other.nulls;
    this.booleans += other.booleans;
    this.integers += other.integers;
    this.fractions += other.fractions;
    this.texts += other.texts;
    this.lists += other.lists;
    this.integerRange = union(this.integerRange, other.integerRange);
    this.fractionRange = union(this.fractionRange, other.fractionRange);
    this.textLengths = union(this.textLengths, other.textLengths);
    this.listLengths = union(this.listLengths, other.listLengths);
    this.formats = this.formats.intersection(other.formats);
    this.#mergeTexts(other.distinctTexts);
    if (other.items !== null) (this.items ??= new Observation(this.#budget)).merge(other.items);
    if (other.objects === null) return;
    const objects = (this.objects ??= noObjects());
    objects.count += other.objects.count;
    for (const [name, field] of other.objects.fields) this.#field(objects, name).merge(field);
    if (other.objects.values !== null) this.#valuesOf(objects).merge(other.objects.values);
  }

  #addInteger(value: bigint): void {
    this.integers += 1;
    this.integerRange = union(this.integerRange, { least: value, most: value });
  }

  #addNumber(value: number): void {
    if (Number.isSafeInteger(value)) return this.#addInteger(BigInt(value));
    this.fractions += 1;
    this.fractionRange = union(this.fractionRange, { least: value, most: value });
  }

  #addText(value: string): void {
    this.texts += 1;
    this.textLengths = union(this.textLengths, { least: value.length, most: value.length });
    if (this.formats.size > 0) this.formats = formatsOf(value, this.formats);
    this.#mergeTexts(value.length > longestText ? null : new Map([[value, 1]]));
  }

  #mergeTexts(others: ReadonlyMap<string, number> | null): void {
    if (this.distinctTexts === null) return;
    for (const [text, count] of others ?? [])
      this.distinctTexts.set(text, (this.distinctTexts.get(text) ?? 0) + count);
    if (others === null || this.distinctTexts.size > mostTexts) this.distinctTexts = null;
  }

  #addList(value: readonly Sample[]): void {
    this.lists += 1;
    this.listLengths = union(this.listLengths, { least: value.length, most: value.length });
    for (const item of value) (this.items ??= new Observation(this.#budget)).add(item);
  }

  #addObject(value: SampleObject): void {
    const objects = (this.objects ??= noObjects());
    objects.count += 1;
    for (const [name, member] of Object.entries(value)) this.#field(objects, name).add(member);
  }

  #field(objects: ObjectsSeen, name: string): Observation {
    if (objects.values !== null) return objects.values;
    const known = objects.fields.get(name);
    if (known !== undefined) return known;
    if (objects.fields.size >= mostFields || !this.#budget.take()) return this.#valuesOf(objects);
    const field = new Observation(this.#budget);
    objects.fields.set(name, field);
    return field;
  }

  /** From now on names are data. */
  #valuesOf(objects: ObjectsSeen): Observation {
    if (objects.values !== null) return objects.values;
    const values = valuesOfAll(objects, this.#budget);
    objects.values = values;
    objects.fields.clear();
    return values;
  }
}

function noObjects(): ObjectsSeen {
  return { count: 0, fields: new Map(), values: null };
}

/** What stands behind all names of these objects, whatever the name. */
export function valuesOfAll({ fields, values }: ObjectsSeen, budget = new PlaceBudget()): Observation {
  const all = new Observation(budget);
  if (values !== null) all.merge(values);
  for (const field of fields.values()) all.merge(field);
  return all;
}

function union<Value extends number | bigint>(
  one: Range<Value> | null,
  other: Range<Value> | null,
): Range<Value> | null {
  if (one === null || other === null) return one ?? other;
  return {
    least: other.least < one.least ? other.least : one.least,
    most: other.most > one.most ? other.most : one.most,
  };
}
