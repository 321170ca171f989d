/** What speaks for each place of an inferred schema: how many samples have it, and what they have there. */
import { pointerTo } from '../json-pointer.ts';
import { mostTexts, valuesOfAll, type ObjectsSeen, type Observation } from './observation.ts';
import { isMap } from './shape.ts';

export interface PlaceEvidence {
  /** RFC 6901 into the samples, with `*` for any item of a list and any name of a map. */
  readonly pointer: string;
  /** How many values were seen there. */
  readonly seen: number;
  /** In how many samples, objects or lists it could have been. */
  readonly of: number;
  /** What `of` counts. A field is once in each; an item or value of a map as often as it likes. */
  readonly within: 'samples' | 'objects' | 'lists' | 'maps';
  /** How often each type was seen, the commonest first. */
  readonly types: readonly { readonly type: SampleType; readonly count: number }[];
  /** The values in short: `1 … 300`, `"A" 40, "B" 2`, `2 … 40 characters, date-time`. */
  readonly values: string;
}

export type SampleType = 'null' | 'boolean' | 'integer' | 'number' | 'string' | 'list' | 'object' | 'map';

/** Every place, what is outside before what is inside of it. */
export function evidenceOf(root: Observation): readonly PlaceEvidence[] {
  const places: PlaceEvidence[] = [];
  const visit = (seen: Observation, pointer: string, of: number, within: PlaceEvidence['within']): void => {
    places.push({ pointer, seen: seen.seen, of, within, types: typesOf(seen), values: valuesText(seen) });
    if (seen.items !== null) visit(seen.items, `${pointer}/*`, seen.lists, 'lists');
    const { objects } = seen;
    if (objects === null) return;
    if (isMap(objects)) return visit(valuesOfAll(objects), `${pointer}/*`, objects.count, 'maps');
    for (const [name, field] of objects.fields)
      visit(field, pointerTo(pointer, name), objects.count, 'objects');
  };
  visit(root, '', root.seen, 'samples');
  return places;
}

function typesOf(seen: Observation): PlaceEvidence['types'] {
  const { objects } = seen;
  const counts: readonly (readonly [SampleType, number])[] = [
    ['null', seen.nulls],
    ['boolean', seen.booleans],
    ['integer', seen.integers],
    ['number', seen.fractions],
    ['string', seen.texts],
    ['list', seen.lists],
    [objects !== null && isMap(objects) ? 'map' : 'object', objects?.count ?? 0],
  ];
  return counts
    .filter(([, count]) => count > 0)
    .map(([type, count]) => ({ type, count }))
    .sort((one, other) => other.count - one.count);
}

const textsShown = 4;

function valuesText(seen: Observation): string {
  const { integerRange, fractionRange, listLengths } = seen;
  const numbers = [integerRange, fractionRange].filter((range) => range !== null);
  return [
    ...(numbers.length === 0 ? [] : [rangeText(numbers)]),
    ...(seen.texts === 0 ? [] : [textsText(seen)]),
    ...(listLengths === null ? [] : [counted([listLengths], 'item')]),
    ...(seen.objects === null ? [] : [namesText(seen.objects)]),
  ].join('; ');
}

interface AnyRange {
  readonly least: number | bigint;
  readonly most: number | bigint;
}

function rangeText(ranges: readonly AnyRange[]): string {
  const ends = ranges.flatMap(({ least, most }) => [least, most]);
  const least = ends.reduce((one, other) => (other < one ? other : one));
  const most = ends.reduce((one, other) => (other > one ? other : one));
  return least === most ? least.toString() : `${least.toString()} … ${most.toString()}`;
}

/** `1 item`, `0 … 2 items`. */
function counted(ranges: readonly AnyRange[], word: string): string {
  const text = rangeText(ranges);
  return `${text} ${word}${text === '1' ? '' : 's'}`;
}

function textsText({ distinctTexts, textLengths, formats, texts }: Observation): string {
  const few = distinctTexts !== null && distinctTexts.size < texts && distinctTexts.size <= textsShown;
  if (few)
    return [...distinctTexts]
      .sort(([, one], [, other]) => other - one)
      .map(([text, count]) => `${JSON.stringify(text)} ${count.toString()}`)
      .join(', ');
  const different =
    distinctTexts === null
      ? `more than ${mostTexts.toString()} texts`
      : counted([{ least: distinctTexts.size, most: distinctTexts.size }], 'text');
  return [different, ...(textLengths === null ? [] : [counted([textLengths], 'character')]), ...formats].join(
    ', ',
  );
}

function namesText(objects: ObjectsSeen): string {
  return isMap(objects)
    ? 'any name'
    : counted([{ least: objects.fields.size, most: objects.fields.size }], 'field');
}
