/**
 * Short texts of ASCII, as most keys, codes and names are: a call into V8's decoder costs several times what they do. It is
 * fast only where each length has a call of its own, so these are written by a loop.
 */
import { compileFunction } from 'node:vm';

/** Bytes. Of longer ones V8's decoder is the faster. */
export const maxShortText = 15;

type ReadShortText = (bytes: Uint8Array, start: number, length: number) => string | null;

/** The text of so many bytes, at most `maxShortText`; null where they are not all ASCII. They have to be there. */
export const readShortText = compiled();

function compiled(): ReadShortText {
  const cases = Array.from({ length: maxShortText + 1 }, (_, length) => caseOf(length));
  const body = `switch (length) {\n${cases.join('')}}\nreturn null;`;
  const read: unknown = compileFunction(body, ['bytes', 'start', 'length']);
  if (isRead(read)) return read;
  throw new TypeError('a text is compiled into a function');
}

function isRead(value: unknown): value is ReadShortText {
  return typeof value === 'function';
}

function caseOf(length: number): string {
  if (length === 0) return "case 0: return '';\n";
  const names = Array.from({ length }, (_, index) => `byte${index.toString()}`);
  const read = names.map((name, index) => `${name} = bytes[start + ${index.toString()}]`);
  return `case ${length.toString()}: {
  const ${read.join(', ')};
  return (${names.join(' | ')}) > 127 ? null : String.fromCharCode(${names.join(', ')});
}
`;
}
