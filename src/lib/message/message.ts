/**
 * A message as every system has it: bytes stay bytes, a system's own types keep their type, order and repetition of
 * headers are kept, null is null. What is not known is null, never a default.
 */

import type { JsonValue } from './json-value.ts';

/**
 * A value that the system itself typed (an AMQP integer, timestamp, table).
 *
 * - `type` is the field's own word: `boolean`, `int8`, `uint8`, `int16`, `uint16`, `int32`, `uint32`, `int64`,
 *   `uint64`, `float`, `double`, `decimal`, `timestamp`, `bytes`, `table`, `array`, `void`; `encoded` is what nests deeper than can be
 *   read, as it stands on the wire.
 * - `value` is text for all scalars (exact decimal digits, so nothing is rounded at 2^53), raw bytes for `bytes` and `encoded`,
 *   entries in wire order for `table`, items in order for `array`, null for `void`.
 */
export interface TypedValue {
  readonly type: string;
  readonly value: string | Uint8Array | null | readonly HeaderValue[] | readonly Header[];
}

/** Plain bytes are text or binary alike: whether they are valid UTF-8 is decided where they are shown. */
export type HeaderValue = Uint8Array | TypedValue | null;

export interface Header {
  readonly name: string;
  readonly value: HeaderValue;
  /** The name's bytes, only when they are not valid UTF-8 (then `name` is for people and this is the truth). */
  readonly rawName?: Uint8Array;
}

/** Text is a property that the system defines as text; bytes when such a text was not valid UTF-8. */
export type PropertyValue = string | Uint8Array | TypedValue | null | readonly Header[];

/** What the system keeps beside the headers, in camelCase: `contentType`, `correlationId`, `priority`, `exchange`… */
export type Properties = Readonly<Record<string, PropertyValue>>;

/** The part of a message that is published, and published again exactly. */
export interface OutgoingMessage {
  readonly key: Uint8Array | null;
  /** null is a tombstone, where the system knows one. */
  readonly value: Uint8Array | null;
  readonly headers: readonly Header[];
  readonly properties: Properties;
  /** null lets the system choose. */
  readonly partition: string | null;
  /** Milliseconds since 1970, null for now. */
  readonly timestamp: number | null;
}

/** Why and whence a message became a dead letter, as far as it says so. */
export interface DeadLetter {
  readonly reason: string | null;
  /** The exception's class. */
  readonly class: string | null;
  readonly message: string | null;
  readonly attempts: number | null;
  readonly origin: {
    readonly channel: string | null;
    readonly partition: string | null;
    readonly offset: string | null;
  };
  readonly consumer: string | null;
  /** Milliseconds since 1970. */
  readonly at: number | null;
}

export interface Message extends OutgoingMessage {
  readonly channel: string;
  /** Opaque: only the driver compares partitions and offsets. */
  readonly offset: string | null;
  /** The system's own id, where there is one. */
  readonly id: string | null;
  /** Who set the time: the producer (`create`) or the broker (`append`). */
  readonly timestampType: 'create' | 'append' | null;
  readonly delivery: {
    /** How often it was delivered, this time included. */
    readonly count: number | null;
    readonly redelivered: boolean | null;
  };
  readonly deadLetter: DeadLetter | null;
  /** What a schema made of it, where somebody asked one; the bytes stay what they are. */
  readonly decoded?: DecodedParts;
}

export interface DecodedParts {
  readonly value?: JsonValue;
  readonly key?: JsonValue;
  readonly by: DecodedBy | null;
}

/** The schema of the value; of the key where only that was decoded. */
export interface DecodedBy {
  /** As the frame carries it. */
  readonly id: string;
  /** How the schema is called: a subject with its version, or the type that it defines. */
  readonly name: string;
  readonly format: string;
  readonly framing: string;
}
