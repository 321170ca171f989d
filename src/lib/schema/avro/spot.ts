import type { Spot } from '../finding.ts';
import { placeOfPointer, pointerTo, tokensOf } from '../json-pointer.ts';
import type { Origin } from './model.ts';

const longestValue = 120;

/** What stands at a node, or under one of its keys. Of a key that is not there, the node itself. */
export function spotAt({ source, pointer }: Origin, key?: string): Spot {
  const wanted = key === undefined ? pointer : pointerTo(pointer, key);
  const { name, text } = source;
  const place = placeOfPointer(name, text, wanted);
  const found = place === null ? pointer : wanted;
  return {
    schema: name,
    pointer: found,
    place: place ?? placeOfPointer(name, text, pointer),
    value: shownValue(text, found),
  };
}

function shownValue(text: string, pointer: string): string | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return text.trim(); // a schema of one word
  }
  for (const token of tokensOf(pointer)) {
    if (typeof value !== 'object' || value === null) return null;
    value = Object.entries(value).find(([key]) => key === token)?.[1];
  }
  const shown = JSON.stringify(value) ?? null;
  return shown !== null && shown.length > longestValue ? `${shown.slice(0, longestValue - 1)}…` : shown;
}
