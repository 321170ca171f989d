/** Where in a shard somebody is, as text that the one grammar of positions reads: `start`, `N`, `after:N`, `@TIME`. */
import type { GetShardIteratorInput } from '@aws-sdk/client-kinesis';

export type Place =
  | { readonly kind: 'start' }
  /** Behind all that is there now. */
  | { readonly kind: 'end' }
  | { readonly kind: 'at' | 'after'; readonly sequence: string }
  /** Milliseconds since 1970, by the arrival of records. */
  | { readonly kind: 'time'; readonly at: number }
  /** A shard that was closed already where somebody began at the end: nothing of it is wanted. */
  | { readonly kind: 'done' };

/** As it is kept and shown; `placeFrom` reads it back. A time is in RFC 3339, UTC. */
export function placeText(place: Place): string {
  switch (place.kind) {
    case 'at':
      return place.sequence;
    case 'after':
      return `after:${place.sequence}`;
    case 'time':
      return `@${new Date(place.at).toISOString()}`;
    case 'start':
    case 'end':
    case 'done':
      return place.kind;
  }
}

/** null where it is none. */
export function placeFrom(text: string): Place | null {
  if (text === 'start' || text === 'end' || text === 'done') return { kind: text };
  const sequence = /^(after:)?(\d{1,200})$/.exec(text);
  if (sequence?.[2] !== undefined)
    return { kind: sequence[1] === undefined ? 'at' : 'after', sequence: sequence[2] };
  const at = text.startsWith('@') ? Date.parse(text.slice(1)) : Number.NaN;
  return Number.isNaN(at) ? null : { kind: 'time', at };
}

type IteratorInput = Pick<
  GetShardIteratorInput,
  'ShardIteratorType' | 'StartingSequenceNumber' | 'Timestamp'
>;

/** As AWS asks for it. */
export function iteratorInput(place: Exclude<Place, { kind: 'done' }>): IteratorInput {
  switch (place.kind) {
    case 'start':
      return { ShardIteratorType: 'TRIM_HORIZON' };
    case 'end':
      return { ShardIteratorType: 'LATEST' };
    case 'at':
      return { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: place.sequence };
    case 'after':
      return { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: place.sequence };
    case 'time':
      return { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: new Date(place.at) };
  }
}
