import { bytesText } from '../message/text.ts';
import type { Fingerprint } from './fingerprint.ts';
import type { Inspected } from './inspect.ts';
import { typeOf } from './seen.ts';

export const groupings = ['cause', 'channel', 'consumer', 'key', 'type'] as const;
export type Grouping = (typeof groupings)[number];

export interface DeadLetterGroup {
  /** The cause's fingerprint, or what they have in common; null: they do not say. */
  readonly group: string | null;
  readonly count: number;
  /** When they died, else when they were written; milliseconds since 1970. */
  readonly firstAt: number | null;
  readonly lastAt: number | null;
  /** So many a minute between the first and the last; null: too few to say, or no times. */
  readonly ratePerMinute: number | null;
  /** Of the first one. */
  readonly class: string | null;
  /** Of the first one; by cause, masked. What can be seen where nobody said what happened. */
  readonly message: string | null;
  /** Where they came from and who gave them up: the first of them, in the order met. */
  readonly channels: readonly string[];
  readonly consumers: readonly string[];
  /** The name of the first one, as `--id` takes it. */
  readonly sample: string;
  /** How many have the same content as an earlier dead letter. */
  readonly duplicates: number;
  /** What the fingerprint was made of; null where they are not grouped by cause. */
  readonly fingerprint: Fingerprint | null;
}

/** Groups beyond that are counted together: keys may be as many as messages. */
const mostGroups = 10_000;
/** More are not listed of a group: headers may say anything. */
const mostNames = 20;

interface Growing {
  readonly said: Pick<DeadLetterGroup, 'group' | 'class' | 'message' | 'sample' | 'fingerprint'>;
  readonly channels: Set<string>;
  readonly consumers: Set<string>;
  count: number;
  duplicates: number;
  firstAt: number | null;
  lastAt: number | null;
}

/** Counts dead letters by what they have in common, in bounded memory. */
export class Groups {
  readonly #by: Grouping;
  readonly #groups = new Map<string | null, Growing>();
  #others = 0;

  constructor(by: Grouping) {
    this.#by = by;
  }

  /** How many belong to groups that were too many to keep. */
  get others(): number {
    return this.#others;
  }

  add(inspected: Inspected): void {
    const group = this.#groupOf(inspected);
    if (group === null) {
      this.#others += 1;
      return;
    }
    const { deadLetter, timestamp } = inspected.message;
    group.count += 1;
    if (inspected.duplicateOf !== null) group.duplicates += 1;
    addName(group.channels, deadLetter?.origin.channel ?? null);
    addName(group.consumers, deadLetter?.consumer ?? null);
    const at = deadLetter?.at ?? timestamp;
    if (at === null) return;
    group.firstAt = Math.min(at, group.firstAt ?? at);
    group.lastAt = Math.max(at, group.lastAt ?? at);
  }

  /** The largest first. */
  result(): readonly DeadLetterGroup[] {
    return [...this.#groups.values()]
      .sort((one, other) => other.count - one.count)
      .map(({ said, channels, consumers, count, duplicates, firstAt, lastAt }) => ({
        ...said,
        count,
        duplicates,
        firstAt,
        lastAt,
        ratePerMinute: rateOf(count, firstAt, lastAt),
        channels: [...channels],
        consumers: [...consumers],
      }));
  }

  /** null: there are too many already. */
  #groupOf(inspected: Inspected): Growing | null {
    const name = this.#nameOf(inspected);
    const known = this.#groups.get(name);
    if (known !== undefined) return known;
    if (this.#groups.size >= mostGroups) return null;
    const { message, fingerprint, name: sample } = inspected;
    const byCause = this.#by === 'cause';
    const words = message.deadLetter?.message ?? message.deadLetter?.reason ?? null;
    const { message: masked, seen } = fingerprint.parts;
    const group: Growing = {
      said: {
        group: name,
        class: message.deadLetter?.class ?? null,
        message: byCause ? [masked, seen].filter((part) => part !== null).join('; ') || null : words,
        sample,
        fingerprint: byCause ? fingerprint : null,
      },
      channels: new Set(),
      consumers: new Set(),
      count: 0,
      duplicates: 0,
      firstAt: null,
      lastAt: null,
    };
    this.#groups.set(name, group);
    return group;
  }

  #nameOf({ message, fingerprint }: Inspected): string | null {
    switch (this.#by) {
      case 'cause':
        return fingerprint.id;
      case 'channel':
        return message.deadLetter?.origin.channel ?? null;
      case 'consumer':
        return message.deadLetter?.consumer ?? null;
      case 'key':
        return message.key === null ? null : bytesText(message.key);
      case 'type':
        return typeOf(message);
    }
  }
}

function addName(names: Set<string>, name: string | null): void {
  if (name !== null && names.size < mostNames) names.add(name);
}

function rateOf(count: number, firstAt: number | null, lastAt: number | null): number | null {
  if (firstAt === null || lastAt === null || lastAt <= firstAt) return null;
  // From the first to the last there is one interval less than messages.
  return ((count - 1) / (lastAt - firstAt)) * 60_000;
}
