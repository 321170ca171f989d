import { createHash, hash as digestOf } from 'node:crypto';

import type { MessageReference } from '../drivers/driver.ts';
import type { Message } from '../message/message.ts';
import type { ContentHash } from './content-hash.ts';
import { readMark, type Mark } from './mark.ts';
import { digestBytes, OrdinalIndex } from './ordinal-index.ts';
import { readPlan } from './plan.ts';
import type { RedriveState, Standing } from './redrive-state.ts';

/** What a run has to know of each message of a plan, in some forty bytes each. */
export class PlanTable {
  readonly planId: string;
  readonly selected: number;
  /** Whether every message has a name of the system's own; else they are told apart by content. */
  readonly byReference: boolean;
  /** Whether those names are all a partition's number and an offset. */
  readonly #numbered: boolean;
  readonly #contents: Buffer;
  readonly #references: Buffer;
  readonly #destinations: Names;
  readonly #causes: Names;
  readonly #edits: Names;
  /** Ordinals that go into quarantine. */
  readonly #aside: ReadonlySet<number>;

  private constructor(
    planId: string,
    selected: number,
    byReference: boolean,
    numbered: boolean,
    contents: Buffer,
    references: Buffer,
    destinations: Names,
    causes: Names,
    edits: Names,
    aside: ReadonlySet<number>,
  ) {
    this.planId = planId;
    this.selected = selected;
    this.byReference = byReference;
    this.#numbered = numbered;
    this.#contents = contents;
    this.#references = references;
    this.#destinations = destinations;
    this.#causes = causes;
    this.#edits = edits;
    this.#aside = aside;
  }

  /** Reads the plan once. Throws `FailedError` where it cannot be trusted. */
  static async load(path: string, planId: string, selected: number): Promise<PlanTable> {
    const contents = Buffer.alloc(selected * digestBytes);
    const references = Buffer.alloc(selected * digestBytes);
    const destinations = new Names(selected);
    const causes = new Names(selected);
    const edits = new Names(selected);
    const aside = new Set<number>();
    let byReference = true;
    let numbered = true;
    for await (const items of readPlan(path)) {
      for (const item of items) {
        const { ordinal, reference, hash, destination, cause, leftOut, redrives, edit } = item;
        if (ordinal >= selected) continue; // more than its last line says: told at the end
        const at = ordinal * digestBytes;
        contents.write(hash.slice(0, digestBytes * 2), at, 'hex');
        if (redrives > 0) noteRedrives(contents.subarray(at, at + digestBytes), redrives);
        const isNumber = isNumbered(reference);
        if (isNumber) numberedKey(reference).copy(references, at);
        else if (isNamed(reference)) namedKey(reference).copy(references, at);
        if (leftOut === null) destinations.set(ordinal, destination);
        causes.set(ordinal, cause);
        edits.set(ordinal, edit);
        if (item.quarantine !== null) aside.add(ordinal);
        if (!isNamed(reference)) byReference = false;
        numbered &&= isNumber;
      }
    }
    const names = [destinations, causes, edits] as const;
    return new PlanTable(planId, selected, byReference, numbered, contents, references, ...names, aside);
  }

  /** Every channel that something of the plan goes to. */
  get destinations(): readonly string[] {
    return this.#destinations.all;
  }

  destinationOf(ordinal: number): string {
    return this.#destinations.get(ordinal) ?? '';
  }

  causeOf(ordinal: number): string | null {
    return this.#causes.get(ordinal);
  }

  /** What is changed on its way, as `editText` writes it; null: nothing. */
  editOf(ordinal: number): string | null {
    return this.#edits.get(ordinal);
  }

  /** Every different edit of the plan. */
  get edits(): readonly string[] {
    return this.#edits.all;
  }

  isForQuarantine(ordinal: number): boolean {
    return this.#aside.has(ordinal);
  }

  /** Where it lies; null where the system names messages, or some of them, otherwise than by partition and offset. */
  placeOf(ordinal: number): { readonly partition: string; readonly offset: string } | null {
    if (!this.#numbered) return null;
    const at = ordinal * digestBytes;
    return placeOfKey(this.#references.subarray(at, at + digestBytes));
  }

  /** Of its content, and of how often it was redriven: of equal ones, one that was too often is not taken for another. */
  contentOf(ordinal: number): Buffer {
    return this.#contents.subarray(ordinal * digestBytes, (ordinal + 1) * digestBytes);
  }

  /** What a message is looked up by. */
  keyOf(ordinal: number): Buffer {
    return this.byReference
      ? this.#references.subarray(ordinal * digestBytes, (ordinal + 1) * digestBytes)
      : this.contentOf(ordinal);
  }
}

export type Match =
  /** Of the plan, and as it was when that was made. */
  | { readonly kind: 'selected'; readonly ordinal: number; readonly standing: Standing }
  /** Of the plan, and no longer the same. */
  | { readonly kind: 'drifted'; readonly ordinal: number }
  /** Moved by this plan, and back again. */
  | { readonly kind: 'returned'; readonly ordinal: number }
  | { readonly kind: 'other' };

const other: Match = { kind: 'other' };

/** Standings in which a message of the plan still has to be met, in the order in which equal ones are told apart. */
const awaited = ['planned', 'intended', 'confirmed'] as const;

/**
 * Tells which message of the plan one of the channel is. Equal messages are interchangeable: the first that comes is taken
 * for one that was not published yet, so that none is settled that is not elsewhere.
 */
export class Matcher {
  readonly #table: PlanTable;
  readonly #state: RedriveState;
  readonly #hash: ContentHash;
  readonly #indexes: ReadonlyMap<Standing, OrdinalIndex>;
  readonly #content = Buffer.alloc(digestBytes);

  constructor(table: PlanTable, state: RedriveState, hash: ContentHash) {
    this.#table = table;
    this.#state = state;
    this.#hash = hash;
    this.#indexes = new Map(awaited.map((standing) => [standing, new OrdinalIndex(state.count(standing))]));
    for (const standing of awaited) for (const ordinal of state.with(standing)) this.expect(ordinal);
  }

  /** It was given back, or lost: it will come again. */
  expect(ordinal: number): void {
    this.#indexes.get(this.#state.standing(ordinal))?.add(this.#table.keyOf(ordinal), ordinal);
  }

  match(message: Message): Match {
    const mark = readMark(message.headers);
    // Nothing that was selected carried this plan's mark: the plan is older than the mark.
    if (mark !== null && mark.plan === this.#table.planId && mark.ordinal < this.#table.selected)
      return { kind: 'returned', ordinal: mark.ordinal };
    const content = this.#contentOf(message, mark);
    const key = this.#table.byReference ? referenceKey(message) : content;
    for (const standing of awaited) {
      const ordinal = this.#indexes.get(standing)?.take(key) ?? null;
      if (ordinal === null) continue;
      const same = key === content || content.equals(this.#table.contentOf(ordinal));
      return same ? { kind: 'selected', ordinal, standing } : { kind: 'drifted', ordinal };
    }
    return other;
  }

  /** Whether a message is, or equals, one of the plan that has still to be met. */
  isAwaited(message: Message): boolean {
    const content = this.#contentOf(message, readMark(message.headers));
    const key = this.#table.byReference ? referenceKey(message) : content;
    return awaited.some((standing) => this.#indexes.get(standing)?.has(key) === true);
  }

  /** As `PlanTable.contentOf`. To be used before the next call. */
  #contentOf(message: Message, mark: Mark | null): Buffer {
    this.#content.write(this.#hash.of(message), 'hex');
    if (mark !== null && mark.count > 0) noteRedrives(this.#content, mark.count);
    return this.#content;
  }

  /** The ordinal of a reference that was asked for; null where it is none of the plan's, or was met. */
  take(reference: MessageReference): number | null {
    const key = referenceKey(reference);
    for (const standing of awaited) {
      const ordinal = this.#indexes.get(standing)?.take(key) ?? null;
      if (ordinal !== null) return ordinal;
    }
    return null;
  }
}

/** Makes a content's digest that of one which carries such a mark. */
function noteRedrives(content: Buffer, redrives: number): void {
  content.set(
    createHash('sha256').update(content).update(redrives.toString()).digest().subarray(0, digestBytes),
  );
}

/** Whether the system itself has a name for it. */
function isNamed({ offset, id }: MessageReference): boolean {
  return offset !== null || id !== null;
}

/**
 * What a reference is looked up by: numbers as they are, which takes a fifth of the time of a digest, and what is named otherwise
 * as one. To be used before the next call.
 */
function referenceKey(reference: MessageReference): Buffer {
  return isNumbered(reference) ? numberedKey(reference) : namedKey(reference);
}

function namedKey({ partition, offset, id }: MessageReference): Buffer {
  return digestOf('sha256', JSON.stringify([partition, offset, id]), 'buffer').subarray(0, digestBytes);
}

const numberKey = Buffer.alloc(digestBytes);

/** Of one that `isNumbered`. To be used before the next call. */
function numberedKey({ partition, offset }: MessageReference): Buffer {
  const [place, number] = [Number(partition), Number(offset)];
  // The index divides by the first bytes: the partition is mixed in, else the same offsets of all partitions would meet.
  numberKey.writeUInt32LE(((number % wordRange) ^ Math.imul(place, mixing)) >>> 0, 0);
  numberKey.writeUInt32LE(Math.floor(number / wordRange), 4);
  numberKey.writeUInt32LE(place, 8);
  return numberKey;
}

/** What such a key was made of. */
function placeOfKey(key: Buffer): { readonly partition: string; readonly offset: string } {
  const place = key.readUInt32LE(8);
  const low = (key.readUInt32LE(0) ^ Math.imul(place, mixing)) >>> 0;
  return { partition: String(place), offset: String(key.readUInt32LE(4) * wordRange + low) };
}

const wordRange = 2 ** 32;
const mixing = 0x9e3779b1;

function isNumbered({ partition, offset, id }: MessageReference): boolean {
  const [place, number] = [Number(partition), Number(offset)];
  return (
    id === null &&
    partition === String(place) &&
    offset === String(number) &&
    isUnsigned32(place) &&
    Number.isSafeInteger(number) &&
    number >= 0
  );
}

function isUnsigned32(number: number): boolean {
  return number >>> 0 === number;
}

/** A name for each ordinal, each name kept once. */
class Names {
  readonly #list: string[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #of: Int32Array;

  constructor(count: number) {
    this.#of = new Int32Array(count).fill(-1);
  }

  get all(): readonly string[] {
    return this.#list;
  }

  set(ordinal: number, name: string | null): void {
    if (name === null) return;
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.#list.push(name) - 1;
      this.#numbers.set(name, number);
    }
    this.#of[ordinal] = number;
  }

  get(ordinal: number): string | null {
    return this.#list[this.#of[ordinal] ?? -1] ?? null;
  }
}
