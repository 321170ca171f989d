/** What is poisoning a channel: every message decoded, those that cannot be grouped by why. */
import type { Message } from '../message/message.ts';
import { keyText, type DecodeOutcome, type PayloadDecoder, type PayloadInput } from '../schema/decoder.ts';
import type { PayloadPart } from '../schema/framing/framing.ts';

export interface ScanGroup {
  /** Stable: `ok`, `unframed-json`, `unframed-text`, `unframed-binary`, `unknown-schema`, `truncated`, `invalid-type`, … */
  readonly reason: string;
  readonly healthy: boolean;
  readonly part: PayloadPart;
  readonly framing: string | null;
  /** What the frame carries: `id 7`. */
  readonly key: string | null;
  readonly schema: string | null;
  readonly count: number;
  /** Of the first one. */
  readonly message: string;
  /** The smallest range that holds all of them, for `--from` and `--until`; null where the channel has no offsets. */
  readonly range: { readonly from: string; readonly until: string } | null;
}

/** More kinds of trouble than these are counted together. */
const mostGroups = 1_000;

interface Growing {
  group: Omit<ScanGroup, 'count' | 'range'>;
  count: number;
  readonly offsets: Map<string, { first: bigint; last: bigint }>;
  ranged: boolean;
}

export class ChannelScan {
  readonly #decoder: PayloadDecoder;
  readonly #parts: readonly PayloadPart[];
  readonly #groups = new Map<string, Growing>();
  /** Messages without a value (tombstones), or without a key where keys are looked at. */
  empty = 0;
  looked = 0;

  constructor(decoder: PayloadDecoder, parts: readonly PayloadPart[]) {
    this.#decoder = decoder;
    this.#parts = parts;
  }

  async add(messages: readonly Message[], signal: AbortSignal): Promise<void> {
    for (const message of messages) {
      this.looked += 1;
      for (const part of this.#parts) {
        const bytes = part === 'key' ? message.key : message.value;
        if (bytes === null) {
          this.empty += 1;
          continue;
        }
        const input = { bytes, headers: message.headers, part };
        const known = this.#decoder.decodeKnown(input);
        const outcome = 'missing' in known ? await this.#decoder.decode(input, signal) : known;
        this.#count(message, this.#invalid(input, outcome) ?? groupOf(outcome, part, bytes));
      }
    }
  }

  /** What can be decoded, and is not what its schema says. */
  #invalid(input: PayloadInput, outcome: DecodeOutcome): Growing['group'] | null {
    if (outcome.kind !== 'decoded') return null;
    const [violation] = this.#decoder.violations(input, outcome, 1);
    if (violation === undefined) return null;
    const { code, dataPointer, message } = violation;
    const at = dataPointer === '' ? '' : `at ${dataPointer}: `;
    return {
      ...groupOf(outcome, input.part, input.bytes),
      reason: `invalid-${code}`,
      healthy: false,
      message: `${at}${message}`,
    };
  }

  /** Trouble first, the largest group first. */
  result(): readonly ScanGroup[] {
    return [...this.#groups.values()]
      .map(({ group, count, offsets, ranged }) => ({
        ...group,
        count,
        range: ranged && offsets.size > 0 ? rangeOf(offsets) : null,
      }))
      .sort((one, other) => Number(one.healthy) - Number(other.healthy) || other.count - one.count);
  }

  #count(message: Message, found: Growing['group']): void {
    const name = JSON.stringify([found.reason, found.part, found.framing, found.key, found.schema]);
    let growing = this.#groups.get(name);
    if (growing === undefined && this.#groups.size >= mostGroups) {
      const rest = {
        ...found,
        reason: 'other',
        key: null,
        schema: null,
        message: 'more kinds than are kept apart',
      };
      growing = this.#groups.get('rest') ?? { group: rest, count: 0, offsets: new Map(), ranged: true };
      this.#groups.set('rest', growing);
    }
    growing ??= { group: found, count: 0, offsets: new Map(), ranged: true };
    this.#groups.set(growing.group.reason === 'other' ? 'rest' : name, growing);
    growing.count += 1;
    const { partition, offset } = message;
    if (offset === null || !/^\d+$/.test(offset) || partition === null) {
      growing.ranged = false;
      return;
    }
    const at = BigInt(offset);
    const known = growing.offsets.get(partition);
    growing.offsets.set(partition, {
      first: known === undefined || at < known.first ? at : known.first,
      last: known === undefined || at > known.last ? at : known.last,
    });
  }
}

/** In the grammar of positions; the end is exclusive. */
function rangeOf(
  offsets: ReadonlyMap<string, { first: bigint; last: bigint }>,
): NonNullable<ScanGroup['range']> {
  const entries = [...offsets];
  return {
    from: entries.map(([partition, { first }]) => `${partition}:${first.toString()}`).join(','),
    until: entries.map(([partition, { last }]) => `${partition}:${(last + 1n).toString()}`).join(','),
  };
}

function groupOf(outcome: DecodeOutcome, part: PayloadPart, bytes: Uint8Array): Growing['group'] {
  switch (outcome.kind) {
    case 'decoded':
      return {
        reason: 'ok',
        healthy: true,
        part,
        framing: outcome.framing,
        key: keyText(outcome.key),
        schema: outcome.schema,
        message: '',
      };
    case 'broken':
      return {
        reason: outcome.reason,
        healthy: false,
        part,
        framing: outcome.framing,
        key: keyText(outcome.key),
        schema: outcome.schema,
        message: outcome.message,
      };
    case 'unframed':
      return {
        reason: `unframed-${kindOf(bytes)}`,
        healthy: false,
        part,
        framing: null,
        key: null,
        schema: null,
        message: 'it says of no schema',
      };
  }
}

function kindOf(bytes: Uint8Array): 'json' | 'text' | 'binary' {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  if (text.includes('\u{fffd}')) return 'binary';
  try {
    JSON.parse(text);
    return 'json';
  } catch {
    return 'text';
  }
}
