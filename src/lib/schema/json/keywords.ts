/** What is known of each keyword: which values it is about, which neighbours change it, and when it implies itself. */
import { isDeepStrictEqual } from 'node:util';

import type { JsonValue } from '../../message/record.ts';
import { annotations, numbers, type JsonType, type Node } from './conjunction.ts';
import { isObject, type JsonObject } from './document.ts';

/** Their obligations are recorded where they are nested. */
export const nesting: ReadonlySet<string> = new Set([
  'allOf',
  '$ref',
  'properties',
  'patternProperties',
  'additionalProperties',
  'items',
  'prefixItems',
  'additionalItems',
  'propertyNames',
  'if',
]);

/** Keywords that constrain, and that no rule here proves but the same keyword. */
export const withoutRule: ReadonlySet<string> = new Set([
  'pattern',
  'format',
  'contentEncoding',
  'contentMediaType',
  'contentSchema',
  'unevaluatedProperties',
  'unevaluatedItems',
  '$dynamicRef',
  '$recursiveRef',
  '$recursiveAnchor',
  '$dynamicAnchor',
]);

export const keywordTypes: ReadonlyMap<string, readonly JsonType[]> = new Map<string, readonly JsonType[]>([
  ...(['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'] as const).map(
    (keyword) => [keyword, numbers] as const,
  ),
  ...(
    [
      'minLength',
      'maxLength',
      'pattern',
      'format',
      'contentEncoding',
      'contentMediaType',
      'contentSchema',
    ] as const
  ).map((keyword) => [keyword, ['string'] as const] as const),
  ...(
    [
      'items',
      'prefixItems',
      'additionalItems',
      'contains',
      'minItems',
      'maxItems',
      'uniqueItems',
      'unevaluatedItems',
    ] as const
  ).map((keyword) => [keyword, ['array'] as const] as const),
  ...(
    [
      'properties',
      'patternProperties',
      'additionalProperties',
      'propertyNames',
      'required',
      'minProperties',
      'maxProperties',
      'dependencies',
      'dependentRequired',
      'dependentSchemas',
      'unevaluatedProperties',
    ] as const
  ).map((keyword) => [keyword, ['object'] as const] as const),
]);

/** Whether any keyword is more than an annotation; one that is not known here is taken to be. */
export function constrains(schema: JsonObject): boolean {
  return Object.keys(schema).some((keyword) => !annotations.has(keyword));
}

/** Whether references that read the same lead to the same from both. */
export type SameReferences = (one: Node, other: Node) => boolean;

/** The same text means the same where it refers to nothing, or where what it refers to is the same. */
export function sameSchema(one: Node, other: Node, sameReferences: SameReferences): boolean {
  if (!isDeepStrictEqual(one.schema, other.schema)) return false;
  return isSelfContained(one.schema) || sameReferences(one, other);
}

function isSelfContained(value: JsonValue): boolean {
  return !JSON.stringify(value).includes('Ref"') && !JSON.stringify(value).includes('$ref"');
}

/** Keywords whose meaning depends on their neighbours. */
const neighbours: ReadonlyMap<string, readonly string[]> = new Map([
  ['additionalProperties', ['properties', 'patternProperties']],
  ['additionalItems', ['items']],
  ['items', ['prefixItems']],
  ['if', ['then', 'else']],
  ['contains', ['minContains', 'maxContains']],
  ['exclusiveMinimum', ['minimum']],
  ['exclusiveMaximum', ['maximum']],
  ['minimum', ['exclusiveMinimum']],
  ['maximum', ['exclusiveMaximum']],
]);

/** Whether both say the same by this keyword and by its neighbours. Never so for `unevaluated…` and for what begins with `$`. */
export function impliesBySameKeyword(
  writer: Node,
  reader: Node,
  keyword: string,
  sameReferences: SameReferences,
): boolean {
  if (
    !isObject(writer.schema) ||
    !isObject(reader.schema) ||
    keyword.startsWith('unevaluated') ||
    keyword.startsWith('$')
  )
    return false;
  const [own, other] = [writer.schema, reader.schema];
  const names = [keyword, ...(neighbours.get(keyword) ?? [])];
  return (
    names.every((name) => isDeepStrictEqual(own[name], other[name])) &&
    (names.every((name) => isSelfContained(own[name] ?? null)) || sameReferences(writer, reader))
  );
}
