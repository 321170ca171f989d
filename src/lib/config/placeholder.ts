/**
 * Placeholders in the texts of a context file:
 *
 *     ${env:NAME}   a variable of the environment
 *     ${file:PATH}  a file's content without the last line's end; relative to the context file
 *     ${cmd:LINE}   what this command line prints, without the last line's end
 *     ${ask}        asked for on the terminal; ${ask:QUESTION} with these words
 *     $${           the two characters ${
 *
 * What comes out is never looked through for further placeholders.
 */
import { UsageError } from '../errors.ts';

export interface Placeholder {
  readonly kind: 'env' | 'file' | 'cmd' | 'ask';
  /** Empty only for `${ask}`. */
  readonly argument: string;
}

export type Template = readonly (string | Placeholder)[];

/** Splits a text into literal parts and placeholders. Throws `UsageError` that names `what`, never the text. */
export function parseTemplate(text: string, what: string): Template {
  const parts: (string | Placeholder)[] = [];
  let literal = '';
  for (let at = 0; at < text.length;) {
    if (text.startsWith('$${', at)) {
      literal += '${';
      at += 3;
    } else if (text.startsWith('${', at)) {
      const end = closingBrace(text, at + 2);
      if (end === -1)
        throw new UsageError(`${what}: "\${" without its "}"`, {
          hint: 'write $${ for the characters themselves',
        });
      if (literal !== '') parts.push(literal);
      literal = '';
      parts.push(parsePlaceholder(text.slice(at + 2, end), what));
      at = end + 1;
    } else {
      literal += text[at];
      at += 1;
    }
  }
  if (literal !== '') parts.push(literal);
  return parts;
}

/** Whether anything of the text comes from elsewhere. */
export function hasPlaceholder(text: string): boolean {
  return placeholderSpans(text).length > 0;
}

/** Where the placeholders of a text begin and end, escaped ones not counted. An unclosed one reaches to the end. */
export function placeholderSpans(text: string): readonly (readonly [start: number, end: number])[] {
  const spans: (readonly [number, number])[] = [];
  for (let at = 0; at < text.length; at++) {
    if (text.startsWith('$${', at)) at += 2;
    else if (text.startsWith('${', at)) {
      const brace = closingBrace(text, at + 2);
      const end = brace === -1 ? text.length : brace + 1;
      spans.push([at, end]);
      at = end - 1;
    }
  }
  return spans;
}

/** Braces inside count, so that a command may hold `${HOME}` or `awk '{print}'`. */
function closingBrace(text: string, from: number): number {
  let open = 1;
  for (let at = from; at < text.length; at++) {
    if (text[at] === '{') open += 1;
    if (text[at] === '}') open -= 1;
    if (open === 0) return at;
  }
  return -1;
}

function parsePlaceholder(inside: string, what: string): Placeholder {
  const parts = /^(env|file|cmd):(.*\S.*)$/s.exec(inside);
  const [, kind, argument] = parts ?? [];
  if (argument !== undefined && (kind === 'env' || kind === 'file' || kind === 'cmd'))
    return { kind, argument: argument.trim() };
  if (inside === 'ask' || inside.startsWith('ask:'))
    return { kind: 'ask', argument: inside.slice('ask:'.length).trim() };
  throw new UsageError(`${what}: a placeholder that is not known`, {
    hint: 'known are ${env:NAME}, ${file:PATH}, ${cmd:COMMAND} and ${ask:QUESTION}; write $${ for the characters themselves',
  });
}
