/**
 * Message records made from a seed, written and read without the product's own code: so that what comes back is compared
 * with what was meant, and not with what the writer made of it.
 */
import assert from 'node:assert/strict';
import { createHash, randomInt, type Hash } from 'node:crypto';
import { isUtf8 } from 'node:buffer';

/** A seed for this run; `MQCTL_TEST_SEED` repeats one. */
export function chooseSeed(): number {
  const given = process.env['MQCTL_TEST_SEED'];
  return given === undefined ? randomInt(2 ** 32) : Number(given);
}

/** Mulberry32: small, and the same everywhere. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to below `end`. */
  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * end);
  }

  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0];
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    for (let at = 0; at < length; at += 1) bytes[at] = this.below(256);
    return bytes;
  }
}

/** Texts that a careless reader changes: marks, controls, separators, joiners, an empty one. */
const awkwardTexts = [
  '',
  '\ufeffwith a byte order mark',
  'line\nbreak\r\n\ttab',
  'nul\0inside',
  '\u001b[31mred\u001b[0m',
  'quote " and \\ backslash',
  '\u2028\u2029',
  '👩‍👩‍👧 漢字 é é',
  '{"base64":"AAAA"}',
  '{"type":"int64","value":"7"}',
  'null',
  '\ud7ff\ue000\uffff\u{10ffff}',
] as const satisfies readonly [string, ...string[]];

/** Random bytes, awkward text, bytes that are nearly text, nothing, null, now and then something large. */
export function anyBytes(random: Random, most: number): Buffer | null {
  switch (random.below(10)) {
    case 0:
      return null;
    case 1:
      return Buffer.alloc(0);
    case 2:
    case 3:
      return Buffer.from(random.pick(awkwardTexts));
    case 4:
      return Buffer.concat([Buffer.from(random.pick(awkwardTexts)), random.bytes(1)]);
    case 5:
      return Buffer.from('a plain text, as most are');
    default:
      return random.bytes(random.below(most));
  }
}

export interface PlainRecord {
  readonly partition: string;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[];
}

/** Keys, values and headers of all kinds, header names repeated, over partitions `0` to `partitions - 1`. */
export function plainRecord(random: Random, partitions: number): PlainRecord {
  const names = ['trace', 'trace', 'a', '', 'ünï', 'x-\u0001'] as const;
  const headers = Array.from(
    { length: random.below(5) },
    () => [random.pick(names), anyBytes(random, 24)] as const,
  );
  return {
    partition: random.below(partitions).toString(),
    timestamp: 1_700_000_000_000 + random.below(1_000_000_000),
    key: anyBytes(random, 24),
    value: random.below(2_000) === 0 ? random.bytes(40_000) : anyBytes(random, 200),
    headers,
  };
}

/** A line of `produce --format ndjson`; all bytes in base64, which says every byte. */
export function lineOf(record: PlainRecord): string {
  return JSON.stringify({
    partition: record.partition,
    timestamp: new Date(record.timestamp).toISOString(),
    key: base64(record.key),
    value: base64(record.value),
    headers: record.headers.map(([name, value]) => [name, base64(value)]),
  });
}

function base64(bytes: Buffer | null): { readonly base64: string } | null {
  return bytes === null ? null : { base64: bytes.toString('base64') };
}

/** Reads a line of `consume -o ndjson` by the rules that are documented: text is its UTF-8, `base64` its bytes, null null. */
export function readLine(line: string): PlainRecord {
  const parsed: unknown = JSON.parse(line);
  assert.ok(isObject(parsed));
  const { partition, timestamp, headers } = parsed;
  assert.ok(typeof partition === 'string' && typeof timestamp === 'string' && Array.isArray(headers));
  return {
    partition,
    timestamp: Date.parse(timestamp),
    key: readBytes(parsed['key']),
    value: readBytes(parsed['value']),
    headers: headers.map((entry: unknown) => {
      const parts: readonly unknown[] = Array.isArray(entry) ? entry : [];
      const [name, value] = parts;
      assert.ok(typeof name === 'string');
      return [name, readBytes(value)] as const;
    }),
  };
}

function readBytes(field: unknown): Buffer | null {
  if (field === null) return null;
  if (typeof field === 'string') return Buffer.from(field);
  assert.ok(
    isObject(field) && typeof field['base64'] === 'string',
    `neither text, base64 nor null: ${JSON.stringify(field)}`,
  );
  const bytes = Buffer.from(field['base64'], 'base64');
  assert.ok(!isUtf8(bytes), 'bytes that are text are written as text');
  return bytes;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One hash for each partition over all of its records in their order: equal hashes are equal streams. */
export class PartitionHashes {
  readonly #hashes = new Map<string, Hash>();
  readonly #counts = new Map<string, number>();

  add({ partition, timestamp, key, value, headers }: PlainRecord): void {
    const hash = this.#hashes.get(partition) ?? createHash('sha256');
    this.#hashes.set(partition, hash);
    this.#counts.set(partition, (this.#counts.get(partition) ?? 0) + 1);
    hash.update(`${timestamp.toString()};${headers.length.toString()};`);
    for (const bytes of [key, value]) addBytes(hash, bytes);
    for (const [name, bytes] of headers) {
      addBytes(hash, Buffer.from(name));
      addBytes(hash, bytes);
    }
  }

  /** `{ '0': '33,412 records, 9f86d0…' }`. Ends the hashing. */
  result(): Record<string, string> {
    return Object.fromEntries(
      [...this.#hashes]
        .sort(([one], [other]) => one.localeCompare(other))
        .map(([partition, hash]) => [
          partition,
          `${(this.#counts.get(partition) ?? 0).toString()} records, ${hash.digest('hex')}`,
        ]),
    );
  }
}

function addBytes(hash: Hash, bytes: Buffer | null): void {
  hash.update(bytes === null ? 'null;' : `${bytes.length.toString()};`);
  if (bytes !== null) hash.update(bytes);
}
