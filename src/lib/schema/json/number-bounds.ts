/** What numbers several schemas leave, by their limits; draft-04 says "exclusive" with true beside the limit. */
import type { JsonValue } from '../../message/record.ts';
import type { JsonObject } from './document.ts';

export interface Bounds {
  readonly low: number;
  readonly lowOpen: boolean;
  readonly high: number;
  readonly highOpen: boolean;
  readonly multiples: readonly number[];
}

/**
 * The narrowest limits that all of them leave, infinite where none is set; open: the limit itself is outside. `multiples` has
 * each `multipleOf` as it is said.
 */
export function boundsOf(schemas: readonly JsonObject[]): Bounds {
  let [low, lowOpen, high, highOpen] = [-Infinity, false, Infinity, false];
  const multiples: number[] = [];
  const raise = (limit: JsonValue | undefined, open: boolean): void => {
    if (typeof limit !== 'number' || limit < low || (limit === low && !open)) return;
    [low, lowOpen] = [limit, open];
  };
  const lower = (limit: JsonValue | undefined, open: boolean): void => {
    if (typeof limit !== 'number' || limit > high || (limit === high && !open)) return;
    [high, highOpen] = [limit, open];
  };
  for (const schema of schemas) {
    raise(schema['minimum'], schema['exclusiveMinimum'] === true);
    raise(schema['exclusiveMinimum'], true);
    lower(schema['maximum'], schema['exclusiveMaximum'] === true);
    lower(schema['exclusiveMaximum'], true);
    const { multipleOf } = schema;
    if (typeof multipleOf === 'number') multiples.push(multipleOf);
  }
  return { low, lowOpen, high, highOpen, multiples };
}
