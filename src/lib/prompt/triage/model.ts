/** What the triage screen shows and what was decided on it: plain data, changed by `press` alone. */

/** A dead letter as the list shows it; its body is read when it is looked at. Texts are not yet safe for a terminal. */
export interface Letter {
  /** As `--id` takes it. */
  readonly name: string;
  /** The fingerprint of its cause. */
  readonly cause: string;
  /** When it died, else when it was written; milliseconds since 1970. */
  readonly at: number | null;
  readonly key: string | null;
  /** What it says about its death. */
  readonly words: string;
  /** The beginning of its value. */
  readonly preview: string;
  readonly bytes: number;
  /** How often it was redriven before. */
  readonly redrives: number;
  readonly duplicate: boolean;
}

/** What letters have in common. */
export interface Cause {
  readonly id: string;
  readonly title: string;
  /** Name and value, for the preview. */
  readonly facts: readonly (readonly [name: string, value: string])[];
}

export const actions = ['redrive', 'quarantine', 'archive', 'skip'] as const;
export type Action = (typeof actions)[number];

/** What is to be done with a letter. */
export interface Mark {
  /** null: nothing yet; it has a note alone. */
  readonly action: Action | null;
  /** `PATH=VALUE`, done one after the other on the way back. */
  readonly edits: readonly string[];
  readonly note: string | null;
}

export const viewFormats = ['value', 'headers', 'decoded', 'hex'] as const;
export type ViewFormat = (typeof viewFormats)[number];

export type Input = 'filter' | 'edit' | 'note';

export type Mode =
  | { readonly kind: 'list' }
  | { readonly kind: 'view'; readonly format: ViewFormat; readonly top: number }
  | { readonly kind: 'help' }
  | { readonly kind: 'input'; readonly input: Input; readonly text: string }
  /** The plan is being made of the marks. */
  | { readonly kind: 'planning' }
  | { readonly kind: 'summary'; readonly lines: readonly string[]; readonly top: number }
  /** Leaving would forget what was marked. */
  | { readonly kind: 'leaving' }
  | { readonly kind: 'confirmed' }
  | { readonly kind: 'left' };

/** Letters of one cause that the filter lets through, by their place in `letters`. */
export interface Row {
  readonly cause: Cause;
  readonly members: readonly number[];
}

export interface Triage {
  readonly title: string;
  readonly letters: readonly Letter[];
  readonly causes: ReadonlyMap<string, Cause>;
  readonly filter: string;
  /** The largest first. */
  readonly rows: readonly Row[];
  /** The row under the cursor. */
  readonly rowAt: number;
  /** null: the cursor is on the causes; else the place among the members of the row. */
  readonly letterAt: number | null;
  readonly marks: ReadonlyMap<number, Mark>;
  readonly mode: Mode;
  /** One sentence about what was just done or cannot be done. */
  readonly notice: string | null;
  /** What can be done at this system. */
  readonly actions: readonly Action[];
}

export interface TriageStart {
  readonly title: string;
  readonly letters: readonly Letter[];
  readonly causes: readonly Cause[];
  readonly actions: readonly Action[];
  readonly notice: string | null;
}

/** The list with nothing marked, the cursor on the largest cause. A letter whose cause is not among `causes` is not listed. */
export function startTriage({ title, letters, causes, actions: possible, notice }: TriageStart): Triage {
  const known = new Map(causes.map((cause) => [cause.id, cause]));
  return {
    title,
    letters,
    causes: known,
    filter: '',
    rows: rowsOf(letters, known, ''),
    rowAt: 0,
    letterAt: null,
    marks: new Map(),
    mode: { kind: 'list' },
    notice,
    actions: possible,
  };
}

/** With another filter the cursor begins anew. */
export function filtered(triage: Triage, filter: string): Triage {
  const rows = rowsOf(triage.letters, triage.causes, filter);
  return { ...triage, filter, rows, rowAt: 0, letterAt: null };
}

function rowsOf(
  letters: readonly Letter[],
  causes: ReadonlyMap<string, Cause>,
  filter: string,
): readonly Row[] {
  const wanted = filter.toLowerCase();
  const members = new Map<string, number[]>();
  letters.forEach((letter, at) => {
    if (wanted !== '' && !searched(letter).includes(wanted)) return;
    const known = members.get(letter.cause);
    if (known === undefined) members.set(letter.cause, [at]);
    else known.push(at);
  });
  return [...members]
    .flatMap(([id, found]) => {
      const cause = causes.get(id);
      return cause === undefined ? [] : [{ cause, members: found }];
    })
    .sort((one, other) => other.members.length - one.members.length);
}

function searched({ name, cause, key, words, preview }: Letter): string {
  return [name, cause, key ?? '', words, preview].join('\n').toLowerCase();
}

/** The row under the cursor; undefined where the filter lets nothing through. */
export function currentRow({ rows, rowAt }: Triage): Row | undefined {
  return rows[rowAt];
}

/** The letter under the cursor, or the first one of the cause there, by its place in `letters`. */
export function currentLetter(triage: Triage): number | null {
  return currentRow(triage)?.members[triage.letterAt ?? 0] ?? null;
}

/** What an action is done to: the letter, or all of the cause that the filter lets through. */
export function selected(triage: Triage): readonly number[] {
  const row = currentRow(triage);
  if (row === undefined) return [];
  if (triage.letterAt === null) return row.members;
  const at = row.members[triage.letterAt];
  return at === undefined ? [] : [at];
}

/** How many letters each action was chosen for. */
export function markCounts({ marks }: Triage): ReadonlyMap<Action, number> {
  const counts = new Map<Action, number>();
  for (const { action } of marks.values())
    if (action !== null) counts.set(action, (counts.get(action) ?? 0) + 1);
  return counts;
}
