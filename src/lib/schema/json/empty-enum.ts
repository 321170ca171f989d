/** An `enum` without values allows nothing. Newer drafts let it stand; ajv refuses it, so it is told to it in other words. */
import { isList, isObject, withSchemasInside, type JsonObject, type JsonSchema } from './document.ts';

/** A copy in which each empty `enum`, at any depth, is a `false` in the `allOf` beside it. */
export function withoutEmptyEnums(schema: JsonSchema): JsonSchema {
  return isObject(schema) ? rewritten(schema) : schema;
}

function rewritten(schema: JsonObject): JsonObject {
  const members = Object.entries(schema).map(
    ([keyword, value]) => [keyword, withSchemasInside(keyword, value, rewritten)] as const,
  );
  const values = schema['enum'];
  if (!isList(values) || values.length > 0) return Object.fromEntries(members);
  const others = Object.fromEntries(members.filter(([keyword]) => keyword !== 'enum'));
  const all = others['allOf'];
  return { ...others, allOf: [...(isList(all) ? all : []), false] };
}
