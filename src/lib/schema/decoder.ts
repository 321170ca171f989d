/** Finds out how a payload is framed, asks for its schema, and decodes it: the framing that leaves nothing over is the one. */
import { FailedError } from '../errors.ts';
import type { JsonValue } from '../message/json-value.ts';
import type { Header } from '../message/message.ts';
import { engineOf, travelOf } from './engines.ts';
import type { PayloadHints, Schema, SchemaFormat, Violation } from './engine.ts';
import { PayloadError } from './errors.ts';
import { unwrapCloudEvent } from './framing/cloud-event.ts';
import {
  framings,
  framingsOf,
  type Framed,
  type FramingKind,
  type PayloadPart,
  type SchemaKey,
  type Sureness,
} from './framing/framing.ts';
import { inflate } from './framing/inflate.ts';
import { readMessageIndexes } from './framing/message-indexes.ts';
import type { SchemaRegistry } from './registry/registry.ts';
import { nameOf, sourceOf } from './registry/schema-source.ts';

export interface PayloadInput {
  readonly bytes: Uint8Array;
  readonly headers: readonly Header[];
  readonly part: PayloadPart;
}

export interface DecodedPayload {
  readonly kind: 'decoded';
  readonly value: JsonValue;
  readonly framing: FramingKind;
  /** `certain` by its marks; `likely` where only the first byte and a clean decoding speak for it. */
  readonly sureness: Sureness;
  readonly key: SchemaKey;
  readonly schema: string;
  readonly format: SchemaFormat;
  readonly type: string | null;
}

export interface BrokenPayload {
  readonly kind: 'broken';
  /** Stable: `unknown-schema`, `trailing-bytes`, `truncated`, … those of `PayloadError`. */
  readonly reason: string;
  readonly message: string;
  readonly framing: FramingKind;
  readonly key: SchemaKey;
  readonly schema: string | null;
}

/** No framing fits. */
export interface UnframedPayload {
  readonly kind: 'unframed';
}

export type DecodeOutcome = DecodedPayload | BrokenPayload | UnframedPayload;

interface KnownSchema {
  readonly schema: Schema;
  readonly name: string;
}

interface KnownById extends KnownSchema {
  readonly id: number;
  readonly key: SchemaKey;
}

const noHints: PayloadHints = { messageIndexes: null };

/** What is not registered is asked for again after so long: somebody may be about to register it. */
const unknownForMs = 10_000;

export class PayloadDecoder {
  readonly #registry: SchemaRegistry;
  readonly #known = new Map<string, KnownSchema>();
  /** Those whose payload follows the id at once. */
  readonly #byId = new Map<number, KnownById>();
  /** Mostly the next message is of the same schema. */
  #last: KnownById | null = null;
  readonly #unknownUntil = new Map<string, number>();

  constructor(registry: SchemaRegistry) {
    this.#registry = registry;
  }

  /** Throws `UnreachableError` where a schema has to be asked for and nothing answers. */
  async decode(input: PayloadInput, signal: AbortSignal): Promise<DecodeOutcome> {
    for (;;) {
      const outcome = this.decodeKnown(input);
      if (!('missing' in outcome)) return outcome;
      await this.#load(outcome.missing, signal);
    }
  }

  /** The same at once, by what was asked for already; `missing` is what has to be asked for first. */
  decodeKnown(input: PayloadInput): DecodeOutcome | { readonly missing: SchemaKey } {
    const { bytes, headers, part } = input;
    const plain = this.#decodePlain(input);
    if (plain !== null) return plain;
    const { data } = unwrapCloudEvent(bytes, headers);
    let broken: BrokenPayload | null = null;
    for (const framed of framings(data, headers, part)) {
      const name = keyText(framed.schema);
      const known = this.#known.get(name);
      if (known === undefined && (this.#unknownUntil.get(name) ?? 0) <= Date.now())
        return { missing: framed.schema };
      const outcome = known === undefined ? this.#unknown(framed) : decodeBy(framed, known);
      if (outcome.kind === 'decoded') return outcome;
      // Of several that fit and fail, the one whose schema is there says more.
      if (broken === null || (broken.schema === null && outcome.schema !== null)) broken = outcome;
    }
    return broken ?? { kind: 'unframed' };
  }

  /**
   * What its schema does not allow of a payload that was decoded here, at most `limit`. Only JSON has such: bytes of the
   * other formats that can be decoded are what the schema says.
   */
  violations(
    { bytes, headers, part }: PayloadInput,
    { format, framing, key }: DecodedPayload,
    limit: number,
  ): readonly Violation[] {
    const known = this.#known.get(keyText(key));
    if (!travelOf(format).payloadIsJson || known === undefined) return [];
    const { data } = unwrapCloudEvent(bytes, headers);
    const framed = framingsOf(data, headers, part).find(({ kind }) => kind === framing);
    return framed === undefined ? [] : payloadViolations(known.schema, () => unpacked(framed), limit);
  }

  /** The schema of a key that a payload was decoded by; null where it was not asked for, or is not registered. */
  schemaOf(key: SchemaKey): Schema | null {
    return this.#known.get(keyText(key))?.schema ?? null;
  }

  /** By far the commonest frame, without making anything that is not needed; null where it is not that plain. */
  #decodePlain({ bytes, headers }: PayloadInput): DecodedPayload | null {
    if (headers.length > 0 || bytes[0] !== 0 || bytes.length < 5) return null;
    const { 1: first = 0, 2: second = 0, 3: third = 0, 4: fourth = 0 } = bytes;
    const id = (first << 24) | (second << 16) | (third << 8) | fourth;
    const known = id === this.#last?.id ? this.#last : this.#byId.get(id);
    if (known === undefined) return null;
    this.#last = known;
    const { schema, name, key } = known;
    try {
      const { value, trailing, type } = schema.decode(bytes, noHints, 5);
      if (trailing > 0) return null;
      const { format } = schema;
      return {
        kind: 'decoded',
        framing: 'confluent',
        sureness: 'likely',
        key,
        schema: name,
        value,
        format,
        type,
      };
    } catch (error) {
      if (error instanceof PayloadError) return null;
      throw error;
    }
  }

  #unknown({ kind, schema }: Framed): BrokenPayload {
    return {
      kind: 'broken',
      reason: 'unknown-schema',
      message: this.#registry.finds.includes(schema.by)
        ? `${keyText(schema)} is not registered at ${this.#registry.address}`
        : `the registry at ${this.#registry.address} finds no schema by its ${nameOfKey(schema.by)}, and this one has the ${keyText(schema)}`,
      framing: kind,
      key: schema,
      schema: null,
    };
  }

  async #load(key: SchemaKey, signal: AbortSignal): Promise<void> {
    const registered = await this.#registry.byKey(key, signal);
    const name = keyText(key);
    if (registered === null) {
      this.#unknownUntil.set(name, Date.now() + unknownForMs);
      return;
    }
    if (registered.format === null)
      throw new FailedError(`${name} at ${this.#registry.address} is of a format that is not known here`);
    const called = registered.subject === null ? name : nameOf(registered);
    const engine = await engineOf(registered.format);
    const schema = engine.parse(await sourceOf(this.#registry, registered, called, signal));
    this.#known.set(name, { schema, name: called });
    if (key.by === 'id' && !travelOf(schema.format).indexed)
      this.#byId.set(Number(key.value), { schema, name: called, key, id: Number(key.value) });
  }
}

/** For people and as a key: `id 7`, `global id 12`. */
export function keyText({ by, value }: SchemaKey): string {
  return `${nameOfKey(by)} ${value}`;
}

function nameOfKey(by: SchemaKey['by']): string {
  return by.replace('-', ' ');
}

/** Throws `PayloadError` for compressed bytes that are none. */
function unpacked({ compressed, payload }: Framed): Uint8Array {
  return compressed ? inflate(payload) : payload;
}

/** A payload on which a schema's pattern does not end is invalid, too. */
function payloadViolations(schema: Schema, payload: () => Uint8Array, limit: number): readonly Violation[] {
  try {
    return schema.validatePayload(payload(), limit);
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error;
    return [{ code: error.reason, dataPointer: '', schemaPointer: null, message: error.message }];
  }
}

/** By one schema whose payloads are JSON, framed or not: at most `limit`. */
export function jsonPayloadViolations(
  schema: Schema,
  { bytes, headers, part }: PayloadInput,
  limit: number,
): readonly Violation[] {
  const { data } = unwrapCloudEvent(bytes, headers);
  for (const framed of framings(data, headers, part)) {
    const violations = payloadViolations(schema, () => unpacked(framed), limit);
    if (violations[0]?.code !== 'not-json') return violations;
  }
  return payloadViolations(schema, () => data, limit);
}

/** Which message it is, and where it begins. Throws `PayloadError`. */
function indexed(
  { kind, messageIndexes }: Framed,
  whole: Uint8Array,
): { readonly messageIndexes: readonly number[] | null; readonly payload: Uint8Array } {
  if (kind === 'confluent') {
    const { indexes, payload } = readMessageIndexes(whole);
    return { messageIndexes: indexes, payload };
  }
  const inHeader = messageIndexes !== null && messageIndexes.length > 0;
  return {
    messageIndexes: inHeader ? readMessageIndexes(messageIndexes).indexes : null,
    payload: whole,
  };
}

function decodeBy(framed: Framed, { schema, name }: KnownSchema): DecodedPayload | BrokenPayload {
  const common = { framing: framed.kind, key: framed.schema, schema: name } as const;
  try {
    const whole = unpacked(framed);
    const { messageIndexes, payload } = travelOf(schema.format).indexed
      ? indexed(framed, whole)
      : { messageIndexes: null, payload: whole };
    const { value, trailing, type } = schema.decode(payload, { messageIndexes });
    if (trailing > 0)
      throw new PayloadError('trailing-bytes', `${trailing.toString()} bytes follow the value`);
    return { kind: 'decoded', ...common, value, sureness: framed.sureness, format: schema.format, type };
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error;
    return { kind: 'broken', ...common, reason: error.reason, message: error.message };
  }
}

/** A single object of Avro says by which schema it was written; another one would read something else out of it. */
function ofAnotherSchema(framed: Framed, { schema, name }: KnownSchema): BrokenPayload | null {
  const { fingerprint } = schema;
  if (framed.schema.by !== 'avro-fingerprint' || fingerprint === framed.schema.value) return null;
  return {
    kind: 'broken',
    reason: 'other-schema',
    message: `it was written by the schema with the fingerprint ${framed.schema.value}, not by ${fingerprint ?? name}`,
    framing: framed.kind,
    key: framed.schema,
    schema: name,
  };
}

/** By one schema that is at hand, whatever the frame says; a payload without a frame is taken, too. */
export function decodeBySchema(
  schema: Schema,
  { bytes, headers, part }: PayloadInput,
): DecodedPayload | DecodedBare | BrokenPayload | BrokenBare {
  const { data } = unwrapCloudEvent(bytes, headers);
  const known = { schema, name: schema.source.name };
  let broken: BrokenPayload | BrokenBare | null = null;
  for (const framed of framingsOf(data, headers, part)) {
    const outcome = ofAnotherSchema(framed, known) ?? decodeBy(framed, known);
    if (outcome.kind === 'decoded') return outcome;
    if (framed.sureness === 'certain') broken ??= outcome;
  }
  try {
    const { value, trailing, type } = schema.decode(data);
    if (trailing > 0)
      throw new PayloadError('trailing-bytes', `${trailing.toString()} bytes follow the value`);
    const { format } = schema;
    return {
      kind: 'decoded',
      framing: null,
      sureness: 'likely',
      key: null,
      schema: known.name,
      value,
      format,
      type,
    };
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error;
    const { reason, message } = error;
    return broken ?? { kind: 'broken', framing: null, key: null, schema: known.name, reason, message };
  }
}

/** Decoded without a frame. */
export interface DecodedBare extends Omit<DecodedPayload, 'framing' | 'key'> {
  readonly framing: null;
  readonly key: null;
}

export interface BrokenBare extends Omit<BrokenPayload, 'framing' | 'key'> {
  readonly framing: null;
  readonly key: null;
}
