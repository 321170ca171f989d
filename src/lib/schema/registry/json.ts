/** What comes from a registry is parsed here: a field that is not what it has to be is named. */
import { FailedError } from '../../errors.ts';
import type { SchemaKey } from '../framing/framing.ts';
import type { HttpAnswer } from './http.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** The body, whatever the status. Throws `FailedError` with code `REGISTRY` where it is no JSON. */
export function parseAnswer({ text }: HttpAnswer, address: string): unknown {
  try {
    const parsed: unknown = JSON.parse(text);
    return parsed;
  } catch {
    throw noRegistry(address, 'its answer is no JSON');
  }
}

/** `why` is in the words of the caller: `it has no list of subjects`. */
export function noRegistry(address: string, why: string): FailedError {
  return new FailedError(`what answers at ${address} is no registry: ${why}`, {
    code: 'REGISTRY',
    hint: 'the address of Apicurio ends with /apis/registry/v3, or with /apis/ccompat/v7 for the API of Confluent',
  });
}

/**
 * Whether a registry says that the thing is not there. Throws `FailedError` for the 404 of something else, which would
 * look like a registry that is empty; `isRegistrys` knows the body of its errors.
 */
export function saysNotThere(
  answer: HttpAnswer,
  address: string,
  isRegistrys: (body: JsonObject) => boolean,
): boolean {
  if (answer.status !== 404) return false;
  if (answer.text.trim() !== '' && !isRegistrys(objectOf(parseAnswer(answer, address))))
    throw noRegistry(address, 'it does not know this path');
  return true;
}

/** Empty where it is no object. */
export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

/** Empty where it is no list. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Texts and numbers as text. */
export function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : typeof value === 'number' ? value.toString() : null;
}

/** The key that a field holds; none where it holds none. */
export function keysOf(by: SchemaKey['by'], field: unknown): readonly SchemaKey[] {
  const value = textOf(field);
  return value === null ? [] : [{ by, value }];
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
