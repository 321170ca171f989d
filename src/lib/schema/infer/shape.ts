import type { ObjectsSeen, Observation } from './observation.ts';

/** Fewer names are fields, however seldom each of them comes. */
const fewestNames = 16;
/** Where a name is in less than one of so many objects on average, names are data: ids, dates, countries. */
const objectsAName = 8;

/** Whether these objects are a map from names to values of one kind rather than a record of fields. */
export function isMap({ count, fields, values }: ObjectsSeen): boolean {
  if (values !== null) return true;
  if (fields.size < fewestNames) return false;
  const members = [...fields.values()].reduce((sum, { seen }) => sum + seen, 0);
  return members * objectsAName <= count * fields.size;
}

const largestLong = 2n ** 63n - 1n;

/** Whether all integers here fit 64 bits. */
export function fitsLong({ integerRange }: Observation): boolean {
  return (
    integerRange === null || (integerRange.least >= -largestLong - 1n && integerRange.most <= largestLong)
  );
}

/** Whether all integers here are exact in a double. */
export function fitsDouble({ integerRange }: Observation): boolean {
  const { MAX_SAFE_INTEGER, MIN_SAFE_INTEGER } = Number;
  return (
    integerRange === null ||
    (integerRange.least >= BigInt(MIN_SAFE_INTEGER) && integerRange.most <= BigInt(MAX_SAFE_INTEGER))
  );
}
