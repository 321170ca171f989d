/** An `enum` without values allows nothing. Newer drafts let it stand; ajv refuses it, so it is told to it in other words. */
import type { JsonValue } from '../../message/record.ts';
import { isList, isObject, type JsonSchema } from './document.ts';

const plainData: ReadonlySet<string> = new Set(['enum', 'const', 'default', 'examples']);

/** A copy in which each empty `enum`, at any depth, is a `false` in the `allOf` beside it. */
export function withoutEmptyEnums(schema: JsonSchema): JsonSchema {
  return isObject(schema) ? rewritten(schema) : schema;
}

function rewritten(schema: { readonly [name: string]: JsonValue }): { readonly [name: string]: JsonValue } {
  const members = Object.entries(schema).map(([keyword, value]): [string, JsonValue] => [
    keyword,
    plainData.has(keyword) ? value : inside(value),
  ]);
  const values = schema['enum'];
  if (!isList(values) || values.length > 0) return Object.fromEntries(members);
  const others = Object.fromEntries(members.filter(([keyword]) => keyword !== 'enum'));
  const all = others['allOf'];
  return { ...others, allOf: [...(isList(all) ? all : []), false] };
}

function inside(value: JsonValue): JsonValue {
  if (isList(value)) return value.map(inside);
  return isObject(value) ? rewritten(value) : value;
}
