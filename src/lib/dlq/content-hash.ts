/**
 * A message's identity by what it holds: SHA-256 over key, value, properties and headers. What the system changes by
 * itself (delivery counters, its own words on the death) and our mark are left out, so that looking again is no drift.
 * Every part is written with its kind and length, so that no two messages share an encoding.
 */
import { FailedError } from '../errors.ts';
import type { Header, HeaderValue, OutgoingMessage, PropertyValue, TypedValue } from '../message/message.ts';
import { maxNesting } from '../message/record.ts';
import { DigestInput } from './digest-input.ts';
import { markHeader } from './mark.ts';

/** What `DeadLetters` declares as volatile. */
export interface Volatile {
  readonly volatileHeaders: readonly string[];
  readonly volatileProperties: readonly string[];
}

export class ContentHash {
  readonly #headers: ReadonlySet<string>;
  readonly #properties: ReadonlySet<string>;
  readonly #encoding = new DigestInput();

  constructor(volatile: Volatile) {
    this.#headers = new Set([...volatile.volatileHeaders, markHeader]);
    this.#properties = new Set(volatile.volatileProperties);
  }

  /** 64 hex digits. Throws `FailedError` where headers nest deeper than a record can. */
  of(message: OutgoingMessage): string {
    const hash = this.#encoding;
    hash.clear();
    bytes(hash, 'k', message.key);
    bytes(hash, 'v', message.value);
    const properties = Object.keys(message.properties).filter((name) => !this.#properties.has(name));
    if (properties.length > 1) properties.sort();
    hash.count('p', properties.length);
    for (const name of properties) {
      text(hash, 'n', name);
      property(hash, message.properties[name] ?? null);
    }
    headers(
      hash,
      message.headers.filter(({ name }) => !this.#headers.has(name)),
      0,
    );
    return hash.digest();
  }
}

function bytes(hash: DigestInput, kind: string, value: Uint8Array | null): void {
  if (value === null) {
    hash.ascii('0');
    return;
  }
  hash.count(kind, value.length);
  hash.bytes(value);
}

function text(hash: DigestInput, kind: string, value: string): void {
  const length = Buffer.byteLength(value, 'utf8');
  hash.count(kind, length);
  hash.text(value, length);
}

function headers(hash: DigestInput, entries: readonly Header[], depth: number): void {
  hash.count('h', entries.length);
  for (const { name, rawName, value } of entries) {
    if (rawName === undefined) text(hash, 'n', name);
    else bytes(hash, 'r', rawName);
    headerValue(hash, value, depth);
  }
}

function headerValue(hash: DigestInput, value: HeaderValue, depth: number): void {
  if (value === null || value instanceof Uint8Array) bytes(hash, 'b', value);
  else typed(hash, value, depth);
}

function typed(hash: DigestInput, { type, value }: TypedValue, depth: number): void {
  text(hash, 't', type);
  if (value === null || value instanceof Uint8Array) bytes(hash, 'b', value);
  else if (typeof value === 'string') text(hash, 's', value);
  else if (depth >= maxNesting)
    throw new FailedError(`a header or property nests deeper than ${maxNesting.toString()} levels`);
  else if (isTable(value)) headers(hash, value, depth + 1);
  else {
    hash.count('a', value.length);
    for (const item of value) headerValue(hash, item, depth + 1);
  }
}

function isTable(items: readonly HeaderValue[] | readonly Header[]): items is readonly Header[] {
  const first = items[0];
  return first !== null && first !== undefined && !(first instanceof Uint8Array) && 'name' in first;
}

function property(hash: DigestInput, value: PropertyValue): void {
  if (typeof value === 'string') text(hash, 's', value);
  else if (value === null || value instanceof Uint8Array) bytes(hash, 'b', value);
  else if ('type' in value) typed(hash, value, 0);
  else headers(hash, value, 0);
}
