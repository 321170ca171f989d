import { isUtf8 } from 'node:buffer';
import type { Header, PropertyValue, TypedValue } from './message.ts';

/** Bytes for people: text where they are UTF-8, else what they are as `\xNN`. Not safe for a terminal yet. */
export function bytesText(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return Array.from(bytes, (byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`,
  ).join('');
}

/** Text of whatever bytes: where they are not UTF-8 a character for each byte, so that what there is of ASCII can be found. */
export function looseText(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString(isUtf8(bytes) ? 'utf8' : 'latin1');
}

/** A header or property value for people; the type of typed ones is left out. Empty for null. */
export function headerText(value: PropertyValue): string {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return bytesText(value);
  if ('type' in value) return typedText(value);
  return entriesText(value);
}

function typedText({ value }: TypedValue): string {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return bytesText(value);
  const items: readonly unknown[] = value;
  return items.every(isHeader)
    ? entriesText(items)
    : `[${value.map((item) => (item === null || isHeader(item) ? '' : headerText(item))).join(', ')}]`;
}

function entriesText(entries: readonly Header[]): string {
  return `{${entries.map(({ name, value }) => `${name}: ${headerText(value)}`).join(', ')}}`;
}

function isHeader(item: unknown): item is Header {
  return typeof item === 'object' && item !== null && 'name' in item;
}
