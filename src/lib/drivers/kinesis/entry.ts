/** A message as an entry of PutRecords, or why it cannot be one. */
import { randomUUID } from 'node:crypto';
import type { OutgoingMessage } from '../../message/message.ts';
import { declaration } from './declaration.ts';

export interface Entry {
  readonly key: string;
  /** Whether the message said its key: only these have an order. */
  readonly keyGiven: boolean;
  /** Decimal text, 0 to 2^128 − 1: decides on the shard in the place of the key. */
  readonly hashKey: string | null;
  /** The shard that was named. */
  readonly shard: string | null;
  readonly data: Uint8Array;
  /** What counts against the limits. */
  readonly bytes: number;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const keyLimit = declaration.facets.publish?.keyText?.maxCharacters ?? 0;
const hashEnd = 2n ** 128n;

/** `recordBytes` is what the stream allows, key included. */
export function entryOf(message: OutgoingMessage, recordBytes: number): Entry | { readonly refusal: string } {
  const { value, headers, properties, partition } = message;
  if (value === null) return { refusal: 'a record of Kinesis cannot be null: it has no tombstones' };
  if (headers.length > 0)
    return { refusal: 'records of Kinesis have no headers: put what they say into the value' };
  const key = keyOf(message.key);
  if (typeof key !== 'string') return key;
  const { explicitHashKey = null, ...others } = properties;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) return { refusal: `records of Kinesis have no property "${unknown}"` };
  if (explicitHashKey !== null && !isHashKey(explicitHashKey))
    return { refusal: 'the explicitHashKey is no whole number from 0 to 2^128 - 1' };
  if (explicitHashKey !== null && partition !== null)
    return { refusal: 'a shard and an explicitHashKey are named, and each decides where it goes' };
  const bytes = value.length + Buffer.byteLength(key);
  if (bytes > recordBytes)
    return {
      refusal: `too large: ${String(bytes)} bytes with its key, and the stream takes ${String(recordBytes)} bytes`,
    };
  return {
    key,
    keyGiven: message.key !== null,
    hashKey: explicitHashKey,
    shard: partition,
    data: value,
    bytes,
  };
}

function keyOf(key: Uint8Array | null): string | { readonly refusal: string } {
  if (key === null) return randomUUID();
  let text: string;
  try {
    text = utf8.decode(key);
  } catch {
    return { refusal: 'the key is not text (UTF-8), as the partition key of a record has to be' };
  }
  const characters = [...text].length;
  if (characters >= 1 && characters <= keyLimit) return text;
  return {
    refusal: `the key has ${String(characters)} characters, and a partition key has 1 to ${String(keyLimit)}`,
  };
}

function isHashKey(value: unknown): value is string {
  return typeof value === 'string' && /^\d{1,39}$/.test(value) && BigInt(value) < hashEnd;
}
