import type { SQLInputValue } from 'node:sqlite';

import type { Message, OutgoingMessage } from '../../message/message.ts';
import { readDeath } from './death-headers.ts';
import { decodeHeaders, decodeProperties, encodeHeaders, encodeProperties } from './message-codec.ts';
import { bigintOf, bytesOrNull, numberOf, textOf, textOrNull, type Row } from './rows.ts';

/** A message as its row holds it, without its place. */
export interface StoredMessage {
  readonly timestamp: number;
  readonly timestampType: 'create' | 'append';
  readonly bytes: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: string | null;
  readonly properties: string | null;
}

/** The columns after the place, in the order of `columnsOf`. */
export const contentColumns = 'timestamp, timestamp_type, bytes, key, value, headers, properties';

/** The values for `contentColumns`, in their order. */
export function columnsOf(message: StoredMessage): SQLInputValue[] {
  const { timestamp, timestampType, bytes, key, value, headers, properties } = message;
  return [timestamp, timestampType, bytes, key, value, headers, properties];
}

/** `now`: milliseconds since 1970, the time of a message that brings none. */
export function storedFrom(outgoing: OutgoingMessage, now: number): StoredMessage {
  const headers = encodeHeaders(outgoing.headers);
  const properties = encodeProperties(outgoing.properties);
  return {
    timestamp: Math.trunc(outgoing.timestamp ?? now),
    timestampType: outgoing.timestamp === null ? 'append' : 'create',
    bytes:
      (outgoing.key?.byteLength ?? 0) +
      (outgoing.value?.byteLength ?? 0) +
      (headers === null ? 0 : Buffer.byteLength(headers)) +
      (properties === null ? 0 : Buffer.byteLength(properties)),
    key: outgoing.key,
    value: outgoing.value,
    headers,
    properties,
  };
}

/** From a row with `partition`, `offset` and the content's columns. `count` is null where nobody took it. */
export function messageFrom(row: Row, channel: string, count: number | null): Message {
  const headers = decodeHeaders(textOrNull(row, 'headers'));
  return {
    channel,
    partition: String(bigintOf(row, 'partition')),
    offset: String(bigintOf(row, 'offset')),
    id: null,
    timestamp: numberOf(row, 'timestamp'),
    timestampType: textOf(row, 'timestamp_type') === 'create' ? 'create' : 'append',
    key: bytesOrNull(row, 'key'),
    value: bytesOrNull(row, 'value'),
    headers,
    properties: decodeProperties(textOrNull(row, 'properties')),
    delivery: { count, redelivered: count === null ? null : count > 1 },
    deadLetter: readDeath(headers),
  };
}
