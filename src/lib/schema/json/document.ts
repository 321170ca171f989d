/** The JSON of a schema: the text read, the draft known, references found. No validation here. */
import { errorText } from '../../errors.ts';
import type { JsonValue } from '../../message/record.ts';
import type { SchemaReference, SchemaSource } from '../engine.ts';
import { InvalidSchemaError } from '../errors.ts';
import { placeOfOffset, tokensOf } from '../json-pointer.ts';

export type JsonObject = { readonly [name: string]: JsonValue };
/** A schema is an object of keywords, or true or false. */
export type JsonSchema = JsonObject | boolean;

/** In their order. */
export const drafts = ['draft-04', 'draft-06', 'draft-07', '2019-09', '2020-12'] as const;
export type Draft = (typeof drafts)[number];

/** The first draft that knows a keyword; the others all of them know. */
export const since: ReadonlyMap<string, Draft> = new Map([
  ['const', 'draft-06'],
  ['contains', 'draft-06'],
  ['propertyNames', 'draft-06'],
  ['if', 'draft-07'],
  ['then', 'draft-07'],
  ['else', 'draft-07'],
  ['$defs', '2019-09'],
  ['dependentRequired', '2019-09'],
  ['dependentSchemas', '2019-09'],
  ['minContains', '2019-09'],
  ['maxContains', '2019-09'],
  ['unevaluatedProperties', '2019-09'],
  ['unevaluatedItems', '2019-09'],
  ['prefixItems', '2020-12'],
]);

/** A larger one is refused: compiling would not end soon. */
const maxTextLength = 16 * 1024 * 1024;
/** Deeper nesting would exhaust the stack of every validator. */
const maxNesting = 512;

export interface SchemaDocument {
  readonly source: SchemaSource;
  readonly schema: JsonSchema;
  readonly draft: Draft;
  /** By the name that a `$ref` says, and by `$id`. */
  readonly others: ReadonlyMap<string, JsonSchema>;
}

/** Throws `InvalidSchemaError` with the place. */
export function readDocument(source: SchemaSource): SchemaDocument {
  const schema = readSchema(source);
  const others = new Map<string, JsonSchema>();
  const draft = draftOf(source, schema);
  collect(source.references, draft, others);
  return { source, schema: refsAlone(schema, draft), draft, others };
}

function readSchema(source: SchemaSource): JsonSchema {
  if (source.text.length > maxTextLength)
    throw new InvalidSchemaError(source.name, `it is larger than ${maxTextLength.toString()} characters`);
  let value: JsonValue;
  try {
    value = parseJson(source.text);
  } catch (thrown) {
    const offset = /position (\d+)/.exec(errorText(thrown))?.[1];
    const place = offset === undefined ? null : placeOfOffset(source.name, source.text, Number(offset));
    throw new InvalidSchemaError(source.name, errorText(thrown), place);
  }
  if (nestsTooDeep(value))
    throw new InvalidSchemaError(source.name, `it nests deeper than ${maxNesting.toString()}`);
  if (typeof value === 'boolean' || isObject(value)) return value;
  throw new InvalidSchemaError(source.name, 'a JSON Schema is an object, true or false');
}

const draftsWhereRefIsAlone: ReadonlySet<Draft> = new Set(['draft-04', 'draft-06', 'draft-07']);

/** Until draft-07 what stands beside a `$ref` means nothing; ajv would apply it. Definitions stay: pointers lead there. */
function refsAlone(schema: JsonSchema, draft: Draft): JsonSchema {
  if (!draftsWhereRefIsAlone.has(draft) || typeof schema === 'boolean') return schema;
  return withoutSiblings(schema);
}

/** Of a file that is referred to, its name stays too. */
function fileRefsAlone(schema: JsonSchema, draft: Draft): JsonSchema {
  const alone = refsAlone(schema, draft);
  if (typeof schema === 'boolean' || typeof alone === 'boolean') return schema;
  const named = Object.entries(schema).filter(([keyword]) => keyword === '$id' || keyword === 'id');
  return { ...Object.fromEntries(named), ...alone };
}

function withoutSiblings(schema: JsonObject): JsonObject {
  const alone = typeof schema['$ref'] === 'string';
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([keyword]) => !alone || ['$ref', 'definitions', '$defs', '$schema'].includes(keyword))
      .map(([keyword, value]) => [keyword, withSchemasInside(keyword, value, withoutSiblings)]),
  );
}

const mapsOfSchemas: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  'definitions',
  '$defs',
  'dependencies',
  'dependentSchemas',
]);

const plainData: ReadonlySet<string> = new Set(['enum', 'const', 'default', 'examples']);

/** The value of a keyword, with each schema directly inside of it changed; names of properties are no keywords, data stays. */
export function withSchemasInside(
  keyword: string,
  value: JsonValue,
  change: (schema: JsonObject) => JsonObject,
): JsonValue {
  if (plainData.has(keyword)) return value;
  const part = (member: JsonValue): JsonValue => (isObject(member) ? change(member) : member);
  if (isList(value)) return value.map(part);
  if (!isObject(value)) return value;
  if (!mapsOfSchemas.has(keyword)) return change(value);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, part(member)]));
}

/** Every keyword of a schema and of those inside of it; names of properties are none. */
export function keywordsOf(schema: JsonSchema): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (part: JsonObject): JsonObject => {
    for (const [keyword, value] of Object.entries(part)) {
      found.add(keyword);
      withSchemasInside(keyword, value, visit);
    }
    return part;
  };
  if (isObject(schema)) visit(schema);
  return found;
}

/** `draft` is that of files that say none. */
function collect(references: readonly SchemaReference[], draft: Draft, into: Map<string, JsonSchema>): void {
  for (const { name, source } of references) {
    if (into.has(name)) continue;
    const schema = readSchema(source);
    into.set(name, fileRefsAlone(schema, draftIn(saidDraft(schema)) ?? draft));
    collect(source.references, draft, into);
  }
}

const newest: ReadonlySet<Draft | undefined> = new Set(['2019-09', '2020-12']);

/** What says no draft is taken as draft-07, as registries take it, unless it uses keywords that only newer ones have. */
function draftOf(source: SchemaSource, schema: JsonSchema): Draft {
  const said = saidDraft(schema);
  if (said === undefined) {
    const newer = [...keywordsOf(schema)].some((keyword) => newest.has(since.get(keyword)));
    return newer ? '2020-12' : 'draft-07';
  }
  const draft = draftIn(said);
  if (draft !== undefined) return draft;
  throw new InvalidSchemaError(
    source.name,
    `its $schema ${JSON.stringify(said)} is no draft from 04 to 2020-12`,
  );
}

/** What `$schema` says; undefined: nothing. */
export function saidDraft(schema: JsonSchema): JsonValue | undefined {
  return isObject(schema) ? schema['$schema'] : undefined;
}

/** undefined: it is none of those that are known. */
export function draftIn(said: JsonValue | undefined): Draft | undefined {
  return typeof said === 'string' ? drafts.find((known) => said.includes(known)) : undefined;
}

/** Throws `SyntaxError` where the text is no JSON. */
export function parseJson(text: string): JsonValue {
  return asJson(JSON.parse(text));
}

/** `JSON.parse` gives JSON by its contract; only its type does not say so. */
function asJson(value: unknown): JsonValue {
  if (isJson(value)) return value;
  throw new TypeError('no JSON');
}

function isJson(value: unknown): value is JsonValue {
  return value === null || ['string', 'number', 'boolean', 'object'].includes(typeof value);
}

/** Whether it is a JSON object: no list, and not null. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether it is a JSON array. */
export function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** Whether it may be a schema: an object, true or false. Its keywords are not looked at. */
export function isSchema(value: JsonValue | undefined): value is JsonSchema {
  return typeof value === 'boolean' || isObject(value);
}

/** Without recursion, which a deep one would end. */
function nestsTooDeep(value: JsonValue): boolean {
  const left: { readonly value: JsonValue; readonly depth: number }[] = [{ value, depth: 0 }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (next.depth > maxNesting) return true;
    const members = isList(next.value) ? next.value : isObject(next.value) ? Object.values(next.value) : [];
    for (const member of members)
      if (typeof member === 'object') left.push({ value: member, depth: next.depth + 1 });
  }
  return false;
}

export interface Resolved {
  readonly schema: JsonSchema;
  /** The document that it stands in. */
  readonly root: JsonSchema;
  readonly pointer: string;
}

/** What a `$ref` leads to by pointer, by the plain name of an `$id` or anchor, or in a given reference; null for any other. */
export function resolveReference(
  document: SchemaDocument,
  root: JsonSchema,
  reference: string,
): Resolved | null {
  const hash = reference.indexOf('#');
  const base = hash < 0 ? reference : reference.slice(0, hash);
  const fragment = hash < 0 ? '' : reference.slice(hash + 1);
  const target = base === '' || base === idOf(root) ? root : otherByName(document, base);
  if (target === undefined || hasInnerBase(target)) return null;
  if (fragment === '') return { schema: target, root: target, pointer: '' };
  return fragment.startsWith('/') ? atPointer(target, fragment) : byAnchor(target, fragment);
}

/** Whether anything in it may refer to another document. */
export function refersOutside(root: JsonSchema): boolean {
  if (typeof root === 'boolean') return false;
  const known = outside.get(root);
  if (known !== undefined) return known;
  const found = /"\$(?:ref|dynamicRef|recursiveRef)":"(?!#)/.test(JSON.stringify(root));
  outside.set(root, found);
  return found;
}

/** It is asked of the same few documents at every step of a proof. */
const outside = new WeakMap<object, boolean>();

const innerBases = new WeakMap<object, boolean>();

/** A part with an `$id` of its own changes what references inside of it mean: then none is followed. */
function hasInnerBase(root: JsonSchema): boolean {
  if (typeof root === 'boolean') return false;
  const known = innerBases.get(root);
  if (known !== undefined) return known;
  let found = false;
  const left: JsonValue[] = Object.values(root);
  for (let next = left.pop(); next !== undefined && !found; next = left.pop()) {
    if (isObject(next) && idOf(next)?.startsWith('#') === false) found = true;
    if (typeof next === 'object' && next !== null) left.push(...Object.values(next));
  }
  innerBases.set(root, found);
  return found;
}

function otherByName(document: SchemaDocument, name: string): JsonSchema | undefined {
  return document.others.get(name) ?? [...document.others.values()].find((other) => idOf(other) === name);
}

/** `$id`, or the `id` of draft-04; null: it has none. */
export function idOf(schema: JsonSchema): string | null {
  const id = isObject(schema) ? (schema['$id'] ?? schema['id']) : undefined;
  return typeof id === 'string' ? id : null;
}

function atPointer(root: JsonSchema, fragment: string): Resolved | null {
  let value: JsonValue | undefined = root;
  let pointer: string;
  try {
    pointer = decodeURIComponent(fragment);
  } catch {
    return null;
  }
  for (const token of tokensOf(pointer)) {
    if (isList(value)) value = value[Number(token)];
    else if (isObject(value)) {
      // A base of its own changes what references inside mean.
      if (value !== root && typeof value['$id'] === 'string' && !value['$id'].startsWith('#')) return null;
      value = Object.hasOwn(value, token) ? value[token] : undefined;
    } else return null;
  }
  return isSchema(value) ? { schema: value, root, pointer } : null;
}

function byAnchor(root: JsonSchema, name: string): Resolved | null {
  const left: { readonly value: JsonValue; readonly pointer: string }[] = [{ value: root, pointer: '' }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { value, pointer } = next;
    if (
      isObject(value) &&
      (value['$id'] === `#${name}` || value['id'] === `#${name}` || value['$anchor'] === name)
    )
      return { schema: value, root, pointer };
    const members = isList(value) ? value.entries() : isObject(value) ? Object.entries(value) : [];
    for (const [key, member] of members)
      if (typeof member === 'object' && member !== null)
        left.push({
          value: member,
          pointer: `${pointer}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`,
        });
  }
  return null;
}
