/**
 * Edits of a message on its way back: JSON Patch (RFC 6902) on this document, and `set` (replace what is there, add what is not):
 *
 *     {"key": TEXT, "value": JSON or TEXT, "headers": {NAME: TEXT}, "properties": {NAME: TEXT}}
 *
 * Bytes that are no text are `{"base64":"…"}`, a system's typed values `{"type":"int32","value":"7"}`, as in the lossless record.
 * What an edit does not name stays byte for byte, also within a value of JSON.
 */
import { isUtf8 } from 'node:buffer';
import { isDeepStrictEqual } from 'node:util';

import type { Operation as PatchOperation, applyPatch } from 'fast-json-patch';

import { FailedError, UsageError, errorText } from '../errors.ts';
import type { Header, HeaderValue, OutgoingMessage, PropertyValue } from '../message/message.ts';
import { jsonOf } from '../message/json.ts';
import { parseBytes, parseProperty, parseValue } from '../message/record-parser.ts';
import { addAt, isListAt, removeAt, replaceAt, valueAt } from './json-text.ts';

const operationNames = ['add', 'remove', 'replace', 'move', 'copy', 'test', 'set'] as const;
const places = ['key', 'value', 'headers', 'properties'] as const;

/** One step. `path` and `from` are JSON Pointers; `json` is the value's own text, so that no number is rounded. */
export interface EditStep {
  readonly op: (typeof operationNames)[number];
  readonly path: string;
  readonly json: string | null;
  readonly from: string | null;
}

/** Steps that are done one after the other; where one of them does not fit a message, none is done. */
export type Edit = readonly EditStep[];

/** What an edit did at one place; null: nothing was there, or nothing is now. Cut for people. */
export interface Change {
  readonly path: string;
  readonly before: string | null;
  readonly after: string | null;
}

export interface Edited {
  readonly message: OutgoingMessage;
  readonly changes: readonly Change[];
}

/** `value.total=7`, `headers.region=eu`, `key=k7`, `/value/a~1b=null`. Throws `UsageError`. */
export function parseSet(text: string): EditStep {
  const equals = text.indexOf('=');
  if (equals < 1)
    throw new UsageError(`--set ${JSON.stringify(text)} has no path and value`, {
      hint: 'write --set value.total=7, --set headers.region=eu or --set key=k7',
    });
  const [path, value] = [text.slice(0, equals), text.slice(equals + 1)];
  const pointer = path.startsWith('/') ? path : pointerOfDotted(path);
  const tokens = tokensOf(pointer, path);
  const isJson = tokens[0] === 'value' && tokens.length > 1 && isJsonText(value);
  return { op: 'set', path: pointer, json: isJson ? value : JSON.stringify(value), from: null };
}

/** A header or property may have dots in its name, a member of a value has none here: `/value/…` says those. */
function pointerOfDotted(path: string): string {
  const dot = path.indexOf('.');
  const place = dot < 0 ? path : path.slice(0, dot);
  if (dot < 0) return `/${escaped(place)}`;
  const rest = path.slice(dot + 1);
  const names = place === 'value' ? rest.split('.') : [rest];
  return `/${[place, ...names].map(escaped).join('/')}`;
}

/** The whole value replaced by these bytes: what an editor gives back. */
export function replaceValue(bytes: Uint8Array): Edit {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const json = isUtf8(text)
    ? JSON.stringify(text.toString('utf8'))
    : JSON.stringify({ base64: text.toString('base64') });
  return [{ op: 'set', path: '/value', json, from: null }];
}

/** One step in words, cut for people: `/value/total becomes 7`. */
export function stepText({ op, path, json, from }: EditStep): string {
  switch (op) {
    case 'remove':
      return `${path} is removed`;
    case 'move':
      return `${from ?? ''} is moved to ${path}`;
    case 'copy':
      return `${from ?? ''} is copied to ${path}`;
    case 'test':
      return `${path} has to be ${cut(json) ?? ''}`;
    case 'add':
      return `${path} is added: ${cut(json) ?? ''}`;
    case 'replace':
    case 'set':
      return `${path} becomes ${cut(json) ?? ''}`;
  }
}

/** As a plan keeps it. */
export function editText(edit: Edit): string {
  return JSON.stringify(edit.map(({ op, path, json, from }) => [op, path, json, from]));
}

/** Reads what `editText` wrote; null where it is none of ours. */
export function parseEditText(text: string): Edit | null {
  const steps: unknown = isJsonText(text) ? JSON.parse(text) : null;
  if (!Array.isArray(steps)) return null;
  const edit: EditStep[] = [];
  for (const step of steps) {
    const parts: readonly unknown[] = Array.isArray(step) ? step : [];
    const op = operationNames.find((name) => name === parts[0]);
    const [, path, json, from] = parts;
    if (op === undefined || typeof path !== 'string' || !isTextOrNull(json) || !isTextOrNull(from))
      return null;
    edit.push({ op, path, json, from });
  }
  return edit;
}

/** Reads patches and does edits. The library behind it is loaded only when something is edited. */
export class Editor {
  readonly #applyPatch: typeof applyPatch;

  private constructor(apply: typeof applyPatch) {
    this.#applyPatch = apply;
  }

  static async load(): Promise<Editor> {
    return new Editor((await import('fast-json-patch')).default.applyPatch);
  }

  /** A file of JSON Patch. Throws `UsageError` that says what is wrong with it. */
  parsePatch(text: string): Edit {
    let operations: unknown;
    try {
      operations = JSON.parse(text);
    } catch (error) {
      throw new UsageError(`the patch is not JSON: ${errorText(error)}`);
    }
    if (!Array.isArray(operations))
      throw new UsageError('the patch is no list of operations', {
        hint: 'write [{"op":"replace","path":"/value/total","value":7}]',
      });
    const given: readonly unknown[] = operations;
    return given.map((operation, index) => this.#parseOperation(text, operation, index));
  }

  #parseOperation(text: string, operation: unknown, index: number): EditStep {
    const where = `operation ${(index + 1).toString()} of the patch`;
    const fields: ReadonlyMap<string, unknown> = new Map(Object.entries(operation ?? {}));
    const op = operationNames.find((name) => name === fields.get('op') && name !== 'set');
    const path = fields.get('path');
    const from = fields.get('from') ?? null;
    if (op === undefined) throw new UsageError(`${where}: "op" is none of RFC 6902`);
    if (typeof path !== 'string' || !isTextOrNull(from))
      throw new UsageError(`${where}: "path" and "from" are JSON pointers`);
    const json = valueAt(text, [index.toString(), 'value']);
    if ((op === 'add' || op === 'replace' || op === 'test') && json === null)
      throw new UsageError(`${where}: "value" is missing`);
    if ((op === 'move' || op === 'copy') && from === null)
      throw new UsageError(`${where}: "from" is missing`);
    const step = { op, path, json, from: op === 'move' || op === 'copy' ? from : null };
    for (const pointer of [path, ...(step.from === null ? [] : [step.from])]) tokensOf(pointer, where);
    return step;
  }

  /** Throws `FailedError` with code `EDIT` where the message is not as the edit expects it. */
  apply(message: OutgoingMessage, edit: Edit): Edited {
    let edited = message;
    const changes: Change[] = [];
    for (const step of edit) {
      const before = shownAt(edited, step.path);
      edited = this.#step(edited, step);
      const after = shownAt(edited, step.path);
      if (step.op !== 'test' && before !== after) changes.push({ path: step.path, before, after });
      if (step.op === 'move' && step.from !== null)
        changes.push({ path: step.from, before: after, after: shownAt(edited, step.from) });
    }
    return { message: edited, changes };
  }

  #step(message: OutgoingMessage, step: EditStep): OutgoingMessage {
    const [place, ...rest] = tokensOf(step.path, 'a plan');
    if (step.from !== null && (place !== 'value' || tokensOf(step.from, 'a plan')[0] !== 'value'))
      throw misfit(step, 'moving and copying goes on within the value only');
    switch (place) {
      case 'key':
        return { ...message, key: wholeBytes(message.key, step, rest) };
      case 'value':
        return rest.length === 0 && step.from === null
          ? { ...message, value: wholeBytes(message.value, step, rest) }
          : { ...message, value: this.#within(message.value, step, rest) };
      case 'headers':
        return { ...message, headers: withHeader(message.headers, step, rest) };
      case 'properties':
        return { ...message, properties: withProperty(message.properties, step, rest) };
      case undefined:
      default:
        throw misfit(step, 'there is no such place');
    }
  }

  /** The library says what the value must become; the text is changed in that one place, and both have to agree. */
  #within(value: Uint8Array | null, step: EditStep, path: readonly string[]): Uint8Array {
    const text = value === null ? null : jsonTextOf(value);
    if (text === null) throw misfit(step, 'the value is no JSON, or nests too deeply');
    const op = step.op === 'set' ? setOperation(text, path) : step.op;
    const from = step.from === null ? [] : tokensOf(step.from, 'a plan').slice(1);
    const document: unknown = JSON.parse(text);
    const operation = operationOf({ ...step, op }, pointerOf(path), pointerOf(from));
    let expected: unknown;
    try {
      expected = this.#applyPatch(document, [operation], true, true).newDocument;
    } catch (error) {
      throw misfit(step, (errorText(error).split('\n')[0] ?? '').trim());
    }
    const changed = changedText(text, { ...step, op }, path, from);
    if (changed === null || !isJsonText(changed) || !isDeepStrictEqual(JSON.parse(changed), expected))
      throw misfit(step, 'that place cannot be changed alone');
    return Buffer.from(changed, 'utf8');
  }
}

/** A member or an item that is there is replaced, else added; behind the last item with `-`. */
function setOperation(text: string, path: readonly string[]): 'add' | 'replace' {
  const there = valueAt(text, path) !== null;
  return there && isListAt(text, path.slice(0, -1)) ? 'replace' : 'add';
}

function operationOf({ op, json }: EditStep, path: string, from: string): PatchOperation {
  const value: unknown = json === null ? undefined : JSON.parse(json);
  switch (op) {
    case 'remove':
      return { op, path };
    case 'move':
    case 'copy':
      return { op, path, from };
    case 'set':
      return { op: 'add', path, value };
    case 'add':
    case 'replace':
    case 'test':
      return { op, path, value };
  }
}

function changedText(
  text: string,
  { op, json }: EditStep,
  path: readonly string[],
  from: readonly string[],
): string | null {
  switch (op) {
    case 'test':
      return text;
    case 'remove':
      return removeAt(text, path);
    case 'replace':
      return replaceAt(text, path, json ?? 'null');
    case 'add':
    case 'set':
      return addAt(text, path, json ?? 'null');
    case 'copy':
    case 'move': {
      const moved = valueAt(text, from);
      const rest = op === 'move' ? removeAt(text, from) : text;
      return moved === null || rest === null ? null : addAt(rest, path, moved);
    }
  }
}

/** The key, or the whole value. */
function wholeBytes(before: Uint8Array | null, step: EditStep, rest: readonly string[]): Uint8Array | null {
  if (rest.length > 0) throw misfit(step, 'a key has no parts');
  if (step.op === 'remove') return null;
  const after = bytesOf(step);
  if (step.op !== 'test') return after;
  if (!isDeepStrictEqual(before === null ? null : Buffer.from(before), after))
    throw misfit(step, 'it is another one');
  return before;
}

function bytesOf(step: EditStep): Buffer | null {
  const value: unknown = JSON.parse(step.json ?? 'null');
  const isRecord = typeof value === 'string' || value === null || isBase64(value);
  // A value of JSON is its text.
  return isRecord ? parsed(step, () => parseBytes(value, step.path)) : Buffer.from(step.json ?? '', 'utf8');
}

function withHeader(headers: readonly Header[], step: EditStep, rest: readonly string[]): readonly Header[] {
  const [name] = rest;
  if (name === undefined || rest.length > 1) throw misfit(step, 'headers are changed one by one, by name');
  const there = headers.filter((header) => header.name === name);
  const [header] = there;
  if (there.length > 1)
    throw misfit(step, `it is there ${there.length.toString()} times: no one can say which is meant`);
  if (header === undefined) {
    if (step.op !== 'set' && step.op !== 'add') throw misfit(step, 'there is no such header');
    return [...headers, { name, value: headerValueOf(step, null) }];
  }
  if (step.op === 'remove') return headers.filter((each) => each !== header);
  const value = headerValueOf(step, header.value);
  if (step.op === 'test') {
    if (!isDeepStrictEqual(plain(value), plain(header.value))) throw misfit(step, 'it is another one');
    return headers;
  }
  return headers.map((each) => (each === header ? { ...header, value } : each));
}

function plain(value: HeaderValue | PropertyValue): unknown {
  return value instanceof Uint8Array ? Buffer.from(value) : value;
}

function headerValueOf(step: EditStep, before: HeaderValue): HeaderValue {
  const value = scalarOf(step);
  if (typeof value === 'string') return sameType(value, before) ?? Buffer.from(value, 'utf8');
  return parsed(step, () => parseValue(value, step.path, 0));
}

function withProperty(
  properties: OutgoingMessage['properties'],
  step: EditStep,
  rest: readonly string[],
): OutgoingMessage['properties'] {
  const [name] = rest;
  if (name === undefined || rest.length > 1) throw misfit(step, 'properties are changed one by one, by name');
  const before = Object.hasOwn(properties, name) ? properties[name] : undefined;
  if (before === undefined && step.op !== 'set' && step.op !== 'add')
    throw misfit(step, 'there is no such property');
  if (step.op === 'remove')
    return Object.fromEntries(Object.entries(properties).filter(([each]) => each !== name));
  const value = scalarOf(step);
  const after: PropertyValue =
    typeof value === 'string'
      ? (sameType(value, before ?? null) ?? value)
      : parsed(step, () => parseProperty(value, step.path));
  if (step.op !== 'test') return { ...properties, [name]: after };
  if (!isDeepStrictEqual(plain(after), plain(before ?? null))) throw misfit(step, 'it is another one');
  return properties;
}

/** A number or a truth value by its own text; else what the JSON says. */
function scalarOf(step: EditStep): unknown {
  const value: unknown = JSON.parse(step.json ?? 'null');
  return typeof value === 'number' || typeof value === 'boolean' ? (step.json ?? '').trim() : value;
}

/** What the system typed keeps its type. */
function sameType(
  text: string,
  before: HeaderValue | PropertyValue,
): { readonly type: string; readonly value: string } | null {
  const typed =
    before !== null && typeof before === 'object' && !(before instanceof Uint8Array) && 'type' in before;
  return typed && typeof before.value === 'string' ? { type: before.type, value: text } : null;
}

function isBase64(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).join() === 'base64';
}

function parsed<Value>(step: EditStep, parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    throw misfit(step, errorText(error));
  }
}

const shownAtMost = 200;

/** What is at a place, for people. */
function shownAt({ key, value, headers, properties }: OutgoingMessage, pointer: string): string | null {
  const [place, ...rest] = tokensOf(pointer, 'a plan');
  const [name = ''] = rest;
  if (place === 'key') return shown(key);
  if (place === 'headers') return shown(headers.findLast((header) => header.name === name)?.value ?? null);
  if (place === 'properties') return shown(properties[name] ?? null);
  if (rest.length === 0) return shown(value);
  const text = value === null ? null : jsonTextOf(value);
  return text === null ? null : cut(valueAt(text, rest));
}

function shown(value: HeaderValue | PropertyValue): string | null {
  if (value === null || typeof value === 'string') return cut(value);
  if (value instanceof Uint8Array)
    return isUtf8(value)
      ? cut(Buffer.from(value.subarray(0, 4 * shownAtMost)).toString('utf8'))
      : `${value.length.toString()} bytes`;
  return 'type' in value && typeof value.value === 'string' ? cut(value.value) : '…';
}

function cut(text: string | null): string | null {
  return text === null || text.length <= shownAtMost ? text : `${text.slice(0, shownAtMost)}…`;
}

function misfit({ path }: EditStep, why: string): FailedError {
  return new FailedError(`the edit of ${path} does not fit: ${why}`, { code: 'EDIT' });
}

/** Throws `UsageError` for what is no pointer to a place that can be edited. */
function tokensOf(pointer: string, where: string): readonly string[] {
  const tokens = pointer.split('/').map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  const place = places.find((known) => known === tokens[1]);
  if (tokens[0] !== '' || place === undefined)
    throw new UsageError(`${where}: ${JSON.stringify(pointer)} is no place of a message`, {
      hint: 'a path begins with key, value, headers or properties: /value/total, /headers/region',
    });
  return tokens.slice(1);
}

function pointerOf(tokens: readonly string[]): string {
  return tokens.map((token) => `/${escaped(token)}`).join('');
}

function escaped(token: string): string {
  return token.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** null where it is no JSON, or nests so deeply that walking it would run out of stack. */
function jsonTextOf(value: Uint8Array): string | null {
  return jsonOf(value) === undefined ? null : Buffer.from(value).toString('utf8');
}

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string';
}
