/**
 * Changes one place of a JSON text and leaves every other byte as it is: white space, the order and repetition of
 * members, numbers that a double cannot hold. Texts must be valid JSON (RFC 8259): `JSON.parse` says so before.
 *
 * A path is the unescaped tokens of a JSON Pointer (RFC 6901); an empty one is the whole text.
 */
interface Span {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

interface Entry {
  /** null in an array. */
  readonly name: string | null;
  /** Where the entry begins: its name, or the item. */
  readonly start: number;
  readonly value: Span;
}

interface Container extends Span {
  readonly kind: 'object' | 'array';
  readonly entries: readonly Entry[];
}

/** The text of the value there; null where there is none. */
export function valueAt(text: string, path: readonly string[]): string | null {
  const span = spanAt(text, path);
  return span === null ? null : text.slice(span.start, span.end);
}

/** null where there is nothing to replace. */
export function replaceAt(text: string, path: readonly string[], json: string): string | null {
  const span = spanAt(text, path);
  return span === null ? null : splice(text, span, json);
}

/** null where there is nothing to remove, or the path is the whole text. */
export function removeAt(text: string, path: readonly string[]): string | null {
  const found = containerOf(text, path);
  if (found === null) return null;
  const { container, token } = found;
  const at = indexOf(container, token);
  const entry = container.entries[at];
  if (entry === undefined) return null;
  const next = container.entries[at + 1];
  if (next !== undefined) return splice(text, { start: entry.start, end: next.start }, '');
  const before = container.entries[at - 1];
  return splice(text, { start: before?.value.end ?? entry.start, end: entry.value.end }, '');
}

/** As RFC 6902's `add`: a member is replaced, an item is put in before that index or, at `-`, behind the last. null where that cannot be. */
export function addAt(text: string, path: readonly string[], json: string): string | null {
  if (path.length === 0) return replaceAt(text, path, json);
  const found = containerOf(text, path);
  if (found === null) return null;
  const { container, token } = found;
  const { entries, kind } = container;
  if (kind === 'object') {
    const known = entries[indexOf(container, token)];
    if (known !== undefined) return splice(text, known.value, json);
    return append(text, container, `${JSON.stringify(token)}${colonLike(text, container)}${json}`);
  }
  const index = token === '-' ? entries.length : indexNumber(token);
  if (index === null || index > entries.length) return null;
  const following = entries[index];
  if (following === undefined) return append(text, container, json);
  const { start } = following;
  return splice(text, { start, end: start }, `${json}${separatorLike(text, container)}`);
}

/** Whether the value there is a list. */
export function isListAt(text: string, path: readonly string[]): boolean {
  const span = spanAt(text, path);
  return span !== null && text[span.start] === '[';
}

function splice(text: string, { start, end }: Span, json: string): string {
  return text.slice(0, start) + json + text.slice(end);
}

function append(text: string, container: Container, entry: string): string {
  const last = container.entries.at(-1);
  const at = last?.value.end ?? container.start + 1;
  const before = last === undefined ? '' : separatorLike(text, container);
  return splice(text, { start: at, end: at }, `${before}${entry}`);
}

/** The comma and white space as they stand between the others. */
function separatorLike(text: string, { start, entries }: Container): string {
  const [first, second] = entries;
  if (first === undefined) return ',';
  return second === undefined
    ? `,${text.slice(start + 1, first.start)}`
    : text.slice(first.value.end, second.start);
}

function colonLike(text: string, { entries }: Container): string {
  const [first] = entries;
  if (first === undefined) return ':';
  return text.slice(stringEnd(text, first.start), first.value.start);
}

function spanAt(text: string, path: readonly string[]): Span | null {
  const start = skipSpace(text, 0);
  let span: Span = { start, end: valueEnd(text, start) };
  for (const token of path) {
    const container = readContainer(text, span);
    const entry = container?.entries[indexOf(container, token)];
    if (entry === undefined) return null;
    span = entry.value;
  }
  return span;
}

function containerOf(
  text: string,
  path: readonly string[],
): { readonly container: Container; readonly token: string } | null {
  const token = path.at(-1);
  const span = spanAt(text, path.slice(0, -1));
  const container = span === null ? null : readContainer(text, span);
  return container === null || token === undefined ? null : { container, token };
}

function indexOf({ kind, entries }: Container, token: string): number {
  // Of repeated members every reader takes the last.
  if (kind === 'object') return entries.findLastIndex(({ name }) => name === token);
  return indexNumber(token) ?? -1;
}

function indexNumber(token: string): number | null {
  return /^(0|[1-9]\d{0,8})$/.test(token) ? Number(token) : null;
}

function readContainer(text: string, span: Span): Container | null {
  const opened = text[span.start];
  if (opened !== '{' && opened !== '[') return null;
  const kind = opened === '{' ? 'object' : 'array';
  const entries: Entry[] = [];
  let at = skipSpace(text, span.start + 1);
  while (at < span.end - 1) {
    const start = at;
    let name: string | null = null;
    if (kind === 'object') {
      const nameEnd = stringEnd(text, at);
      name = String(JSON.parse(text.slice(start, nameEnd)));
      at = skipSpace(text, skipSpace(text, nameEnd) + 1); // over the colon
    }
    const value = { start: at, end: valueEnd(text, at) };
    entries.push({ name, start, value });
    at = skipSpace(text, value.end);
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return { ...span, kind, entries };
}

/** Without recursion: what others publish may nest deeper than the stack. */
function valueEnd(text: string, start: number): number {
  const first = text[start];
  if (first === '"') return stringEnd(text, start);
  if (first !== '{' && first !== '[') {
    let at = start;
    while (at < text.length && !/[\s,\]}]/.test(text.charAt(at))) at += 1;
    return at;
  }
  let depth = 0;
  for (let at = start; at < text.length;) {
    const letter = text[at];
    if (letter === '"') {
      at = stringEnd(text, at);
      continue;
    }
    at += 1;
    if (letter === '{' || letter === '[') depth += 1;
    else if (letter === '}' || letter === ']') depth -= 1;
    if (depth === 0) return at;
  }
  return text.length;
}

function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (/[ \t\n\r]/.test(text.charAt(at))) at += 1;
  return at;
}
