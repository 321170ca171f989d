/**
 * Where the elements of a .proto file stand. The parser keeps no line and column; this reads only as much of the
 * grammar as names need, of a file that the parser has accepted.
 */
import { InvalidSchemaError } from '../errors.ts';
import type { Place } from '../finding.ts';

interface Token {
  readonly text: string;
  readonly offset: number;
}

export interface Outline {
  /** By full name without a leading dot: `shop.Order.total`. */
  readonly places: ReadonlyMap<string, Place>;
  /** The line `package …;`. */
  readonly packagePlace: Place | null;
  /** The paths of its imports, in their order. */
  readonly imports: readonly string[];
}

/** `name` is what the file is called. Throws `InvalidSchemaError` where it nests too deep. */
export function outlineOf(name: string, text: string): Outline {
  return new OutlineReader(name, text).read();
}

// Comments, strings, names with dots, numbers, single characters. Each alternative is linear, and what is not closed goes on
// to the end: tried again from every place in it, it would not be.
const tokens =
  /\/\/[^\n]*|\/\*[^]*?(?:\*\/|$)|"(?:[^"\\\n]|\\[^])*"?|'(?:[^'\\\n]|\\[^])*'?|[A-Za-z_][\w.]*|\.[A-Za-z_][\w.]*|[-+]?[0-9][\w.+-]*|[^\s]/g;

/** The parser takes no more either. */
const maxDepth = 100;

const labels: ReadonlySet<string> = new Set(['optional', 'required', 'repeated']);
const noFields: ReadonlySet<string> = new Set(['option', 'reserved', 'extensions', 'syntax', 'edition']);
const identifier = /^[A-Za-z_]\w*$/;

class OutlineReader {
  readonly #name: string;
  readonly #lineStarts: number[] = [0];
  readonly #tokens: Token[] = [];
  readonly #places = new Map<string, Place>();
  #at = 0;
  #depth = 0;
  readonly #imports: string[] = [];
  #packagePlace: Place | null = null;
  #package = '';

  constructor(name: string, text: string) {
    this.#name = name;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#lineStarts.push(at + 1);
    for (const match of text.matchAll(tokens)) {
      const found = match[0];
      if (!found.startsWith('//') && !found.startsWith('/*'))
        this.#tokens.push({ text: found, offset: match.index });
    }
  }

  read(): Outline {
    while (this.#at < this.#tokens.length) this.#statement('', 'file');
    return { places: this.#places, packagePlace: this.#packagePlace, imports: this.#imports };
  }

  #statement(scope: string, inside: 'file' | 'message' | 'enum' | 'oneof' | 'extend' | 'service'): void {
    const first = this.#tokens[this.#at];
    if (first === undefined) return;
    const next = this.#tokens[this.#at + 1]?.text ?? '';
    // A bracket that closes nothing stands only in what the parser will refuse.
    if (first.text === ';' || first.text === '}' || first.text === ']') {
      this.#at += 1;
      return;
    }
    if (inside !== 'enum' && (first.text === 'export' || first.text === 'local') && identifier.test(next)) {
      this.#at += 1;
      this.#statement(scope, inside);
      return;
    }
    if (inside === 'file' && first.text === 'package') {
      this.#package = `${next}.`;
      this.#packagePlace = this.#place(first);
      this.#skipStatement();
      return;
    }
    if (inside === 'file' && first.text === 'import') {
      const path = [next, this.#tokens[this.#at + 2]?.text ?? ''].find((text) => /^["']/.test(text));
      // `import option` of editions names nothing that the wire knows.
      if (path !== undefined && next !== 'option') this.#imports.push(path.slice(1, -1));
      this.#skipStatement();
      return;
    }
    if (noFields.has(first.text) && next !== '=') {
      this.#skipStatement();
      return;
    }
    if (inside !== 'enum' && this.#tokens[this.#at + 2]?.text === '{' && identifier.test(next)) {
      if (first.text === 'message' || first.text === 'enum' || first.text === 'service') {
        this.#record(scope + next, first);
        this.#block(`${scope}${next}.`, first.text, 3);
        return;
      }
      if (first.text === 'oneof') {
        this.#record(scope + next, first);
        this.#block(scope, 'oneof', 3);
        return;
      }
    }
    if (inside !== 'enum' && first.text === 'extend') {
      while (this.#at < this.#tokens.length && this.#tokens[this.#at]?.text !== '{') this.#at += 1;
      this.#block(scope, 'extend', 1);
      return;
    }
    if (inside === 'service') {
      if (first.text === 'rpc') this.#record(scope + next, first);
      this.#skipStatement();
      return;
    }
    if (inside === 'enum') {
      this.#record(scope + first.text, first);
      this.#skipStatement();
      return;
    }
    this.#field(scope, first);
  }

  /** `[label] type name = number [options];`, a map, or a group with its block. */
  #field(scope: string, first: Token): void {
    let at = this.#at;
    if (labels.has(this.#tokens[at]?.text ?? '')) at += 1;
    const group = this.#tokens[at]?.text === 'group';
    while (at < this.#tokens.length && this.#tokens[at]?.text !== '=' && this.#tokens[at]?.text !== ';')
      at += 1;
    const name = this.#tokens[at - 1]?.text ?? '';
    if (!group) {
      this.#record(scope + name, first);
      this.#skipStatement();
      return;
    }
    this.#record(`${scope}${name.charAt(0).toLowerCase()}${name.slice(1)}`, first);
    this.#record(scope + name, first);
    while (this.#at < this.#tokens.length && this.#tokens[this.#at]?.text !== '{') this.#at += 1;
    this.#block(`${scope}${name}.`, 'message', 1);
  }

  #block(scope: string, inside: 'message' | 'enum' | 'oneof' | 'extend' | 'service', skip: number): void {
    this.#at += skip;
    this.#depth += 1;
    if (this.#depth > maxDepth)
      throw new InvalidSchemaError(this.#name, `it nests deeper than ${maxDepth.toString()} levels`);
    while (this.#at < this.#tokens.length && this.#tokens[this.#at]?.text !== '}')
      this.#statement(scope, inside);
    this.#at += 1;
    this.#depth -= 1;
  }

  /** To behind the semicolon, over braces in option values; a method's block ends it, too. */
  #skipStatement(): void {
    let depth = 0;
    for (; this.#at < this.#tokens.length; this.#at += 1) {
      const text = this.#tokens[this.#at]?.text;
      if (text === '{' || text === '[') depth += 1;
      else if (text === '}' || text === ']') {
        depth -= 1;
        if (depth < 0) return;
        if (depth === 0 && text === '}' && this.#tokens[this.#at + 1]?.text !== ';') {
          this.#at += 1;
          return;
        }
      } else if (text === ';' && depth === 0) {
        this.#at += 1;
        return;
      }
    }
  }

  #record(name: string, token: Token): void {
    this.#places.set(this.#package + name, this.#place(token));
  }

  #place(token: Token): Place {
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#lineStarts[middle] ?? 0) <= token.offset) low = middle;
      else high = middle - 1;
    }
    return { file: this.#name, line: low + 1, column: token.offset - (this.#lineStarts[low] ?? 0) + 1 };
  }
}
