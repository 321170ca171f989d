/** RFC 6901 pointers, and where in a JSON text they lead. */
import type { Place } from './finding.ts';

/** `pointer` with one more token. */
export function pointerTo(pointer: string, token: string | number): string {
  return `${pointer}/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** The keys and indexes of a JSON Pointer (RFC 6901), unescaped. */
export function tokensOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The place of a pointer in a valid JSON text; null where it leads nowhere. A key of an object is where its value is. */
export function placeOfPointer(file: string, text: string, pointer: string): Place | null {
  const offset = new Scanner(text).find(tokensOf(pointer));
  return offset === null ? null : placeOfOffset(file, text, offset);
}

/** The line and column of an offset, which counts the UTF-16 units of the text from 0. `\n` alone ends a line. */
export function placeOfOffset(file: string, text: string, offset: number): Place {
  let line = 1;
  let lineStart = 0;
  for (let end = text.indexOf('\n'); end !== -1 && end < offset; end = text.indexOf('\n', end + 1)) {
    line += 1;
    lineStart = end + 1;
  }
  return { file, line, column: offset - lineStart + 1 };
}

/** Walks a text that `JSON.parse` accepted once, without building anything. */
class Scanner {
  readonly #text: string;
  #offset = 0;
  #found: number | null = null;

  constructor(text: string) {
    this.#text = text;
    this.#skipBlanks();
  }

  /** Where the first character of that value is; null where there is none. */
  find(tokens: readonly string[]): number | null {
    this.#follow(tokens);
    return this.#found;
  }

  /** Past a value: of a repeated key the last counts, as `JSON.parse` has it. */
  #follow(tokens: readonly string[]): void {
    const [token, ...rest] = tokens;
    this.#found = token === undefined ? this.#offset : null;
    const open = this.#text[this.#offset];
    if (token === undefined || (open !== '{' && open !== '[')) return this.#skipValue();
    this.#step();
    for (let index = 0; this.#offset < this.#text.length && !this.#closes(); index += 1) {
      if ((open === '{' ? this.#key() : index.toString()) === token) this.#follow(rest);
      else this.#skipValue();
      if (this.#text[this.#offset] === ',') this.#step();
    }
    this.#step();
  }

  #closes(): boolean {
    return this.#text[this.#offset] === '}' || this.#text[this.#offset] === ']';
  }

  /** Past a key and its colon. */
  #key(): string {
    const start = this.#offset;
    this.#skipString();
    const key: unknown = JSON.parse(this.#text.slice(start, this.#offset));
    this.#skipBlanks();
    this.#step();
    return String(key);
  }

  /** Past one character and the blanks after it. */
  #step(): void {
    this.#offset += 1;
    this.#skipBlanks();
  }

  /** Past a value and the blanks after it; nesting is counted, not followed. */
  #skipValue(): void {
    let depth = 0;
    do {
      const character = this.#text[this.#offset];
      if (character === '"') this.#skipString();
      else {
        if (character === '{' || character === '[') depth += 1;
        if (character === '}' || character === ']') depth -= 1;
        this.#offset += 1;
        if (depth === 0 && character !== '}' && character !== ']') this.#skipScalar();
      }
    } while (depth > 0 && this.#offset < this.#text.length);
    this.#skipBlanks();
  }

  #skipScalar(): void {
    while (this.#offset < this.#text.length && !endsScalar(this.#text.charCodeAt(this.#offset)))
      this.#offset += 1;
  }

  #skipString(): void {
    this.#offset += 1;
    while (this.#offset < this.#text.length && this.#text[this.#offset] !== '"')
      this.#offset += this.#text[this.#offset] === '\\' ? 2 : 1;
    this.#offset += 1;
  }

  #skipBlanks(): void {
    while (isBlank(this.#text.charCodeAt(this.#offset))) this.#offset += 1;
  }
}

function isBlank(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

/** A blank, a comma, a closing bracket or brace. */
function endsScalar(code: number): boolean {
  return isBlank(code) || code === 0x2c || code === 0x5d || code === 0x7d;
}
