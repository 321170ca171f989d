/**
 * Takes parts out of messages before they are given to someone else. A path is a JSON Pointer or dotted, `*` is every
 * member: `value.customer.email`, `/value/items/…/card`, `headers.authorization`, `key`.
 */
import { UsageError } from '../errors.ts';
import { jsonOf } from '../message/json.ts';
import type { Header, Message, PropertyValue } from '../message/message.ts';
import type { JsonValue } from '../message/record.ts';

const places = ['key', 'value', 'headers', 'properties'] as const;
const mark = '[redacted]';

export interface RedactedPath {
  readonly place: (typeof places)[number];
  /** What follows, unescaped; empty: all of it. */
  readonly tokens: readonly string[];
}

/** Throws `UsageError`. */
export function parseRedactedPath(text: string): RedactedPath {
  const tokens = text.startsWith('/')
    ? text
        .slice(1)
        .split('/')
        .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
    : dotted(text);
  const [first, ...rest] = tokens;
  const place = places.find((known) => known === first);
  if (place === undefined || rest.includes(''))
    throw new UsageError(`--redact ${JSON.stringify(text)} is no path into a message`, {
      hint: 'write value.customer.email, headers.authorization, /value/items/*/card, or key',
    });
  if (place === 'key' && rest.length > 0)
    throw new UsageError(`--redact ${JSON.stringify(text)}: a key is taken out as a whole`);
  return { place, tokens: rest };
}

/** A header or property may have dots in its name. */
function dotted(text: string): string[] {
  const named = /^(headers|properties)\.(.+)$/.exec(text);
  return named === null ? text.split('.') : [named[1] ?? '', named[2] ?? ''];
}

/** The message without what the paths name. A value that cannot be looked into is taken out as a whole. */
export function redact(message: Message, paths: readonly RedactedPath[]): Message {
  let { key, value, headers, properties } = message;
  for (const { place, tokens } of paths) {
    const [name] = tokens;
    if (place === 'key') key = key === null ? null : Buffer.from(mark);
    else if (place === 'value') value = redactValue(value, tokens);
    else if (place === 'headers') headers = headers.map((header) => redactHeader(header, name));
    else
      properties = Object.fromEntries(
        Object.entries(properties).map(([each, property]): [string, PropertyValue] => [
          each,
          name === undefined || name === '*' || name === each ? mark : property,
        ]),
      );
  }
  return { ...message, key, value, headers, properties };
}

function redactHeader(header: Header, name: string | undefined): Header {
  const named = name === undefined || name === '*' || name.toLowerCase() === header.name.toLowerCase();
  return named ? { name: header.name, value: Buffer.from(mark) } : header;
}

function redactValue(value: Uint8Array | null, tokens: readonly string[]): Uint8Array | null {
  if (value === null) return null;
  const whole = Buffer.from(mark);
  if (tokens.length === 0) return whole;
  const document = jsonOf(value);
  if (document === undefined) return whole;
  return Buffer.from(JSON.stringify(without(document, tokens)));
}

function without(value: JsonValue, [token, ...rest]: readonly string[]): JsonValue {
  if (token === undefined) return mark;
  if (typeof value !== 'object' || value === null) return value;
  if (isList(value))
    return value.map((item, at) => (token === '*' || token === at.toString() ? without(item, rest) : item));
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      token === '*' || token === name ? without(member, rest) : member,
    ]),
  );
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
