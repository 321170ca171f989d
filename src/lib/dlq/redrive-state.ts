/**
 * Where each message of a plan stands: one byte each, so that a million fit in a megabyte.
 *
 * - `planned`: nothing was done.
 * - `intended`: it may have been published. Unless the run goes on, that is in doubt.
 * - `confirmed`: the destination has it for good; it may still wait in the dead-letter channel.
 * - `done`: and it is gone from there.
 * - `failed`, `skipped`, `drifted`, `quarantined`: it stays where it was, for that reason.
 */
export const stands = [
  'planned',
  'intended',
  'confirmed',
  'done',
  'failed',
  'skipped',
  'drifted',
  'quarantined',
] as const;
export type Standing = (typeof stands)[number];

const standMask = 0x0f;
const againFlag = 0x10;
const returnedFlag = 0x20;
const asideFlag = 0x40;

export interface RedriveCounts {
  readonly selected: number;
  readonly moved: number;
  readonly failed: number;
  readonly skipped: number;
  readonly drifted: number;
  /** Moved to the quarantine, or kept where it was for want of one. Not a part of `moved`. */
  readonly quarantined: number;
  /** Moved to the quarantine. A part of `quarantined`. */
  readonly putAside: number;
  readonly inDoubt: number;
  readonly remaining: number;
  /** Came back to the dead-letter channel after it was moved. A part of `moved`. */
  readonly returned: number;
  /** Published a second time, because nobody knows of the first. A part of `moved` or `inDoubt`. */
  readonly possibleDuplicates: number;
  /** Moved, but not known to be gone from the dead-letter channel. A part of `moved`. */
  readonly unsettled: number;
}

export class RedriveState {
  readonly selected: number;
  readonly #bytes: Uint8Array;
  /** By the number of the standing. */
  readonly #counts = new Float64Array(stands.length);
  #again = 0;
  #returned = 0;
  /** Moved to the quarantine. */
  #aside = 0;

  constructor(selected: number) {
    this.selected = selected;
    this.#bytes = new Uint8Array(selected);
    this.#counts[stands.indexOf('planned')] = selected;
  }

  standing(ordinal: number): Standing {
    return stands[(this.#bytes[ordinal] ?? 0) & standMask] ?? 'planned';
  }

  set(ordinal: number, standing: Standing): void {
    const before = this.#bytes[ordinal] ?? 0;
    if ((before & asideFlag) !== 0)
      this.#aside += (isMoved(standing) ? 1 : 0) - (isMoved(this.standing(ordinal)) ? 1 : 0);
    const next = stands.indexOf(standing);
    this.#counts[before & standMask] = (this.#counts[before & standMask] ?? 0) - 1;
    this.#counts[next] = (this.#counts[next] ?? 0) + 1;
    this.#bytes[ordinal] = (before & ~standMask) | next;
  }

  count(standing: Standing): number {
    return this.#counts[stands.indexOf(standing)] ?? 0;
  }

  isAgain(ordinal: number): boolean {
    return ((this.#bytes[ordinal] ?? 0) & againFlag) !== 0;
  }

  markAgain(ordinal: number): void {
    if (this.isAgain(ordinal)) return;
    this.#bytes[ordinal] = (this.#bytes[ordinal] ?? 0) | againFlag;
    this.#again += 1;
  }

  isReturned(ordinal: number): boolean {
    return ((this.#bytes[ordinal] ?? 0) & returnedFlag) !== 0;
  }

  markReturned(ordinal: number): void {
    if (this.isReturned(ordinal)) return;
    this.#bytes[ordinal] = (this.#bytes[ordinal] ?? 0) | returnedFlag;
    this.#returned += 1;
  }

  /** Before anything is done to it. */
  markForQuarantine(ordinal: number): void {
    this.#bytes[ordinal] = (this.#bytes[ordinal] ?? 0) | asideFlag;
  }

  *with(standing: Standing): Generator<number> {
    const wanted = stands.indexOf(standing);
    for (let ordinal = 0; ordinal < this.selected; ordinal += 1)
      if (((this.#bytes[ordinal] ?? 0) & standMask) === wanted) yield ordinal;
  }

  counts(): RedriveCounts {
    return {
      selected: this.selected,
      moved: this.count('confirmed') + this.count('done') - this.#aside,
      failed: this.count('failed'),
      skipped: this.count('skipped'),
      drifted: this.count('drifted'),
      quarantined: this.count('quarantined') + this.#aside,
      putAside: this.#aside,
      inDoubt: this.count('intended'),
      remaining: this.count('planned'),
      returned: this.#returned,
      possibleDuplicates: this.#again,
      unsettled: this.count('confirmed'),
    };
  }
}

/** The destination has it for good. */
export function isMoved(standing: Standing): boolean {
  return standing === 'confirmed' || standing === 'done';
}
