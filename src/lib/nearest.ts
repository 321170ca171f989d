import { closest, distance } from 'fastest-levenshtein';

/** The name that was probably meant, or null when none is near enough (a third of its length, at most three letters). */
export function nearest(typed: string, names: readonly string[]): string | null {
  if (names.length === 0) return null;
  const wanted = typed.toLowerCase();
  const sameButCase = names.find((name) => name.toLowerCase() === wanted);
  if (sameButCase !== undefined) return sameButCase;
  const candidate = closest(typed, names);
  return distance(typed, candidate) <= Math.min(3, Math.ceil(typed.length / 3)) ? candidate : null;
}
