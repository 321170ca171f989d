/** What a person decided on the triage screen, as decisions of a plan and as the commands that would do the same. */
import { decidedByName, putAside, type Decide, type Decision } from './decision.ts';
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
      return putAside('in triage', note);
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

export interface Shown {
  readonly channel: string;
  readonly letters: readonly ShelvedLetter[];
  /** What the letters were filtered by; null: nothing. */
  readonly filter: string | null;
  /** Whether all of the channel were looked at: else there may be more of a cause. */
  readonly complete: boolean;
  /** Where what is marked so is archived. */
  readonly archive: string;
  /** How fast, as flags of a redrive. */
  readonly pace: readonly string[];
}

/** What is done alike with several letters, as the words of a command without its selection. */
interface Doing {
  readonly words: readonly string[];
  readonly places: number[];
}

/**
 * The commands that select and do the same: by cause where the same is done with all of a cause, else by id. What they
 * cannot say (many single ones, equal messages with which not the same is done) is left to the plan.
 */
export function sameCommands(shown: Shown, marks: Marks): SameCommands {
  const { channel, letters, filter } = shown;
  const doings = new Map<string, Doing>();
  for (const [at, marked] of inOrder(marks)) {
    const words = wordsOf(shown, marked);
    if (words === null) continue;
    const key = JSON.stringify(words);
    const known = doings.get(key);
    if (known === undefined) doings.set(key, { words, places: [at] });
    else known.places.push(at);
  }
  const ofCause = Map.groupBy(letters.keys(), (at) => letters[at]?.cause ?? '');
  const ofName = Map.groupBy(letters.keys(), (at) => letters[at]?.name ?? '');
  const commands: (readonly string[])[] = [];
  let complete = true;
  let archives = 0;
  const add = ([verb = '', ...words]: readonly string[], select: readonly string[]): void => {
    if (select.length === 0) return;
    const file = verb === 'archive' ? ['--file', numbered(shown.archive, archives++)] : [];
    const filtered = filter === null ? [] : ['--filter', filter];
    commands.push(['dlq', verb, channel, ...select, ...filtered, ...words, ...file]);
  };
  for (const { words, places } of doings.values()) {
    const here = new Set(places);
    const wholeCauses = new Set(
      shown.complete
        ? [...ofCause].filter(([, members]) => members.every((at) => here.has(at))).map(([cause]) => cause)
        : [],
    );
    const single = places.filter((at) => !wholeCauses.has(letters[at]?.cause ?? ''));
    const ids = new Set<string>();
    for (const at of single) {
      const name = letters[at]?.name ?? '';
      if (ofName.get(name)?.every((other) => here.has(other)) === true) ids.add(name);
      else complete = false;
    }
    if (ids.size > mostIds) complete = false;
    add(
      words,
      [...wholeCauses].flatMap((cause) => ['--cause', cause]),
    );
    if (ids.size <= mostIds)
      add(
        words,
        [...ids].flatMap((id) => ['--id', id]),
      );
  }
  return { commands, complete };
}

/** The verb and its flags; null: nothing is done. */
function wordsOf({ pace }: Shown, { action, edits }: Marked): readonly string[] | null {
  switch (action) {
    case 'redrive':
      return ['redrive', ...edits.flatMap((edit) => ['--set', edit]), ...pace];
    case 'quarantine':
      return ['redrive', '--put-aside', ...pace];
    case 'archive':
      return ['archive'];
    case 'skip':
    case null:
      return null;
  }
}

/** An archive is never written over: the second one has another name. */
function numbered(file: string, before: number): string {
  return before === 0 ? file : file.replace(/(\.[^/]*)?$/, `-${(before + 1).toString()}$1`);
}
