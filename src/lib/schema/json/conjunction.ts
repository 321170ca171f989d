/** What is known of a value that several schemas accept: its types, its sizes, its names, the values themselves. */
import { isDeepStrictEqual } from 'node:util';

import type { JsonValue } from '../../message/record.ts';
import { pointerTo } from '../json-pointer.ts';
import { isList, isObject, isSchema, type JsonObject, type JsonSchema } from './document.ts';
import { boundsOf, type Bounds } from './number-bounds.ts';

/** A schema at its place. */
export interface Node {
  readonly schema: JsonSchema;
  readonly root: JsonSchema;
  readonly pointer: string;
}

/** A value that all of these schemas accept. */
export type Conjunction = readonly Node[];

const jsonTypes = ['null', 'boolean', 'integer', 'fraction', 'string', 'array', 'object'] as const;
/** `number` is two: whole ones and the rest. */
export type JsonType = (typeof jsonTypes)[number];

interface ArrayShape {
  readonly prefix: readonly Node[];
  readonly prefixKeyword: string;
  readonly rest: Node | null;
  readonly restKeyword: string;
}

/** Older drafts have a list in `items` and the rest in `additionalItems`, newer ones `prefixItems` and the rest in `items`. */
export function arrayShape(node: Node): ArrayShape {
  const none = { prefix: [], prefixKeyword: 'prefixItems', rest: null, restKeyword: 'items' };
  if (!isObject(node.schema)) return none;
  const { items, prefixItems, additionalItems } = node.schema;
  const listOf = (list: readonly JsonValue[], keyword: string) =>
    list.flatMap((member, index) => (isSchema(member) ? [child(node, member, keyword, index)] : []));
  if (isList(items))
    return {
      prefix: listOf(items, 'items'),
      prefixKeyword: 'items',
      rest: isSchema(additionalItems) ? child(node, additionalItems, 'additionalItems') : null,
      restKeyword: 'additionalItems',
    };
  return {
    prefix: isList(prefixItems) ? listOf(prefixItems, 'prefixItems') : [],
    prefixKeyword: 'prefixItems',
    rest: isSchema(items) ? child(node, items, 'items') : null,
    restKeyword: 'items',
  };
}

/** How long a list of the writer can be, where nothing may come behind its positions. */
export function closedLength(branch: Conjunction): number {
  return Math.min(
    ...branch.map((node) => {
      const { prefix, rest } = arrayShape(node);
      return rest?.schema === false ? prefix.length : Infinity;
    }),
    Infinity,
  );
}

/** A schema within another; `path` has the keys and indexes that lead to it, unescaped. */
export function child(node: Node, schema: JsonSchema, ...path: readonly (string | number)[]): Node {
  return {
    schema,
    root: node.root,
    pointer: path.reduce<string>((pointer, token) => pointerTo(pointer, token), node.pointer),
  };
}

/** A value of which nothing is known, at the place of the first of the branch. */
export function anything(branch: Conjunction): Node {
  const [first] = branch;
  return { schema: true, root: first?.root ?? true, pointer: first?.pointer ?? '' };
}

/** A schema that accepts this type alone; it is a document of its own. */
export function typeNode(type: JsonType): Node {
  const schema = type === 'fraction' ? { type: 'number', not: { type: 'integer' } } : { type };
  return { schema, root: schema, pointer: '' };
}

/** A copy of the schema that lacks this keyword. */
export function without(schema: JsonObject, keyword: string): JsonObject {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => name !== keyword));
}

/** Keywords that say nothing about which values are valid; `format` and contents are taken as if they did. */
export const annotations: ReadonlySet<string> = new Set([
  '$schema',
  '$id',
  'id',
  '$anchor',
  '$comment',
  '$defs',
  'definitions',
  '$vocabulary',
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
  'minContains',
  'maxContains',
]);

export const numbers: readonly JsonType[] = ['integer', 'fraction'];
/** The types that a `type` keyword names, be it one or a list; `number` is both of its kinds. Empty: it names none. */
export function readerTypes(value: JsonValue | undefined): ReadonlySet<JsonType> {
  const names = isList(value) ? value : [value];
  return new Set(
    jsonTypes.filter((type) => names.includes(type) || (names.includes('number') && numbers.includes(type))),
  );
}

/** What a value of the branch can be. */
export function typesOf(branch: Conjunction): ReadonlySet<JsonType> {
  let types: ReadonlySet<JsonType> = new Set(jsonTypes);
  for (const { schema } of branch) {
    if (schema === false) return new Set();
    if (!isObject(schema)) continue;
    if ('type' in schema) types = types.intersection(readerTypes(schema['type']));
    if ('const' in schema) types = types.intersection(new Set([typeOf(schema['const'])]));
    if (isList(schema['enum'])) types = types.intersection(new Set(schema['enum'].map(typeOf)));
    const { not } = schema;
    // Only where nothing but the type is denied.
    if (
      isObject(not) &&
      'type' in not &&
      Object.keys(not).every((keyword) => keyword === 'type' || annotations.has(keyword))
    )
      types = types.difference(readerTypes(not['type']));
  }
  return types;
}

function typeOf(value: JsonValue | undefined): JsonType {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'fraction';
  return isList(value) ? 'array' : 'object';
}

/** The values of the branch, where they are listed; some may be none for another reason. */
export function finiteValues(branch: Conjunction): readonly JsonValue[] | null {
  let values: readonly JsonValue[] | null = null;
  for (const { schema } of branch) {
    if (!isObject(schema)) continue;
    const own =
      'const' in schema && schema['const'] !== undefined
        ? [schema['const']]
        : isList(schema['enum'])
          ? schema['enum']
          : null;
    if (own === null) continue;
    values =
      values === null ? own : values.filter((value) => own.some((other) => isDeepStrictEqual(value, other)));
  }
  return values === null ? null : values.filter((value) => branch.every((node) => mayAccept(node, value)));
}

/** False only where the simple keywords surely refuse the value. */
export function mayAccept({ schema }: Node, value: JsonValue): boolean {
  if (!isObject(schema)) return schema !== false;
  const simple = Object.fromEntries(
    Object.entries(schema).filter(([keyword]) => simpleKeywords.has(keyword)),
  );
  return simplyAccepts(simple, value);
}

const simpleKeywords: ReadonlySet<string> = new Set([
  'type',
  'const',
  'enum',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'required',
]);

/** Whether `acceptsSurely` knows every keyword that constrains. */
export function decidable(schema: JsonSchema): boolean {
  if (!isObject(schema)) return true;
  return (
    Object.entries(schema).every(([keyword]) => annotations.has(keyword) || simpleKeywords.has(keyword)) &&
    typeof schema['exclusiveMinimum'] !== 'boolean'
  );
}

/** Whether the value is valid, where the schema is `decidable`: keywords that are not simple are not looked at. */
export function acceptsSurely({ schema }: Node, value: JsonValue): boolean {
  if (!isObject(schema)) return schema;
  return simplyAccepts(schema, value);
}

function simplyAccepts(schema: JsonObject, value: JsonValue): boolean {
  if ('type' in schema && !readerTypes(schema['type']).has(typeOf(value))) return false;
  if ('const' in schema && !isDeepStrictEqual(schema['const'], value)) return false;
  if (isList(schema['enum']) && !schema['enum'].some((other) => isDeepStrictEqual(other, value)))
    return false;
  if (typeof value === 'number') return within(schema, value, 'minimum', 'maximum');
  if (typeof value === 'string') return within(schema, [...value].length, 'minLength', 'maxLength');
  if (isList(value)) return within(schema, value.length, 'minItems', 'maxItems');
  if (!isObject(value)) return true;
  const { required } = schema;
  return (
    within(schema, Object.keys(value).length, 'minProperties', 'maxProperties') &&
    (!isList(required) || required.every((name) => typeof name === 'string' && Object.hasOwn(value, name)))
  );
}

function within(schema: JsonObject, size: number, from: string, to: string): boolean {
  const [low, high] = [schema[from], schema[to]];
  return (typeof low !== 'number' || size >= low) && (typeof high !== 'number' || size <= high);
}

/** NaN where the keyword's value is no number: every comparison with it is false. */
export function amount(value: JsonValue | undefined): number {
  return typeof value === 'number' ? value : Number.NaN;
}

/** The largest number that any of the branch demands. */
export function most(branch: Conjunction, keyword: string): number {
  return Math.max(
    0,
    ...branch
      .map(({ schema }) => (isObject(schema) ? amount(schema[keyword]) : 0))
      .filter((number) => !Number.isNaN(number)),
  );
}

/** The smallest number that any of the branch demands; Infinity where none demands one. */
export function least(branch: Conjunction, keyword: string): number {
  return Math.min(
    Infinity,
    ...branch
      .map(({ schema }) => (isObject(schema) ? amount(schema[keyword]) : Infinity))
      .filter((number) => !Number.isNaN(number)),
  );
}

/** The names that any of the branch requires. */
export function requiredOf(branch: Conjunction): ReadonlySet<string> {
  return new Set(
    branch.flatMap(({ schema }) =>
      isObject(schema) && isList(schema['required'])
        ? schema['required'].filter((name) => typeof name === 'string')
        : [],
    ),
  );
}

/** The names that any of the branch has in its `properties`. */
export function namesOf(branch: Conjunction): ReadonlySet<string> {
  return new Set(
    branch.flatMap(({ schema }) =>
      isObject(schema) && isObject(schema['properties']) ? Object.keys(schema['properties']) : [],
    ),
  );
}

/** The names that an object can have, where one of the branch closes the list. */
export function closedNames(branch: Conjunction): ReadonlySet<string> | null {
  for (const { schema } of branch)
    if (
      isObject(schema) &&
      schema['additionalProperties'] === false &&
      !isObject(schema['patternProperties'])
    )
      return new Set(
        isObject(schema['properties'])
          ? Object.entries(schema['properties'])
              .filter(([, member]) => member !== false)
              .map(([name]) => name)
          : [],
      );
  return null;
}

/** Whether the pattern matches some part of the name; false where it is no regular expression. */
export function matches(pattern: string, name: string): boolean {
  return patternOf(pattern)?.test(name) ?? false;
}

/** As the validator takes it: by Unicode's rules where it follows them. */
function patternOf(pattern: string): RegExp | null {
  for (const flags of ['u', ''])
    try {
      return new RegExp(pattern, flags);
    } catch {
      continue;
    }
  return null;
}

function boundsOfAll(branch: Conjunction): Bounds {
  return boundsOf(branch.map(({ schema }) => schema).filter(isObject));
}

/**
 * Whether every number of the branch keeps to what the reader demands by `keyword`. `minimum` and `exclusiveMinimum` are looked
 * at together, so are the two of the maximum; any other keyword is taken for `multipleOf`. False: it is not proved.
 */
export function impliesBounds(branch: Conjunction, reader: JsonSchema, keyword: string): boolean {
  if (!isObject(reader)) return false;
  const own = boundsOfAll(branch);
  const demanded = boundsOf([reader]);
  const whole = !typesOf(branch).has('fraction');
  switch (keyword) {
    case 'minimum':
    case 'exclusiveMinimum':
      return (
        own.low > demanded.low ||
        (own.low === demanded.low && (own.lowOpen || !demanded.lowOpen)) ||
        (whole && demanded.lowOpen && own.low > demanded.low)
      );
    case 'maximum':
    case 'exclusiveMaximum':
      return own.high < demanded.high || (own.high === demanded.high && (own.highOpen || !demanded.highOpen));
    default:
      return demanded.multiples.every(
        (multiple) =>
          (whole && Number.isInteger(1 / multiple)) ||
          own.multiples.some(
            (written) => Number.isInteger(written) && Number.isInteger(multiple) && written % multiple === 0,
          ),
      );
  }
}

/** Bounds or sizes that no value can keep both. */
export function contradicts(branch: Conjunction, other: Conjunction): boolean {
  const both = [...branch, ...other];
  const types = typesOf(both);
  if (types.size === 0) return true;
  const every = (kinds: readonly JsonType[]) => [...types].every((type) => kinds.includes(type));
  const { low, high, lowOpen, highOpen } = boundsOfAll(both);
  if (every(numbers) && (low > high || (low === high && (lowOpen || highOpen)))) return true;
  if (every(['string']) && most(both, 'minLength') > least(both, 'maxLength')) return true;
  if (every(['array']) && most(both, 'minItems') > least(both, 'maxItems')) return true;
  return (
    every(['object']) &&
    Math.max(most(both, 'minProperties'), requiredOf(both).size) >
      Math.min(least(both, 'maxProperties'), closedNames(both)?.size ?? Infinity)
  );
}
