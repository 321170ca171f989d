/** What a person decided on the triage screen, as decisions of a plan and as the commands that would do the same. */
import { decidedByName, type Decide, type Decision } from './decision.ts';
import { ArchiveFile } from '../store/archive-file.ts';
import { parseSet } from './edit.ts';
import type { Shelf, ShelvedLetter } from './shelf.ts';

export interface Marked {
  readonly action: 'redrive' | 'quarantine' | 'archive' | 'skip' | null;
  /** As `--set` takes them. */
  readonly edits: readonly string[];
  readonly note: string | null;
}

export type Marks = ReadonlyMap<number, Marked>;

/** Throws `UsageError` for an edit that is none. */
export function decideByMarks(letters: readonly ShelvedLetter[], marks: Marks): Decide {
  const decisions: [string, Decision][] = [];
  for (const [at, marked] of inOrder(marks)) {
    const letter = letters[at];
    const decision = decisionOf(marked);
    if (letter !== undefined && decision !== null) decisions.push([letter.name, decision]);
  }
  return decidedByName(decisions);
}

/** Letters lie in the order of their places, and equal ones take their decisions in that order. */
function inOrder(marks: Marks): (readonly [number, Marked])[] {
  return [...marks].sort(([one], [other]) => one - other);
}

function decisionOf({ action, edits, note }: Marked): Decision | null {
  switch (action) {
    case 'redrive':
      return { action, to: null, edit: edits.length === 0 ? null : edits.map(parseSet) };
    case 'quarantine':
      return { action, reason: note ?? 'put aside in triage' };
    case 'skip':
      return { action, reason: note ?? 'left there in triage' };
    case 'archive':
    case null:
      return null;
  }
}

/** How many letters an action was chosen for. */
export function markedCount(marks: Marks, action: Marked['action']): number {
  return [...marks.values()].filter((marked) => marked.action === action).length;
}

/** Copies those that are marked so into a new file, from what was looked at. Where it fails there is no file. Throws `UsageError`, `FailedError`. */
export async function archiveMarked(
  shelf: Shelf,
  marks: Marks,
  path: string,
  about: { readonly channel: string; readonly target: string },
): Promise<void> {
  const file = await ArchiveFile.create(path, null);
  try {
    for (const [at, { action }] of inOrder(marks))
      if (action === 'archive') await file.add(await shelf.message(at));
    await file.finish({ ...about, madeAt: Date.now(), redacted: [] });
  } catch (error) {
    await file.discard();
    throw error;
  }
}

/** The notes, each once, for the record of the job; null: none. */
export function notesOf(marks: Marks): string | null {
  const notes = new Set([...marks.values()].flatMap(({ note }) => (note === null ? [] : [note])));
  return notes.size === 0 ? null : [...notes].join('; ');
}

/** A longer list of ids belongs into a plan. */
const mostIds = 50;

export interface SameCommands {
  /** Words after `mqctl`. */
  readonly commands: readonly (readonly string[])[];
  /** Whether they do all that was marked; else only the plan says it. */
  readonly complete: boolean;
}

/**
 * The commands that select and do the same: by cause where all of a cause goes back as it is, else by id. What they
 * cannot say (edits, quarantine, many single ones) is left to the plan.
 */
export function sameCommands(channel: string, letters: readonly ShelvedLetter[], marks: Marks): SameCommands {
  const members = new Map<string, number[]>();
  letters.forEach(({ cause }, at) => {
    const known = members.get(cause);
    if (known === undefined) members.set(cause, [at]);
    else known.push(at);
  });
  const causes: string[] = [];
  const ids: string[] = [];
  let complete = ![...marks.values()].some(
    ({ action, edits }) => action === 'quarantine' || action === 'archive' || edits.length > 0,
  );
  for (const [cause, places] of members) {
    const back = places.filter((at) => goesBackAsItIs(marks.get(at)));
    if (back.length === places.length) causes.push(cause);
    else for (const at of back) ids.push(letters[at]?.name ?? '');
  }
  if (ids.length > mostIds) {
    ids.length = 0;
    complete = false;
  }
  const select = [causes.flatMap((cause) => ['--cause', cause]), ids.flatMap((id) => ['--id', id])];
  return {
    commands: select
      .filter((words) => words.length > 0)
      .map((words) => ['dlq', 'redrive', channel, ...words]),
    complete,
  };
}

function goesBackAsItIs(marked: Marked | undefined): boolean {
  return marked?.action === 'redrive' && marked.edits.length === 0;
}
