import {
  currentRow,
  filtered,
  selected,
  viewFormats,
  type Action,
  type Mark,
  type Mode,
  type Triage,
} from './model.ts';

export interface Key {
  /** `up`, `return`, `escape`, `a`…, as Node's readline names it. */
  readonly name: string;
  /** What it types; empty for a key that types nothing. */
  readonly text: string;
}

export interface PressContext {
  /** Rows of the list, for a page. */
  readonly page: number;
  /** Why this is no edit; null: it is one. */
  readonly refuseEdit: (text: string) => string | null;
}

const list: Mode = { kind: 'list' };

const actionKeys: Readonly<Record<string, Action>> = {
  r: 'redrive',
  x: 'quarantine',
  a: 'archive',
  s: 'skip',
};

/** What a key does. */
export function press(triage: Triage, key: Key, context: PressContext): Triage {
  const { mode } = triage;
  switch (mode.kind) {
    case 'list':
      return inList({ ...triage, notice: null }, key, context);
    case 'view':
      return inView(triage, mode, key, context);
    case 'help':
      return { ...triage, mode: list };
    case 'input':
      return inInput(triage, mode, key, context);
    case 'summary':
      return inSummary(triage, mode, key, context);
    case 'leaving':
      return { ...triage, mode: key.text === 'y' ? { kind: 'left' } : list };
    case 'planning':
    case 'confirmed':
    case 'left':
      return triage;
  }
}

function inList(triage: Triage, key: Key, context: PressContext): Triage {
  const moved = movement(key, context.page);
  if (moved !== null) return moveCursor(triage, moved);
  const action = key.text === '' ? undefined : actionKeys[key.text];
  if (action !== undefined) return mark(triage, action);
  switch (key.text) {
    case '/':
      return { ...triage, mode: { kind: 'input', input: 'filter', text: triage.filter } };
    case '?':
      return { ...triage, mode: { kind: 'help' } };
    case 'v':
      return selected(triage).length === 0
        ? triage
        : { ...triage, mode: { kind: 'view', format: 'value', top: 0 } };
    case 'e':
    case 'n':
      if (selected(triage).length === 0) return triage;
      return { ...triage, mode: { kind: 'input', input: key.text === 'e' ? 'edit' : 'note', text: '' } };
    case 'u':
      return unmark(triage);
    case 'c':
      return commit(triage);
    case 'q':
      return leave(triage);
  }
  if (key.name === 'return' || key.name === 'enter' || key.name === 'right') return open(triage);
  if (key.name === 'escape' || key.name === 'left' || key.name === 'backspace') return back(triage);
  return triage;
}

type Movement = { readonly by: number } | { readonly to: 'start' | 'end' };

function movement({ name, text }: Key, page: number): Movement | null {
  if (name === 'up' || text === 'k') return { by: -1 };
  if (name === 'down' || text === 'j') return { by: 1 };
  if (name === 'pageup') return { by: -page };
  if (name === 'pagedown' || name === 'space') return { by: page };
  if (name === 'home' || text === 'g') return { to: 'start' };
  if (name === 'end' || text === 'G') return { to: 'end' };
  return null;
}

function moveCursor(triage: Triage, moved: Movement): Triage {
  const { rows, rowAt, letterAt } = triage;
  if (letterAt === null) return { ...triage, rowAt: moveTo(rowAt, rows.length, moved) };
  return { ...triage, letterAt: moveTo(letterAt, currentRow(triage)?.members.length ?? 0, moved) };
}

function moveTo(at: number, length: number, moved: Movement): number {
  const wanted = 'by' in moved ? at + moved.by : moved.to === 'start' ? 0 : length - 1;
  return Math.max(0, Math.min(length - 1, wanted));
}

function open(triage: Triage): Triage {
  if (currentRow(triage) === undefined) return triage;
  if (triage.letterAt === null) return { ...triage, letterAt: 0 };
  return { ...triage, mode: { kind: 'view', format: 'value', top: 0 } };
}

function back(triage: Triage): Triage {
  if (triage.letterAt !== null) return { ...triage, letterAt: null };
  return triage.filter === '' ? triage : filtered(triage, '');
}

/** A second time takes it back. */
function mark(triage: Triage, action: Action): Triage {
  const places = selected(triage);
  if (places.length === 0) return triage;
  if (!triage.actions.includes(action)) return { ...triage, notice: `${action} cannot be done here` };
  const marks = new Map(triage.marks);
  const takeBack = places.every((at) => marks.get(at)?.action === action);
  for (const at of places) {
    const known = marks.get(at);
    setMark(marks, at, {
      action: takeBack ? null : action,
      edits: action === 'redrive' && !takeBack ? (known?.edits ?? []) : [],
      note: known?.note ?? null,
    });
  }
  return { ...triage, marks, notice: `${takeBack ? 'not ' : ''}${action}: ${howMany(places.length)}` };
}

function unmark(triage: Triage): Triage {
  const marks = new Map(triage.marks);
  const places = selected(triage);
  for (const at of places) marks.delete(at);
  return { ...triage, marks, notice: `nothing: ${howMany(places.length)}` };
}

function setMark(marks: Map<number, Mark>, at: number, changed: Mark): void {
  if (changed.action === null && changed.note === null && changed.edits.length === 0) marks.delete(at);
  else marks.set(at, changed);
}

function howMany(count: number): string {
  return count === 1 ? '1 dead letter' : `${count.toString()} dead letters`;
}

function commit(triage: Triage): Triage {
  const some = [...triage.marks.values()].some(({ action }) => action !== null);
  return some
    ? { ...triage, mode: { kind: 'planning' } }
    : { ...triage, notice: 'nothing is marked yet: r redrive, x quarantine, a archive, s skip' };
}

function leave(triage: Triage): Triage {
  return { ...triage, mode: { kind: triage.marks.size === 0 ? 'left' : 'leaving' } };
}

function inView(
  triage: Triage,
  view: Extract<Mode, { kind: 'view' }>,
  key: Key,
  context: PressContext,
): Triage {
  const moved = movement(key, context.page);
  // The end of the text is known only where it is drawn, which goes no further.
  if (moved !== null) {
    const top = 'by' in moved ? Math.max(0, view.top + moved.by) : moved.to === 'start' ? 0 : Infinity;
    return { ...triage, mode: { ...view, top } };
  }
  if (key.name === 'tab') {
    const format = viewFormats[(viewFormats.indexOf(view.format) + 1) % viewFormats.length] ?? view.format;
    return { ...triage, mode: { kind: 'view', format, top: 0 } };
  }
  const action = key.text === '' ? undefined : actionKeys[key.text];
  if (action !== undefined) return mark(triage, action);
  if (key.name === 'escape' || key.name === 'left' || key.text === 'q' || key.text === 'v')
    return { ...triage, mode: list };
  return triage;
}

function inInput(
  triage: Triage,
  { input, text }: Extract<Mode, { kind: 'input' }>,
  key: Key,
  { refuseEdit }: PressContext,
): Triage {
  const typed = (changed: string): Triage => {
    const state = input === 'filter' ? filtered(triage, changed) : triage;
    return { ...state, notice: null, mode: { kind: 'input', input, text: changed } };
  };
  if (key.name === 'escape') return { ...(input === 'filter' ? filtered(triage, '') : triage), mode: list };
  if (key.name === 'return' || key.name === 'enter') {
    if (input === 'filter' || text === '') return { ...triage, mode: list };
    const refusal = input === 'edit' ? refuseEdit(text) : null;
    if (refusal !== null) return { ...triage, notice: refusal };
    return { ...(input === 'edit' ? edit(triage, text) : note(triage, text)), mode: list };
  }
  if (key.name === 'backspace')
    return typed(
      [...new Intl.Segmenter().segment(text)]
        .slice(0, -1)
        .map(({ segment }) => segment)
        .join(''),
    );
  return key.text === '' ? triage : typed(text + key.text);
}

/** What is edited goes back. */
function edit(triage: Triage, text: string): Triage {
  const marks = new Map(triage.marks);
  const places = selected(triage);
  for (const at of places) {
    const known = marks.get(at);
    marks.set(at, {
      action: 'redrive',
      edits: [...(known?.edits ?? []), text],
      note: known?.note ?? null,
    });
  }
  return { ...triage, marks, notice: `redrive with ${text}: ${howMany(places.length)}` };
}

function note(triage: Triage, text: string): Triage {
  const marks = new Map(triage.marks);
  const places = selected(triage);
  for (const at of places) {
    const known = marks.get(at);
    marks.set(at, { action: known?.action ?? null, edits: known?.edits ?? [], note: text });
  }
  return { ...triage, marks, notice: `noted: ${howMany(places.length)}` };
}

function inSummary(
  triage: Triage,
  summary: Extract<Mode, { kind: 'summary' }>,
  key: Key,
  { page }: PressContext,
): Triage {
  const moved = movement(key, page);
  if (moved !== null)
    return { ...triage, mode: { ...summary, top: moveTo(summary.top, summary.lines.length, moved) } };
  if (key.text === 'y') return { ...triage, mode: { kind: 'confirmed' } };
  if (key.name === 'escape' || key.name === 'left' || key.text === 'n' || key.text === 'q')
    return { ...triage, mode: list };
  return triage;
}

/** The plan was made. */
export function summarised(triage: Triage, lines: readonly string[]): Triage {
  return { ...triage, mode: { kind: 'summary', lines, top: 0 } };
}

/** The plan cannot be made. */
export function refused(triage: Triage, reason: string): Triage {
  return { ...triage, mode: list, notice: reason };
}
