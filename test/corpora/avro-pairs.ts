import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A pair of the compatibility test of Apache Avro, as its own checker judges it. */
export interface AvroPair {
  readonly reader: unknown;
  readonly writer: unknown;
  readonly compatible: boolean;
  /** The reference's code; null where its test asks for none. */
  readonly code: string | null;
  readonly locations: readonly string[];
}

export function avroPairs(): AvroPair[] {
  const path = join(import.meta.dirname, 'avro', 'reader-writer-pairs.json');
  const pairs: unknown = JSON.parse(readFileSync(path, 'utf8'));
  if (!Array.isArray(pairs)) throw new Error(`${path} is no list`);
  return pairs.map((pair: unknown) => {
    if (typeof pair !== 'object' || pair === null || !('reader' in pair) || !('writer' in pair))
      throw new Error(`a pair of ${path} has no reader or no writer`);
    return {
      reader: pair.reader,
      writer: pair.writer,
      compatible: 'compatible' in pair && pair.compatible === true,
      code: 'incompatibility_type' in pair ? String(pair.incompatibility_type) : null,
      locations:
        'locations' in pair && Array.isArray(pair.locations)
          ? pair.locations.map((location: unknown) => String(location))
          : [],
    };
  });
}
