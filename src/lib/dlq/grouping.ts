import { bytesText, headerText } from '../message/text.ts';
import type { Fingerprint } from './fingerprint.ts';
import type { Inspected } from './inspect.ts';

export const groupings = ['cause', 'channel', 'consumer', 'key', 'type'] as const;
export type Grouping = (typeof groupings)[number];

export interface DeadLetterGroup {
  /** The cause's fingerprint, or what they have in common; null: they do not say. */
  readonly group: string | null;
  readonly count: number;
  /** When they died, else when they were written; milliseconds since 1970. */
  readonly firstAt: number | null;
  readonly lastAt: number | null;
  /** Of the first one. */
  readonly class: string | null;
  /** Of the first one; by cause, masked. */
  readonly message: string | null;
  /** What the fingerprint was made of; null where they are not grouped by cause. */
  readonly fingerprint: Fingerprint | null;
}

/** Groups beyond that are counted together: keys may be as many as messages. */
const mostGroups = 10_000;

type Growing = { -readonly [Field in keyof DeadLetterGroup]: DeadLetterGroup[Field] };

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
    const { message, fingerprint } = inspected;
    const name = this.#nameOf(inspected);
    const at = message.deadLetter?.at ?? message.timestamp;
    const known = this.#groups.get(name);
    if (known === undefined) {
      if (this.#groups.size >= mostGroups) {
        this.#others += 1;
        return;
      }
      const byCause = this.#by === 'cause';
      this.#groups.set(name, {
        group: name,
        count: 1,
        firstAt: at,
        lastAt: at,
        class: message.deadLetter?.class ?? null,
        message: byCause
          ? (fingerprint?.parts.message ?? null)
          : (message.deadLetter?.message ?? message.deadLetter?.reason ?? null),
        fingerprint: byCause ? fingerprint : null,
      });
      return;
    }
    known.count += 1;
    if (at === null) return;
    known.firstAt = Math.min(at, known.firstAt ?? at);
    known.lastAt = Math.max(at, known.lastAt ?? at);
  }

  /** The largest first. */
  result(): readonly DeadLetterGroup[] {
    return [...this.#groups.values()].sort((one, other) => other.count - one.count);
  }

  #nameOf({ message, fingerprint }: Inspected): string | null {
    switch (this.#by) {
      case 'cause':
        return fingerprint?.id ?? null;
      case 'channel':
        return message.deadLetter?.origin.channel ?? null;
      case 'consumer':
        return message.deadLetter?.consumer ?? null;
      case 'key':
        return message.key === null ? null : bytesText(message.key);
      case 'type':
        return headerText(message.properties['type'] ?? null) || null;
    }
  }
}
