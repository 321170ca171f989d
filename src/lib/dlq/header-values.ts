/** Header values as frameworks mean them. Whatever is odd gives null: anyone may publish such a header. */
import { isUtf8 } from 'node:buffer';

import type { HeaderValue } from '../message/message.ts';

/** `big-endian-next`: the number of the attempt that comes next, so that one less were made. */
export type Encoding =
  'text' | 'number' | 'big-endian' | 'big-endian-next' | 'time' | 'big-endian-time' | 'address';

/** Only so much of a header is ever read: a stack trace may have megabytes. */
const longestText = 64 * 1024;

/** Text of bytes or of a system's own text; null where it is neither. Cut after 64 KiB. */
export function textOf(value: HeaderValue): string | null {
  if (value === null) return null;
  const bytes = value instanceof Uint8Array ? value : value.value;
  if (typeof bytes === 'string') return bytes.slice(0, longestText);
  if (!(bytes instanceof Uint8Array)) return null;
  const cut = bytes.subarray(0, longestText);
  // A cut in the middle of a character is no reason to give up.
  return isUtf8(cut) || cut.length === longestText ? Buffer.from(cut).toString('utf8') : null;
}

/** A whole number of text, of a system's own number, or of 1 to 8 bytes big-endian where `binary` is expected. */
export function numberOf(value: HeaderValue, binary: boolean): number | null {
  if (binary && value instanceof Uint8Array) {
    if (value.length < 1 || value.length > 8) return null;
    const number = BigInt.asIntN(value.length * 8, BigInt(`0x${Buffer.from(value).toString('hex')}`));
    return safe(Number(number));
  }
  const text = textOf(value)?.trim();
  return text !== undefined && /^-?\d{1,16}$/.test(text) ? safe(Number(text)) : null;
}

function safe(number: number): number | null {
  return Number.isSafeInteger(number) ? number : null;
}

const latestTime = 8.64e15;

/** Milliseconds since 1970 of a number, an ISO time, or NServiceBus' `2026-11-20 10:00:00:123456 Z`. */
export function timeOf(value: HeaderValue, binary: boolean): number | null {
  const number = numberOf(value, binary);
  if (number !== null) return Math.abs(number) <= latestTime ? number : null;
  const text = textOf(value)?.trim();
  if (text === undefined || text.length > 64) return null;
  const wire = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d):(\d{3})\d* Z$/.exec(text);
  const time = Date.parse(wire === null ? text : `${wire[1] ?? ''}T${wire[2] ?? ''}.${wire[3] ?? ''}Z`);
  return Number.isNaN(time) ? null : time;
}

/** The channel of an address: `rabbitmq://host/vhost/orders?durable=true` and `orders@machine` are `orders`. */
export function channelOfAddress(value: HeaderValue): string | null {
  const text = textOf(value);
  if (text === null) return null;
  const path = /^[a-z][\w+.-]*:\/\/[^/]*\/(?:[^?#]*\/)?([^/?#]+)/i.exec(text)?.[1];
  if (path === undefined) return text.replace(/@[^@]*$/, '');
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
