/** A keyword that a draft does not know says nothing in it, whatever it says in a newer one. */
import { isObject, withSchemasInside, type Draft, type JsonObject, type SchemaDocument } from './document.ts';

const since2020: readonly string[] = ['prefixItems'];
const since2019: readonly string[] = [
  'dependentRequired',
  'dependentSchemas',
  'minContains',
  'maxContains',
  'unevaluatedProperties',
  'unevaluatedItems',
  '$recursiveRef',
  '$recursiveAnchor',
  '$dynamicRef',
  '$dynamicAnchor',
];

const unknownIn: Readonly<Record<Draft, ReadonlySet<string>>> = {
  'draft-04': new Set([...since2019, ...since2020]),
  'draft-06': new Set([...since2019, ...since2020]),
  'draft-07': new Set([...since2019, ...since2020]),
  '2019-09': new Set(since2020),
  '2020-12': new Set(),
};

/** A copy without what its draft does not know, as the validator reads it: referenced files by the draft of the whole. */
export function withKnownKeywords(document: SchemaDocument): SchemaDocument {
  const unknown = unknownIn[document.draft];
  if (unknown.size === 0) return document;
  const known = (schema: JsonObject): JsonObject =>
    Object.fromEntries(
      Object.entries(schema)
        .filter(([keyword]) => !unknown.has(keyword))
        .map(([keyword, value]) => [keyword, withSchemasInside(keyword, value, known)]),
    );
  return {
    ...document,
    schema: isObject(document.schema) ? known(document.schema) : document.schema,
    others: new Map(
      [...document.others].map(([name, other]) => [name, isObject(other) ? known(other) : other]),
    ),
  };
}
