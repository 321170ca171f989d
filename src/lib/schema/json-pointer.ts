/** RFC 6901 pointers, and where in a JSON text they lead. */
import type { Place } from './finding.ts';

/** `pointer` with one more token. */
export function pointerTo(pointer: string, token: string | number): string {
  return `${pointer}/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

export function tokensOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The place of a pointer in a valid JSON text; null where it leads nowhere. A key of an object is where its value is. */
export function placeOfPointer(file: string, text: string, pointer: string): Place | null {
  const scanner = new Scanner(text);
  for (const token of tokensOf(pointer)) if (!scanner.enter(token)) return null;
  return placeOfOffset(file, text, scanner.offset);
}

export function placeOfOffset(file: string, text: string, offset: number): Place {
  let line = 1;
  let lineStart = 0;
  for (let end = text.indexOf('\n'); end !== -1 && end < offset; end = text.indexOf('\n', end + 1)) {
    line += 1;
    lineStart = end + 1;
  }
  return { file, line, column: offset - lineStart + 1 };
}

/** Walks a text that `JSON.parse` accepted, without building anything. */
class Scanner {
  readonly #text: string;
  /** At the first character of a value. */
  offset = 0;

  constructor(text: string) {
    this.#text = text;
    this.#skipBlanks();
  }

  /** From an object or array to the value of one key or index; of a repeated key to the last, as `JSON.parse` does. */
  enter(token: string): boolean {
    const open = this.#text[this.offset];
    if (open === '{') return this.#enterKey(token);
    return open === '[' && this.#enterIndex(token);
  }

  #enterKey(wanted: string): boolean {
    let found: number | null = null;
    this.#step();
    while (this.#text[this.offset] === '"') {
      const start = this.offset;
      this.#skipString();
      const key: unknown = JSON.parse(this.#text.slice(start, this.offset));
      this.#skipBlanks();
      this.#step(); // the colon
      if (key === wanted) found = this.offset;
      this.#skipValue();
      if (this.#text[this.offset] === ',') this.#step();
    }
    if (found === null) return false;
    this.offset = found;
    return true;
  }

  #enterIndex(token: string): boolean {
    this.#step();
    for (let index = 0; this.offset < this.#text.length && this.#text[this.offset] !== ']'; index += 1) {
      if (index.toString() === token) return true;
      this.#skipValue();
      if (this.#text[this.offset] === ',') this.#step();
    }
    return false;
  }

  /** Past one character and the blanks after it. */
  #step(): void {
    this.offset += 1;
    this.#skipBlanks();
  }

  /** Past a value and the blanks after it; nesting is counted, not followed. */
  #skipValue(): void {
    let depth = 0;
    do {
      const character = this.#text[this.offset];
      if (character === '"') this.#skipString();
      else {
        if (character === '{' || character === '[') depth += 1;
        if (character === '}' || character === ']') depth -= 1;
        this.offset += 1;
        if (depth === 0 && character !== '}' && character !== ']') this.#skipScalar();
      }
    } while (depth > 0 && this.offset < this.#text.length);
    this.#skipBlanks();
  }

  #skipScalar(): void {
    while (/[^\s,\]}]/.test(this.#text[this.offset] ?? ' ')) this.offset += 1;
  }

  #skipString(): void {
    this.offset += 1;
    while (this.#text[this.offset] !== '"') this.offset += this.#text[this.offset] === '\\' ? 2 : 1;
    this.offset += 1;
  }

  #skipBlanks(): void {
    while (/\s/.test(this.#text[this.offset] ?? 'x')) this.offset += 1;
  }
}
