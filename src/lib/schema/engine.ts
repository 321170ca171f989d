/**
 * What each format has to be able to do. `engines.ts` finds the engine of a format; nobody else asks which format it is.
 */
import type { JsonValue } from '../message/record.ts';
import type { Comparison, Difference, Witness } from './finding.ts';

export const schemaFormats = ['avro', 'protobuf', 'json'] as const;
export type SchemaFormat = (typeof schemaFormats)[number];

/** The text of a schema, from wherever. */
export interface SchemaSource {
  /** For people and for places: `order.avsc`, `orders-value version 3`. */
  readonly name: string;
  readonly text: string;
  /** What it refers to, in an order in which each one needs only those before it. */
  readonly references: readonly SchemaReference[];
}

/** A schema that another one refers to by name: Avro's full name, Protobuf's import path, a `$ref`. */
export interface SchemaReference {
  readonly name: string;
  readonly source: SchemaSource;
}

/** How bytes are to be taken, beside the schema. */
export interface PayloadHints {
  /** Protobuf: which message of the file, as the framing says; null: the first one. */
  readonly messageIndexes: readonly number[] | null;
}

export interface Decoded {
  /** Ready for JSON: what a double would round is text, see the engine. */
  readonly value: JsonValue;
  /** How many bytes after the value were not read: more than 0 means that the schema is hardly the right one. */
  readonly trailing: number;
  /** The message or record that it is, where the schema names it. */
  readonly type: string | null;
}

/** One way in which a value or its bytes are not what the schema says. */
export interface Violation {
  /** Stable, for counting: `type`, `required`, `trailing-bytes`. */
  readonly code: string;
  /** RFC 6901, into the data. */
  readonly dataPointer: string;
  /** RFC 6901, into the schema; null where it is about the bytes. */
  readonly schemaPointer: string | null;
  /** One sentence without a full stop. */
  readonly message: string;
}

/** A parsed schema. Each engine has its own class, and takes only that one. */
export interface Schema {
  readonly format: SchemaFormat;
  readonly source: SchemaSource;
  /** The name of what it defines, where it has one. */
  readonly name: string | null;
  /** By which Avro's single objects name it: CRC-64-AVRO as 16 digits of hex; null for other formats. */
  readonly fingerprint: string | null;
  /**
   * The value of a payload without framing, which begins at `start`: what is before it costs no copy. Bounded in time and
   * memory, whatever the bytes claim. Throws `PayloadError` with the reason.
   */
  decode(payload: Uint8Array, hints?: PayloadHints, start?: number): Decoded;
  /** The payload, without framing, of a value given as JSON. Throws `PayloadError` that names the first violation. */
  encode(value: JsonValue, hints?: PayloadHints): Uint8Array;
  /** At most `limit` violations of a value given as JSON; none: it is valid. */
  validate(value: JsonValue, limit: number): readonly Violation[];
  /** At most `limit` violations of a payload without framing, its trailing bytes among them. */
  validatePayload(payload: Uint8Array, limit: number, hints?: PayloadHints): readonly Violation[];
}

/** A part of a schema that may be added, removed or changed: a type, a field, a property. */
export interface SchemaElement {
  /** What makes it the same element in another version; unique in a schema. */
  readonly key: string;
  /** For people: `shop.Order.total`, `/properties/total`. */
  readonly path: string;
  /** All that it says of itself, without its parts that are elements: two that differ are changed. */
  readonly description: string;
}

export interface WitnessSearch {
  /** The same seed finds the same witness, as long as the time suffices. */
  readonly seed: number;
  /** At most so long for one difference, in milliseconds. */
  readonly timeMs: number;
}

export interface FormatEngine {
  readonly format: SchemaFormat;
  /** Throws `InvalidSchemaError` with the place. Never fetches anything. */
  parse(source: SchemaSource): Schema;
  /** What it consists of, in its order. Ends on recursive schemas, too. */
  elements(schema: Schema): readonly SchemaElement[];
  /** What `reader` cannot read of what `writer` writes. Both are this engine's own. Ends on recursive schemas, too. */
  compare(reader: Schema, writer: Schema): Comparison;
  /**
   * Looks for a value that shows this difference, and runs it through the real codec. Only what was seen to break is
   * given; null where nothing was found in the time.
   */
  findWitness(
    reader: Schema,
    writer: Schema,
    difference: Difference,
    search: WitnessSearch,
  ): Promise<Witness | null>;
}
