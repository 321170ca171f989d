/**
 * What Confluent's registry takes a JSON Schema for. It does not compare keywords but parts of one kind each: what is said
 * of objects is one part, what is said of text another, every `anyOf` one, a condition one. A schema with several parts is
 * the `allOf` of them, so a part more or less is a change of its own, whatever it says.
 */
import type { JsonValue } from '../../message/record.ts';
import { pointerTo } from '../json-pointer.ts';
import {
  isList,
  isObject,
  isSchema,
  resolveReference,
  type Draft,
  type JsonObject,
  type JsonSchema,
  type SchemaDocument,
} from './document.ts';

/** A schema at its place. */
export interface Part {
  readonly schema: JsonSchema;
  readonly root: JsonSchema;
  readonly pointer: string;
}

export type Criterion = 'allOf' | 'anyOf' | 'oneOf';

/** What one part of a schema is; `keywords` is the object that says it. */
export type Kind =
  | { readonly kind: 'empty' | 'false'; readonly at: Part }
  | {
      readonly kind:
        | 'enum'
        | 'const'
        | 'not'
        | 'conditional'
        | 'object'
        | 'array'
        | 'number'
        | 'string'
        | 'boolean'
        | 'null';
      readonly at: Part;
      readonly keywords: JsonObject;
    }
  | {
      readonly kind: 'combined';
      readonly at: Part;
      readonly criterion: Criterion;
      readonly members: readonly (Kind | Part)[];
    };

/** A part within another; `path` has the keys and indexes that lead to it, unescaped. What is no schema accepts everything. */
export function part(of: Part, schema: JsonValue | undefined, ...path: readonly (string | number)[]): Part {
  return {
    schema: isSchema(schema) ? schema : true,
    root: of.root,
    pointer: path.reduce<string>((pointer, token) => pointerTo(pointer, token), of.pointer),
  };
}

/** References are followed; one that leads nowhere says nothing. */
export function kindOf(document: SchemaDocument, given: Part): Kind {
  const at = followed(document, given);
  const { schema } = at;
  if (schema === true) return { kind: 'empty', at };
  if (schema === false) return { kind: 'false', at };
  const members = partsOf(schema, at, document.draft);
  const [only] = members;
  if (only === undefined) return { kind: 'empty', at };
  return members.length === 1 && 'kind' in only
    ? only
    : { kind: 'combined', at, criterion: 'allOf', members };
}

/** A `$ref` alone in its schema is what it leads to. Before 2019-09 every one is, by the specification. */
function followed(document: SchemaDocument, given: Part): Part {
  let found = given;
  for (let steps = 0; steps < 20; steps += 1) {
    const { schema } = found;
    if (!isObject(schema) || typeof schema['$ref'] !== 'string') break;
    const alone = partsOf(schema, found, document.draft).length === 1;
    const target = alone ? resolveReference(document, found.root, schema['$ref']) : null;
    if (target === null) break;
    found = target;
  }
  return found;
}

function partsOf(schema: JsonObject, at: Part, draft: Draft): readonly (Kind | Part)[] {
  const has = (keyword: string): boolean => keyword in schema;
  const one = (kind: Exclude<Kind['kind'], 'empty' | 'false' | 'combined'>): Kind => ({
    kind,
    at,
    keywords: schema,
  });
  const found: (Kind | Part)[] = [];
  if (typeof schema['$ref'] === 'string') found.push({ ...at, schema: { $ref: schema['$ref'] } });
  if (has('enum')) found.push(one('enum'));
  for (const criterion of ['allOf', 'anyOf', 'oneOf'] as const) {
    const options = schema[criterion];
    if (isList(options))
      found.push({
        kind: 'combined',
        at,
        criterion,
        members: options.map((option, index) => part(at, option, criterion, index)),
      });
  }
  if (has('not')) found.push(one('not'));
  if (has('const') && draft !== 'draft-04') found.push(one('const'));
  const { type } = schema;
  const types = (isList(type) ? type : [type]).flatMap((name) => typeKinds.get(name ?? null) ?? []);
  if (isList(type))
    found.push({ kind: 'combined', at, criterion: 'anyOf', members: typed(schema, at, type) });
  else found.push(...types.map(one));
  // What the type does not speak of is a part of its own: `minimum` beside "object".
  for (const kind of ['array', 'object', 'number', 'string'] as const)
    if (!types.includes(kind) && keywordsOf(kind, draft).some(has)) found.push(one(kind));
  if (!draftsWithoutConditions.has(draft) && ['if', 'then', 'else'].some(has)) found.push(one('conditional'));
  return found;
}

function typed(schema: JsonObject, at: Part, types: readonly JsonValue[]): readonly Kind[] {
  return types.flatMap((type): Kind[] => {
    const kind = typeKinds.get(type);
    return kind === undefined ? [] : [{ kind, at, keywords: { ...schema, type } }];
  });
}

const typeKinds: ReadonlyMap<JsonValue, 'object' | 'array' | 'number' | 'string' | 'boolean' | 'null'> =
  new Map([
    ['object', 'object'],
    ['array', 'array'],
    ['number', 'number'],
    ['integer', 'number'],
    ['string', 'string'],
    ['boolean', 'boolean'],
    ['null', 'null'],
  ]);

const draftsWithoutConditions: ReadonlySet<Draft> = new Set(['draft-04', 'draft-06']);

/** Drafts from 2019-09 are read by another parser of the registry, which knows their keywords. */
export function isRecent(draft: Draft): boolean {
  return draft === '2019-09' || draft === '2020-12';
}

function keywordsOf(kind: 'array' | 'object' | 'number' | 'string', draft: Draft): readonly string[] {
  const [always, sinceDraft6, recent] = keywords[kind];
  return [...always, ...(draft === 'draft-04' ? [] : sinceDraft6), ...(isRecent(draft) ? recent : [])];
}

const keywords: Readonly<
  Record<
    'array' | 'object' | 'number' | 'string',
    readonly [always: readonly string[], sinceDraft6: readonly string[], recent: readonly string[]]
  >
> = {
  array: [
    ['items', 'additionalItems', 'minItems', 'maxItems', 'uniqueItems'],
    ['contains'],
    ['prefixItems', 'unevaluatedItems'],
  ],
  object: [
    [
      'properties',
      'required',
      'minProperties',
      'maxProperties',
      'dependencies',
      'patternProperties',
      'additionalProperties',
    ],
    ['propertyNames'],
    ['dependentRequired', 'dependentSchemas', 'unevaluatedProperties'],
  ],
  number: [['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'], [], []],
  string: [['minLength', 'maxLength', 'pattern'], [], []],
};
