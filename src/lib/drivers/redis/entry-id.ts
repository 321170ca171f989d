/** Ids of entries, `MILLISECONDS-SEQUENCE`: both are unsigned and 64 bits wide, and later entries have greater ids. */

import { FailedError } from '../../errors.ts';

export interface EntryId {
  readonly milliseconds: bigint;
  readonly sequence: bigint;
}

const greatest = 2n ** 64n - 1n;

export const firstId: EntryId = { milliseconds: 0n, sequence: 0n };

/** Milliseconds alone are that time's first id. null: that is no id. */
export function parseId(text: string): EntryId | null {
  const parts = /^(\d{1,20})(?:-(\d{1,20}))?$/.exec(text);
  if (parts === null) return null;
  const milliseconds = BigInt(parts[1] ?? 0);
  const sequence = BigInt(parts[2] ?? 0);
  return milliseconds > greatest || sequence > greatest ? null : { milliseconds, sequence };
}

/** Of an id that the server sent. Throws `FailedError`. */
export function idOf(text: string): EntryId {
  const id = parseId(text);
  if (id === null)
    throw new FailedError(`the server sent ${JSON.stringify(text.slice(0, 100))} for the id of an entry`);
  return id;
}

/** As the server writes it: `1700000000000-0`. */
export function idText({ milliseconds, sequence }: EntryId): string {
  return `${String(milliseconds)}-${String(sequence)}`;
}

/** The least id that is greater: what is to be read next after this one. */
export function nextId({ milliseconds, sequence }: EntryId): EntryId {
  if (sequence < greatest) return { milliseconds, sequence: sequence + 1n };
  return milliseconds < greatest
    ? { milliseconds: milliseconds + 1n, sequence: 0n }
    : { milliseconds, sequence };
}

/** The greatest id that is less: what was read last before this one. */
export function previousId({ milliseconds, sequence }: EntryId): EntryId {
  if (sequence > 0n) return { milliseconds, sequence: sequence - 1n };
  return milliseconds > 0n ? { milliseconds: milliseconds - 1n, sequence: greatest } : firstId;
}

/** Less than 0: `one` comes first. */
export function compareIds(one: EntryId, other: EntryId): number {
  if (one.milliseconds !== other.milliseconds) return one.milliseconds < other.milliseconds ? -1 : 1;
  if (one.sequence === other.sequence) return 0;
  return one.sequence < other.sequence ? -1 : 1;
}

/** Milliseconds since 1970. */
export function timeOf({ milliseconds }: EntryId): number {
  return Number(milliseconds);
}

/** The first id of a time, milliseconds since 1970. */
export function idAt(time: number): EntryId {
  return { milliseconds: BigInt(Math.max(0, Math.ceil(time))), sequence: 0n };
}
