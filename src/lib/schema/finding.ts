/**
 * The one shape of what is found between two versions of a schema, whatever the format. Each finding answers twice:
 * what a registry says (by a rule of its dialect), and whether real data breaks (by a witness that was run).
 */
import type { JsonValue } from '../message/record.ts';

/** Registries whose rules are known. They disagree with each other, and with the data. */
export const dialects = ['confluent', 'apicurio'] as const;
export type Dialect = (typeof dialects)[number];

/** `backward`: the proposed schema reads what an older version wrote. `forward`: the older one reads what it writes. */
export type Direction = 'backward' | 'forward';

/** One of the two schemas of a finding, and the spot in it. */
export interface Spot {
  /** The schema for people: `order.avsc`, `orders-value version 3`, `main:order.avsc`. */
  readonly schema: string;
  /**
   * RFC 6901, into the schema's own document (`/fields/1/type`); the empty string is the whole. In Protobuf, where the
   * document is no JSON, the names on the way: `/Order/total`. Where the thing is missing, what lacks it.
   */
  readonly pointer: string;
  /** Where that is in the text, for excerpts and SARIF; null where the format keeps no places. */
  readonly place: Place | null;
  /** What stands there, in short and for people: `{"type":"long"}`; null where nothing does. */
  readonly value: string | null;
}

/** Lines and columns count from 1. `file` is what the schema is called, also where it came from no file. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A value that the writer's schema accepts, which was encoded, read by the reader's, and did not survive. */
export interface Witness {
  /** The value as the writer's schema says it. */
  readonly written: JsonValue;
  /** Its encoding, without framing; null for JSON, whose encoding is the value. */
  readonly bytes: Uint8Array | null;
  /** `refused`: the reader's codec threw. `differs`: it gave another value, without a word. */
  readonly outcome: 'refused' | 'differs';
  /** What was read in its place, for `differs`; null for `refused`. */
  readonly read: JsonValue;
  /** A sentence: the codec's own words, or what the reader takes it for. */
  readonly detail: string;
}

/** Whether real data breaks. `not-proved` is no yes and no no. */
export type DataVerdict =
  | { readonly kind: 'breaks'; readonly witness: Witness }
  | { readonly kind: 'not-proved'; readonly reason: string }
  /** No value can break here: only a registry's rule stands against it. */
  | { readonly kind: 'compatible'; readonly reason: string };

/** What an engine's `compare` says, before anyone knows whether a witness is to be had. */
export interface Difference {
  /** Stable; of the format's reference where it has one: `READER_FIELD_MISSING_DEFAULT_VALUE`. */
  readonly code: string;
  /** One sentence without a full stop: what the reader cannot do with what the writer wrote. */
  readonly message: string;
  readonly reader: Spot;
  readonly writer: Spot;
  /** The rule by which each registry rejects it; a dialect that is not named accepts it. */
  readonly rejectedBy: Partial<Readonly<Record<Dialect, string>>>;
  /**
   * `may-break` is what a witness is searched for; `compatible` is proved: no value can break by this. `json-form`: the
   * bytes are read as before, and only who writes messages as Protobuf's JSON has to look.
   */
  readonly data: 'may-break' | 'compatible' | 'json-form';
  /** The change that would not break, one sentence; null where none is known. */
  readonly suggestion: string | null;
}

export interface Finding extends Omit<Difference, 'data'> {
  readonly direction: Direction;
  readonly data: DataVerdict;
}

/** Everything between one reader and one writer. */
export interface Comparison {
  readonly differences: readonly Difference[];
  /**
   * What could be neither proved nor refuted, as sentences: empty where the differences are all there is. A format
   * whose containment cannot always be decided (JSON Schema) says here what it gave up on.
   */
  readonly unproved: readonly string[];
}
