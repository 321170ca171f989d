/**
 * Headers and properties as JSON text, lossless:
 * - bytes of a header: a string where they are valid UTF-8, else `{"base64":"…"}`; bytes of a property always the latter
 * - null: null
 * - a typed value: `{"type":"int64","value":"7"}`, its bytes as `{"base64":"…"}`, a table as `{"entries":[…]}`, an array as `{"items":[…]}`
 * - a header: `[name, value]`, and a third element in base64 where the name's bytes are no UTF-8
 */
import { isUtf8 } from 'node:buffer';

import { FailedError } from '../../errors.ts';
import type { Header, HeaderValue, Properties, PropertyValue, TypedValue } from '../../message/message.ts';

type Json = string | null | readonly Json[] | { readonly [name: string]: Json };

/** null for none, so that most messages need no text at all. */
export function encodeHeaders(headers: readonly Header[]): string | null {
  return headers.length === 0 ? null : JSON.stringify(headers.map(encodeHeader));
}

/** null for none. */
export function encodeProperties(properties: Properties): string | null {
  const entries = Object.entries(properties);
  return entries.length === 0
    ? null
    : JSON.stringify(entries.map(([name, value]) => [name, encodeProperty(value)]));
}

/** Throws `FailedError` where the text is none of ours. */
export function decodeHeaders(text: string | null): readonly Header[] {
  return text === null ? [] : decodeText(text, (json) => listOf(json).map(decodeHeader));
}

/** Throws `FailedError` where the text is none of ours. */
export function decodeProperties(text: string | null): Properties {
  if (text === null) return {};
  return decodeText(text, (json) =>
    Object.fromEntries(
      listOf(json).map((entry) => {
        const [name, value] = listOf(entry);
        return [stringOf(name), decodeProperty(value)];
      }),
    ),
  );
}

function encodeHeader(header: Header): Json {
  const value = encodeHeaderValue(header.value);
  return header.rawName === undefined
    ? [header.name, value]
    : [header.name, value, base64(header.rawName).base64];
}

function encodeHeaderValue(value: HeaderValue): Json {
  if (value === null) return null;
  if (!(value instanceof Uint8Array)) return encodeTyped(value);
  return isUtf8(value) ? asBuffer(value).toString('utf8') : base64(value);
}

function encodeTyped({ type, value }: TypedValue): Json {
  if (value === null || typeof value === 'string') return { type, value };
  if (value instanceof Uint8Array) return { type, value: base64(value) };
  const entries: Json[] = [];
  const items: Json[] = [];
  for (const each of value) {
    if (each !== null && 'name' in each) entries.push(encodeHeader(each));
    else items.push(encodeHeaderValue(each));
  }
  return { type, value: entries.length > 0 ? { entries } : { items } };
}

function encodeProperty(value: PropertyValue): Json {
  if (value === null || typeof value === 'string') return value;
  if (value instanceof Uint8Array) return base64(value);
  return 'type' in value ? encodeTyped(value) : value.map(encodeHeader);
}

function decodeHeader(json: unknown): Header {
  const [name, value, rawName] = listOf(json);
  const header = { name: stringOf(name), value: decodeHeaderValue(value) };
  return rawName === undefined ? header : { ...header, rawName: Buffer.from(stringOf(rawName), 'base64') };
}

function decodeHeaderValue(json: unknown): HeaderValue {
  if (json === null) return null;
  if (typeof json === 'string') return Buffer.from(json, 'utf8');
  const object = objectOf(json);
  return 'type' in object ? decodeTyped(object) : bytesOf(object);
}

function decodeTyped(object: object): TypedValue {
  const type = 'type' in object ? stringOf(object.type) : '';
  const value: unknown = 'value' in object ? object.value : null;
  if (value === null || typeof value === 'string') return { type, value };
  const content = objectOf(value);
  if ('entries' in content) return { type, value: listOf(content.entries).map(decodeHeader) };
  if ('items' in content) return { type, value: listOf(content.items).map(decodeHeaderValue) };
  return { type, value: bytesOf(content) };
}

function decodeProperty(json: unknown): PropertyValue {
  if (json === null || typeof json === 'string') return json;
  if (Array.isArray(json)) return json.map(decodeHeader);
  const object = objectOf(json);
  return 'type' in object ? decodeTyped(object) : bytesOf(object);
}

function decodeText<T>(text: string, decode: (json: unknown) => T): T {
  try {
    return decode(JSON.parse(text));
  } catch (thrown) {
    throw new FailedError('the headers or properties of a message in this file cannot be read', {
      code: 'DAMAGED',
      cause: thrown,
    });
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function base64(bytes: Uint8Array): { readonly base64: string } {
  return { base64: asBuffer(bytes).toString('base64') };
}

function bytesOf(object: object): Uint8Array {
  return Buffer.from(stringOf('base64' in object ? object.base64 : undefined), 'base64');
}

function listOf(json: unknown): readonly unknown[] {
  if (!Array.isArray(json)) throw new TypeError('not a list');
  return json;
}

function objectOf(json: unknown): object {
  if (typeof json !== 'object' || json === null) throw new TypeError('not an object');
  return json;
}

function stringOf(json: unknown): string {
  if (typeof json !== 'string') throw new TypeError('not a string');
  return json;
}
