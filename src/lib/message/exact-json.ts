import { isUtf8 } from 'node:buffer';
import { nestsTooDeep } from './json.ts';
import type { JsonValue } from './json-value.ts';

/** JSON whose integers beyond 2^53 stay what they are, as text of their digits. Throws `SyntaxError` for what is no JSON, or nests too deep. */
export function parseExactJson(bytes: Uint8Array): JsonValue {
  if (!isUtf8(bytes)) throw new SyntaxError('it is no UTF-8');
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  if (nestsTooDeep(text)) throw new SyntaxError('it nests too deep');
  // The digits decide, since a reviver makes parsing slow.
  const value: unknown = /\d{16}/.test(text) ? JSON.parse(text, keepLargeIntegers) : JSON.parse(text);
  return jsonValue(value);
}

function keepLargeIntegers(_name: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source;
  if (typeof value !== 'number' || Number.isSafeInteger(value) || source === undefined) return value;
  return /^-?\d+$/.test(source) ? source : value;
}

/** What `JSON.parse` gives is nothing else. */
function isJson(value: unknown): value is JsonValue {
  return value !== undefined;
}

function jsonValue(value: unknown): JsonValue {
  if (isJson(value)) return value;
  throw new SyntaxError('it is no JSON');
}
