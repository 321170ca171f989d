/** JSON Schema of the drafts 04 to 2020-12. The payload is JSON text; containment is proved by rules, or refuted by a witness. */
import { errorText } from '../../errors.ts';
import type { JsonValue } from '../../message/record.ts';
import type {
  Decoded,
  FormatEngine,
  PayloadHints,
  Schema,
  SchemaSource,
  Violation,
  WitnessSearch,
} from '../engine.ts';
import { InvalidSchemaError, PayloadError } from '../errors.ts';
import type { Comparison, Difference, Witness } from '../finding.ts';
import { bounded, TimeOverError } from './bounded.ts';
import { candidates } from './candidates.ts';
import { compareDocuments } from './compare.ts';
import { parseJson, readDocument, type SchemaDocument } from './document.ts';
import { jsonElements } from './elements.ts';
import { Random } from '../random.ts';
import { Validator } from './validator.ts';

/** Longer payloads are none of a topic. */
const maxPayloadBytes = 256 * 1024 * 1024;
const compareTimeMs = 30_000;

class JsonSchemaOfText implements Schema {
  readonly format = 'json';
  readonly source: SchemaSource;
  readonly fingerprint = null;
  readonly document: SchemaDocument;
  readonly validator: Validator;

  constructor(source: SchemaSource) {
    this.source = source;
    this.document = readDocument(source);
    this.validator = new Validator(this.document);
  }

  get name(): string | null {
    const { schema } = this.document;
    const said = typeof schema === 'object' ? (schema['title'] ?? schema['$id'] ?? schema['id']) : null;
    return typeof said === 'string' ? said : null;
  }

  decode(payload: Uint8Array, _hints?: PayloadHints, start = 0): Decoded {
    return { value: exactValue(payload.subarray(start)), trailing: 0, type: this.name };
  }

  encode(value: JsonValue): Uint8Array {
    const [violation] = this.validator.violations(value, 1);
    if (violation !== undefined)
      throw new PayloadError(violation.code, `${violation.dataPointer || 'the value'}: ${violation.message}`);
    return Buffer.from(JSON.stringify(value));
  }

  validate(value: JsonValue, limit: number): readonly Violation[] {
    return this.validator.violations(value, limit);
  }

  validatePayload(payload: Uint8Array, limit: number): readonly Violation[] {
    let value: JsonValue;
    try {
      value = parseJson(textOf(payload));
    } catch (thrown) {
      return [{ code: 'not-json', dataPointer: '', schemaPointer: null, message: errorText(thrown) }];
    }
    return this.validator.violations(value, limit);
  }
}

const strict = new TextDecoder('utf-8', { fatal: true });

function textOf(payload: Uint8Array): string {
  if (payload.length > maxPayloadBytes)
    throw new PayloadError('too-large', 'the payload is too large for JSON');
  return strict.decode(payload);
}

/** Whole numbers that a double would round are text. Throws `PayloadError`. */
function exactValue(payload: Uint8Array): JsonValue {
  try {
    const value: unknown = JSON.parse(
      textOf(payload),
      (_key, member: unknown, context?: { readonly source?: string }) =>
        typeof member === 'number' &&
        Number.isInteger(member) &&
        !Number.isSafeInteger(member) &&
        /^-?\d+$/.test(context?.source ?? '')
          ? context?.source
          : member,
    );
    return parseJson(JSON.stringify(value));
  } catch (thrown) {
    if (thrown instanceof PayloadError) throw thrown;
    throw new PayloadError('not-json', `the payload is no JSON: ${errorText(thrown)}`);
  }
}

export const jsonEngine = {
  format: 'json' as const,
  parse: (source: SchemaSource) => new JsonSchemaOfText(source),
  elements: (schema: Schema) => jsonElements(sideOf(schema).document.schema),
  compare: (reader: Schema, writer: Schema): Comparison => compareInTime(sideOf(reader), sideOf(writer)),
  findWitness: async (
    reader: Schema,
    writer: Schema,
    difference: Difference,
    search: WitnessSearch,
  ): Promise<Witness | null> => findWitness(sideOf(reader), sideOf(writer), difference, search),
} satisfies FormatEngine;

/** A pattern on a property's name may hang here, too. */
function compareInTime(reader: JsonSchemaOfText, writer: JsonSchemaOfText): Comparison {
  try {
    return bounded(
      () => compareDocuments(reader.document, writer.document, (value) => accepts(reader.validator, value)),
      compareTimeMs,
    );
  } catch (thrown) {
    if (!(thrown instanceof TimeOverError)) throw thrown;
    return { differences: [], unproved: ['the comparison did not come to an end in time'] };
  }
}

/** The first candidate that the writer accepts and the reader refuses; one that fails at the difference's own place is better. */
function findWitness(
  reader: JsonSchemaOfText,
  writer: JsonSchemaOfText,
  difference: Difference,
  search: WitnessSearch,
): Witness | null {
  const until = performance.now() + search.timeMs;
  let found: Witness | null = null;
  for (const value of candidates(reader.document, writer.document, new Random(search.seed))) {
    if (performance.now() > until) break;
    if (!accepts(writer.validator, value)) continue;
    const violations = refusals(reader.validator, value);
    const [first] = violations;
    if (first === undefined) continue;
    const own = violations.find(({ schemaPointer }) => schemaPointer === difference.reader.pointer);
    const shown = own ?? first;
    found ??= witnessOf(value, shown);
    if (own !== undefined) return witnessOf(value, own);
  }
  return found;
}

function witnessOf(value: JsonValue, { dataPointer, message }: Violation): Witness {
  return {
    written: value,
    bytes: null,
    outcome: 'refused',
    read: null,
    detail: `${dataPointer === '' ? 'the value' : dataPointer} ${message}`,
  };
}

function accepts(validator: Validator, value: JsonValue): boolean {
  try {
    return validator.accepts(value);
  } catch (thrown) {
    if (thrown instanceof PayloadError) return false;
    throw thrown;
  }
}

/** A value on which a validator does not end is no proof of anything. */
function refusals(validator: Validator, value: JsonValue): readonly Violation[] {
  try {
    return validator.violations(value, 100);
  } catch (thrown) {
    if (thrown instanceof PayloadError) return [];
    throw thrown;
  }
}

function sideOf(schema: Schema): JsonSchemaOfText {
  if (schema instanceof JsonSchemaOfText) return schema;
  throw new InvalidSchemaError(schema.source.name, 'it is no JSON Schema');
}
