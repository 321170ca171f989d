/** The screen as lines: exactly as many as it has rows, none as wide as it, so that nothing wraps. */
import type { Message } from '../../message/message.ts';
import type { Colour } from '../../output/colour.ts';
import { visible } from '../../output/sanitise.ts';
import { fitted, shorten, wrapped } from '../../output/shorten.ts';
import { countOf, countText, timeText } from '../../output/time.ts';
import { messageLines } from './message-lines.ts';
import {
  actions,
  currentLetter,
  currentRow,
  markCounts,
  viewFormats,
  type Action,
  type Input,
  type Mark,
  type Mode,
  type Triage,
} from './model.ts';

export interface Screen {
  readonly columns: number;
  readonly rows: number;
  readonly colour: Colour;
}

/** Header and rule above, notice and keys below. */
const frameRows = 4;
/** Where there is no room for two panes, there is one. */
const twoPanes = 64;
const leftShare = 0.5;

const letters: Readonly<Record<Action, string>> = { redrive: 'R', quarantine: 'Q', archive: 'A', skip: 'S' };

/** How many rows of the list are there. */
export function listRows({ rows }: Pick<Screen, 'rows'>): number {
  return Math.max(1, rows - frameRows);
}

/** `message` is the letter under the cursor; null: it is still being read. */
export function draw(triage: Triage, message: Message | null, screen: Screen): readonly string[] {
  const width = Math.max(1, screen.columns - 1);
  const height = listRows(screen);
  const { colour } = screen;
  const lines = [
    colour.bold(shorten(headerText(triage), width)),
    colour.dim('─'.repeat(width)),
    ...filled(bodyLines(triage, message, { ...screen, columns: width, rows: height }), height),
    noticeLine(triage, width, colour),
    keyLine(triage, width, colour),
  ];
  // A terminal of very few rows shows the end: what is asked.
  return lines.slice(-Math.max(1, screen.rows));
}

function filled(lines: readonly string[], height: number): readonly string[] {
  return [...lines.slice(0, height), ...Array.from({ length: Math.max(0, height - lines.length) }, () => '')];
}

function headerText({ title, letters: all, rows, filter }: Triage): string {
  const shown = rows.reduce((sum, { members }) => sum + members.length, 0);
  const count = filter === '' ? countText(all.length) : `${countText(shown)} of ${countText(all.length)}`;
  const named = filter === '' ? '' : `, filter: ${visible(filter)}`;
  // Names may be long: what is cut is the end.
  return `${count} ${all.length === 1 ? 'dead letter' : 'dead letters'}, ${countOf(rows.length, 'cause')}${named}  ${visible(title)}`;
}

function bodyLines(triage: Triage, message: Message | null, screen: Screen): readonly string[] {
  const { mode } = triage;
  switch (mode.kind) {
    case 'view':
      return viewLines(mode, message, screen);
    case 'help':
      return helpLines
        .filter((line) => triage.actions.includes('archive') || !line.startsWith('a '))
        .flatMap((line) => wrapped(line, screen.columns));
    case 'summary':
      return summaryLines(mode, screen);
    case 'planning':
      return ['', shorten('asking where everything would go…', screen.columns)];
    case 'list':
    case 'input':
    case 'leaving':
    case 'confirmed':
    case 'left':
      return listLines(triage, message, screen);
  }
}

function listLines(triage: Triage, message: Message | null, screen: Screen): readonly string[] {
  const { columns, rows: height, colour } = screen;
  const both = columns >= twoPanes;
  const left = both ? Math.floor(columns * leftShare) : columns;
  const list = triage.letterAt === null ? causeRows(triage, left, height) : letterRows(triage, left, height);
  const painted = list.map(({ text, current }) => (current ? colour.inverse(text) : text));
  if (painted.length === 0) painted.push(fitted('nothing matches the filter', left));
  if (!both) return painted;
  const right = columns - left - 3;
  const preview = previewLines(triage, message, right);
  return Array.from({ length: height }, (_, at) => {
    const row = painted[at] ?? ' '.repeat(left);
    return `${row} ${colour.dim('│')} ${shorten(preview[at] ?? '', right)}`;
  });
}

interface ListRow {
  readonly text: string;
  readonly current: boolean;
}

function causeRows({ rows, rowAt, marks }: Triage, width: number, height: number): ListRow[] {
  const countWidth = countText(rows[0]?.members.length ?? 0).length;
  return windowOf(rows, rowAt, height).map(({ item: { cause, members }, at }) => {
    const count = countText(members.length).padStart(countWidth);
    const text = `${pointer(at === rowAt)}${groupMark(members, marks)} ${count}  ${visible(cause.title)}`;
    return { text: fitted(text, width), current: at === rowAt };
  });
}

function letterRows(triage: Triage, width: number, height: number): ListRow[] {
  const { letterAt, marks } = triage;
  const members = currentRow(triage)?.members ?? [];
  return windowOf(members, letterAt ?? 0, height).map(({ item, at }) => {
    const letter = triage.letters[item];
    const { name = '', key = null, preview = '', duplicate = false } = letter ?? {};
    const words = [name, key ?? '', duplicate ? '(duplicate)' : '', preview].filter((word) => word !== '');
    const text = `${pointer(at === letterAt)}${markText(marks.get(item))} ${visible(words.join('  '))}`;
    return { text: fitted(text, width), current: at === letterAt };
  });
}

function pointer(current: boolean): string {
  return current ? '>' : ' ';
}

function markText(mark: Mark | undefined): string {
  if (mark === undefined) return '  ';
  const more = mark.edits.length > 0 ? 'e' : mark.note === null ? ' ' : 'n';
  return (mark.action === null ? ' ' : letters[mark.action]) + more;
}

/** The letter of the action that all have, `*` where they differ. */
function groupMark(members: readonly number[], marks: ReadonlyMap<number, Mark>): string {
  const texts = new Set(members.map((at) => markText(marks.get(at))));
  const [first = '  '] = texts;
  return texts.size > 1 ? '* ' : first;
}

/** The part of a list around the cursor that the screen has room for. */
function windowOf<Item>(
  items: readonly Item[],
  cursor: number,
  height: number,
): { readonly item: Item; readonly at: number }[] {
  const top = Math.max(0, Math.min(cursor - Math.floor(height / 2), items.length - height));
  return items.slice(top, top + height).map((item, index) => ({ item, at: top + index }));
}

function previewLines(triage: Triage, message: Message | null, width: number): readonly string[] {
  const row = currentRow(triage);
  const at = currentLetter(triage);
  const letter = at === null ? undefined : triage.letters[at];
  if (row === undefined || at === null || letter === undefined) return [];
  const facts: (readonly [string, string])[] = [];
  if (triage.letterAt === null) facts.push(['cause', row.cause.id], ...row.cause.facts);
  else {
    facts.push(['id', letter.name]);
    if (letter.key !== null) facts.push(['key', letter.key]);
    if (letter.at !== null) facts.push(['died', timeText(letter.at)]);
    facts.push(['said', letter.words], ['bytes', countText(letter.bytes)]);
    if (letter.redrives > 0) facts.push(['redriven', `${countOf(letter.redrives, 'time')} before`]);
    facts.push(...markFacts(triage.marks.get(at)));
  }
  const said = facts.flatMap(([name, value]) => wrapped(`${name}: ${visible(value)}`, width).slice(0, 4));
  const body = message === null ? ['…'] : messageLines(message, 'value', width);
  const heading = triage.letterAt === null ? ['', `the first of them, ${visible(letter.name)}:`] : [''];
  return [...said, ...heading, ...body];
}

function markFacts(mark: Mark | undefined): (readonly [string, string])[] {
  if (mark === undefined) return [];
  return [
    ...(mark.action === null ? [] : [['to do', mark.action] as const]),
    ...mark.edits.map((edit) => ['edit', edit] as const),
    ...(mark.note === null ? [] : [['note', mark.note] as const]),
  ];
}

function viewLines(
  { format, top }: Extract<Mode, { kind: 'view' }>,
  message: Message | null,
  { columns, rows, colour }: Screen,
): readonly string[] {
  const names = viewFormats.map((name) => (name === format ? `[${name}]` : ` ${name} `)).join(' ');
  const tabs =
    names.length <= columns ? names.replace(`[${format}]`, colour.inverse('$&')) : shorten(format, columns);
  const lines = message === null ? ['…'] : messageLines(message, format, columns);
  return [tabs, ...pageOf(lines, top, rows - 1)];
}

function summaryLines(
  { lines, top }: Extract<Mode, { kind: 'summary' }>,
  { columns, rows, colour }: Screen,
): readonly string[] {
  const broken = lines.flatMap((line) => wrapped(visible(line), columns));
  return [colour.bold(shorten('This would be done:', columns)), ...pageOf(broken, top, rows - 1)];
}

/** No further than the last page, whatever the position says. */
function pageOf(lines: readonly string[], top: number, height: number): readonly string[] {
  const start = Math.max(0, Math.min(top, lines.length - height));
  return lines.slice(start, start + height);
}

function noticeLine(triage: Triage, width: number, colour: Colour): string {
  if (triage.notice !== null) return colour.yellow(shorten(visible(triage.notice), width));
  const counts = markCounts(triage);
  const parts = actions.flatMap((action) => {
    const count = counts.get(action) ?? 0;
    return count === 0 ? [] : [`${countText(count)} ${action}`];
  });
  return parts.length === 0 ? '' : shorten(`marked: ${parts.join(', ')}`, width);
}

const inputWords: Readonly<Record<Input, string>> = {
  filter: 'filter',
  edit: 'edit PATH=VALUE (value.total=7, headers.region=eu, key=k7)',
  note: 'note',
};

function keyLine(triage: Triage, width: number, colour: Colour): string {
  const { mode } = triage;
  switch (mode.kind) {
    case 'input': {
      const asked = `${inputWords[mode.input]}: `;
      const label = [asked, `${mode.input}: `, ''].find((text) => text.length + 12 <= width) ?? '';
      return label + endOf(visible(mode.text), width - label.length - 1);
    }
    case 'leaving':
      return shorten('leave, and forget what is marked? y/N ', width);
    case 'summary':
      return shorten('do it? y/N  (↑↓ scroll, Esc back) ', width);
    case 'planning':
      return shorten('Ctrl-C leaves, and nothing is done', width);
    case 'view':
      return colour.dim(shorten('Tab format  ↑↓ scroll  r x a s mark  Esc back', width));
    case 'help':
      return colour.dim(shorten('any key goes back', width));
    case 'list':
    case 'confirmed':
    case 'left':
      return colour.dim(
        shorten(
          triage.letterAt === null
            ? 'Enter open  r redrive  x quarantine  s skip  / filter  c commit  ? help  q quit'
            : 'Enter view  r redrive  x quarantine  s skip  e edit  Esc back  c commit  ? help',
          width,
        ),
      );
  }
}

/** Of a long input, the part that is being typed. */
function endOf(text: string, width: number): string {
  const lines = wrapped(text, Math.max(1, width));
  return lines.length === 1 ? text : `…${lines.at(-1) ?? ''}`;
}

const helpLines = [
  'Mark what is to be done, then c: the plan is shown, and nothing happens before you say yes.',
  '',
  'Enter, →   into the messages of a cause, then into a message',
  'Esc, ←     back; on the causes: without the filter',
  '↑ ↓ PgUp PgDn g G   move',
  '',
  'On a cause (all its messages that the filter shows) or on a message:',
  'r          redrive: back to where it came from',
  'x          quarantine: put aside',
  'a          archive: into a file, and it stays',
  's          skip: leave it, and say so in the report',
  'e          edit, then redrive: value.total=7, headers.region=eu, key=k7',
  'n          note: kept with the job',
  'u          take all marks off',
  'v          view: value, headers, decoded, hex (Tab)',
  '',
  '/          filter by any text of id, key, failure, beginning of the value',
  'c          commit: show the plan and ask',
  'q, Ctrl-C  leave: nothing is done',
];
