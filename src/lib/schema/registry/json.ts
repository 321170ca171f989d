/** What comes from a registry is parsed here: a field that is not what it has to be is named. */
import { FailedError } from '../../errors.ts';
import type { HttpAnswer } from './http.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

export function parseAnswer({ text }: HttpAnswer, address: string): unknown {
  try {
    const parsed: unknown = JSON.parse(text);
    return parsed;
  } catch {
    throw new FailedError(`what answers at ${address} is no registry: its answer is no JSON`, {
      code: 'REGISTRY',
      hint: 'the address of Apicurio ends with /apis/registry/v3, or with /apis/ccompat/v7 for the API of Confluent',
    });
  }
}

export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Texts and numbers as text. */
export function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : typeof value === 'number' ? value.toString() : null;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
