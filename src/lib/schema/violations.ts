/** Whether a payload is what a schema says, however it comes: as JSON, framed, or bare. */
import { parseExactJson } from '../message/exact-json.ts';
import type { JsonValue } from '../message/json-value.ts';
import { decodeBySchema, jsonPayloadViolations, type PayloadInput } from './decoder.ts';
import type { Schema, Violation } from './engine.ts';
import { travelOf } from './engines.ts';
import { unwrapCloudEvent } from './framing/cloud-event.ts';
import { framingsOf } from './framing/framing.ts';

/** At most `limit`; none: it is valid. */
export function violationsOf(schema: Schema, input: PayloadInput, limit: number): readonly Violation[] {
  if (travelOf(schema.format).payloadIsJson) return jsonPayloadViolations(schema, input, limit);
  const { data } = unwrapCloudEvent(input.bytes, input.headers);
  const value = jsonOf(data);
  if (value !== undefined) return schema.validate(value, limit);
  const outcome = decodeBySchema(schema, input);
  if (outcome.kind === 'decoded') return [];
  const [framed] = framingsOf(data, input.headers, input.part);
  if (outcome.framing === null || framed === undefined) return schema.validatePayload(data, limit);
  return [{ code: outcome.reason, dataPointer: '', schemaPointer: null, message: outcome.message }];
}

function jsonOf(bytes: Uint8Array): JsonValue | undefined {
  try {
    return parseExactJson(bytes);
  } catch {
    return undefined; // then it is a payload of the schema's own encoding
  }
}
