/**
 * Messages as the fields of an entry, and back.
 *
 * An entry of Redis is a list of names and values, both bytes, in order, with repetitions. The field `value` is the
 * message's value, the field `key` its key (the context can name others: `valueField`, `keyField`); every other field is a
 * header under its own name. So what other programs add is shown as it is, and what mqctl adds is read by them as it is.
 *
 * - The order of the fields is the property `fields`: names, separated by commas, in percent-encoding where they are more
 *   than plain text. With it an entry is written again exactly; without it key, value and headers come in that order.
 * - What plain fields cannot tell is told by a first field `mqctl-layout`, a letter for each field that follows (`k` key, `v`
 *   value, `h` header, `n` header that is null): a null header, a header called as the value where there is no value, and a
 *   message that has no field at all.
 */
import { isUtf8 } from 'node:buffer';
import type { Header, Message, OutgoingMessage } from '../../message/message.ts';
import type { Entry } from './reply.ts';
import { idOf, timeOf } from './entry-id.ts';

export interface FieldNames {
  readonly key: string;
  readonly value: string;
}

export const layoutField = 'mqctl-layout';
const layoutShape = /^[kvhn]*$/;

type Part = 'k' | 'v' | 'h' | 'n';

interface Field {
  readonly part: Part;
  readonly name: Buffer;
  readonly value: Buffer;
}

/** Names and values in turn, at least one of each. */
export function fieldsOf(message: OutgoingMessage, names: FieldNames): Buffer[] {
  const fields = inOrder(message, names);
  const flat = fields.flatMap(({ name, value }) => [name, value]);
  const plain = flat.length > 0 && partsOf(flat, names).join('') === fields.map(({ part }) => part).join('');
  // What begins with a field of that name is told from a layout by having one.
  if (plain && fields[0]?.name.toString() !== layoutField) return flat;
  const layout = fields.map(({ part }) => part).join('');
  return [Buffer.from(layoutField), Buffer.from(layout), ...flat];
}

function inOrder({ key, value, headers, properties }: OutgoingMessage, names: FieldNames): readonly Field[] {
  const left: Field[] = [];
  if (key !== null) left.push({ part: 'k', name: Buffer.from(names.key), value: Buffer.from(key) });
  if (value !== null) left.push({ part: 'v', name: Buffer.from(names.value), value: Buffer.from(value) });
  for (const header of headers) left.push(headerField(header));
  const order = properties['fields'];
  if (typeof order !== 'string') return left;
  // Those that are named come first, in that order; what an edit added comes behind them.
  const sorted: Field[] = [];
  for (const name of decodeNames(order)) {
    const at = left.findIndex((field) => field.name.equals(name));
    sorted.push(...(at < 0 ? [] : left.splice(at, 1)));
  }
  return [...sorted, ...left];
}

function headerField({ name, rawName, value }: Header): Field {
  const bytes = rawName === undefined ? Buffer.from(name) : Buffer.from(rawName);
  if (value === null) return { part: 'n', name: bytes, value: Buffer.alloc(0) };
  if (value instanceof Uint8Array) return { part: 'h', name: bytes, value: Buffer.from(value) };
  // Other systems type their headers; here all are bytes.
  return { part: 'h', name: bytes, value: Buffer.from(typeof value.value === 'string' ? value.value : '') };
}

/** Which field is what, where no layout says so: the first of the two names is it, every other one is a header. */
function partsOf(fields: readonly Buffer[], names: FieldNames): readonly Part[] {
  let [hasKey, hasValue] = [false, false];
  const parts: Part[] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const name = fields[index]?.toString();
    if (name === names.value && !hasValue) {
      parts.push('v');
      hasValue = true;
    } else if (name === names.key && !hasKey) {
      parts.push('k');
      hasKey = true;
    } else parts.push('h');
  }
  return parts;
}

/** As it is in the stream `channel`. */
export function messageOf({ id, fields }: Entry, channel: string, names: FieldNames): Message {
  const { parts, rest } = layoutOf(fields, names);
  let [key, value]: (Buffer | null)[] = [null, null];
  const headers: Header[] = [];
  const order: Buffer[] = [];
  for (const [index, part] of parts.entries()) {
    const name = rest[index * 2] ?? Buffer.alloc(0);
    const content = rest[index * 2 + 1] ?? Buffer.alloc(0);
    order.push(name);
    if (part === 'k') key = content;
    else if (part === 'v') value = content;
    else headers.push(headerOf(name, part === 'n' ? null : content));
  }
  return {
    channel,
    partition: null,
    offset: id,
    id,
    timestamp: timeOf(idOf(id)),
    timestampType: 'append',
    key: key ?? null,
    value: value ?? null,
    headers,
    properties: { fields: encodeNames(order) },
    delivery: { count: null, redelivered: null },
    deadLetter: null,
  };
}

function layoutOf(
  fields: readonly Buffer[],
  names: FieldNames,
): { readonly parts: readonly Part[]; readonly rest: readonly Buffer[] } {
  const [first, layout] = fields;
  const rest = fields.slice(2);
  if (first?.toString() === layoutField && layout !== undefined) {
    const text = layout.toString();
    const parts = [...text].filter(isPart);
    const once = (part: Part): boolean => parts.filter((one) => one === part).length <= 1;
    if (layoutShape.test(text) && parts.length * 2 === rest.length && once('k') && once('v'))
      return { parts, rest };
  }
  return { parts: partsOf(fields, names), rest: fields };
}

function isPart(letter: string): letter is Part {
  return letter === 'k' || letter === 'v' || letter === 'h' || letter === 'n';
}

function headerOf(name: Buffer, value: Buffer | null): Header {
  const text = name.toString();
  return isUtf8(name) ? { name: text, value } : { name: text, value, rawName: name };
}

/** Plain names as they are, all other bytes as `%NN`. */
function encodeNames(names: readonly Buffer[]): string {
  return names
    .map((name) =>
      name
        .toString('latin1')
        .replace(/[^\w.:@/-]/g, (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, '0')}`),
    )
    .join(',');
}

function decodeNames(text: string): readonly Buffer[] {
  return text.split(',').map((name) =>
    Buffer.from(
      name.replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16))),
      'latin1',
    ),
  );
}
