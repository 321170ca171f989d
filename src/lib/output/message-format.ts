import { UsageError } from '../errors.ts';
import type { Message } from '../message/message.ts';
import { headerText } from '../message/text.ts';

export const messageFormats = ['pretty', 'ndjson', 'value', 'raw', 'table'] as const;
export type MessageFormat = (typeof messageFormats)[number] | { readonly template: string };

/** `pretty`, `ndjson`, `value`, `raw`, `table`, or `fmt='%t %p %o %k\t%s\n'`. Throws `UsageError`. */
export function parseMessageFormat(text: string): MessageFormat {
  const known = messageFormats.find((format) => format === text);
  if (known !== undefined) return known;
  if (text === 'json') return 'ndjson';
  if (text.startsWith('fmt=')) return { template: text.slice('fmt='.length) };
  throw new UsageError(`no output format "${text}"`, {
    hint: `known are ${messageFormats.join(', ')}, fmt='%t %p %o %k\\t%s\\n'`,
  });
}

type Part = Uint8Array | ((message: Message) => Uint8Array | string);

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\', '0': '\0' };

/**
 * kcat's letters: %s value, %S its length (-1 for null), %k key, %K its length, %t channel, %p partition, %o offset,
 * %T timestamp in ms, %h headers as a=b,c=d, %% a percent sign; and %{header:NAME}, %{property:NAME}, \n \t \r \0 \\ \xNN.
 * Bytes come out as they are. Throws `UsageError` for a letter that is not known.
 */
export function compileTemplate(template: string): (message: Message) => Uint8Array {
  const parts = [...partsOf(template)];
  return (message) =>
    Buffer.concat(parts.map((part) => bytesOf(part instanceof Uint8Array ? part : part(message))));
}

function bytesOf(value: Uint8Array | string): Uint8Array {
  return typeof value === 'string' ? Buffer.from(value) : value;
}

function* partsOf(template: string): Generator<Part> {
  const token = /%\{(header|property):([^}]+)\}|%(.)|\\x([0-9a-fA-F]{2})|\\(.)|([^%\\]+)|([%\\])$/gsu;
  for (const [whole, kind, name, letter, hex, escape, text] of template.matchAll(token)) {
    if (kind !== undefined && name !== undefined) yield named(kind, name);
    else if (letter !== undefined) yield letterPart(letter);
    else if (hex !== undefined) yield Buffer.from(hex, 'hex');
    else if (escape !== undefined) yield Buffer.from(escapes[escape] ?? `\\${escape}`);
    else if (text !== undefined) yield Buffer.from(text);
    else throw new UsageError(`the format ends with a single ${whole}`, { hint: `write ${whole}${whole}` });
  }
}

function named(kind: string, name: string): Part {
  if (kind === 'property') return ({ properties }) => headerText(properties[name] ?? null);
  return ({ headers }) => headerText(headers.find((header) => header.name === name)?.value ?? null);
}

function letterPart(letter: string): Part {
  switch (letter) {
    case 's':
      return ({ value }) => value ?? '';
    case 'S':
      return ({ value }) => (value === null ? '-1' : value.length.toString());
    case 'k':
      return ({ key }) => key ?? '';
    case 'K':
      return ({ key }) => (key === null ? '-1' : key.length.toString());
    case 't':
      return ({ channel }) => channel;
    case 'p':
      return ({ partition }) => partition ?? '';
    case 'o':
      return ({ offset, id }) => offset ?? id ?? '';
    case 'T':
      return ({ timestamp }) => timestamp?.toString() ?? '-1';
    case 'h':
      return ({ headers }) => headers.map(({ name, value }) => `${name}=${headerText(value)}`).join(',');
    case '%':
      return Buffer.from('%');
    default:
      throw new UsageError(`no format letter %${letter}`, {
        hint: 'known are %s %S %k %K %t %p %o %T %h %% %{header:NAME} %{property:NAME}',
      });
  }
}
