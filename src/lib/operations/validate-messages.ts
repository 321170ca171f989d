/** Whether messages are what a schema says: each failure with its place, and all of them counted. */
import type { Header } from '../message/message.ts';
import { keyText, type PayloadDecoder, type PayloadInput } from '../schema/decoder.ts';
import type { Schema, Violation } from '../schema/engine.ts';
import type { PayloadPart } from '../schema/framing/framing.ts';
import { violationsOf } from '../schema/violations.ts';

/** A message and where it is: `line 3`, `orders 0:42`. */
export interface PlacedMessage {
  readonly place: string;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly Header[];
}

export interface InvalidMessage extends Violation {
  readonly place: string;
  readonly schema: string | null;
}

export interface FailureCount {
  readonly code: string;
  readonly schemaPointer: string | null;
  readonly count: number;
}

/** By one schema, or each message by the one that its frame names. */
export type Validator = (
  input: PayloadInput,
) => Promise<{ readonly schema: string | null; readonly violations: readonly Violation[] }>;

const violationsOfOne = 10;
const failuresKept = 100;

/** Each message by this one schema. */
export function validatorBySchema(schema: Schema): Validator {
  return async (input) => ({
    schema: schema.source.name,
    violations: violationsOf(schema, input, violationsOfOne),
  });
}

/** Each message by the schema that its frame names. */
export function validatorByRegistry(decoder: PayloadDecoder, signal: AbortSignal): Validator {
  return async (input) => {
    const outcome = await decoder.decode(input, signal);
    if (outcome.kind === 'decoded')
      return {
        schema: outcome.schema,
        violations: decoder.violations(input, outcome, violationsOfOne),
      };
    const [code, message] =
      outcome.kind === 'unframed'
        ? ['unframed', 'no framing fits, so it says of no schema']
        : [outcome.reason, `${keyText(outcome.key)}: ${outcome.message}`];
    return {
      schema: outcome.kind === 'broken' ? outcome.schema : null,
      violations: [{ code, dataPointer: '', schemaPointer: null, message }],
    };
  };
}

export class Validation {
  readonly #validate: Validator;
  readonly #part: PayloadPart;
  readonly #counts = new Map<string, { code: string; schemaPointer: string | null; count: number }>();
  readonly #onInvalid: (message: InvalidMessage) => void;
  /** The first ones. */
  readonly failures: InvalidMessage[] = [];
  valid = 0;
  invalid = 0;
  /** Tombstones, and messages without a key where keys are looked at. */
  empty = 0;

  constructor(validate: Validator, part: PayloadPart, onInvalid: (message: InvalidMessage) => void) {
    this.#validate = validate;
    this.#part = part;
    this.#onInvalid = onInvalid;
  }

  async add({ place, headers, ...message }: PlacedMessage): Promise<void> {
    const bytes = message[this.#part];
    if (bytes === null) {
      this.empty += 1;
      return;
    }
    const { schema, violations } = await this.#validate({ bytes, headers, part: this.#part });
    if (violations.length === 0) {
      this.valid += 1;
      return;
    }
    this.invalid += 1;
    for (const violation of violations) {
      const { code, schemaPointer } = violation;
      const name = JSON.stringify([code, schemaPointer]);
      const counted = this.#counts.get(name) ?? { code, schemaPointer, count: 0 };
      counted.count += 1;
      this.#counts.set(name, counted);
      const failure = { place, schema, ...violation };
      if (this.failures.length < failuresKept) this.failures.push(failure);
      this.#onInvalid(failure);
    }
  }

  counts(): readonly FailureCount[] {
    return [...this.#counts.values()].sort((one, other) => other.count - one.count);
  }
}
