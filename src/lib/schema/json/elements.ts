import type { JsonValue } from '../../message/record.ts';
import type { SchemaElement } from '../engine.ts';
import { pointerTo } from '../json-pointer.ts';
import { isList, isObject, type JsonSchema } from './document.ts';

const mapsOfSchemas: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  'definitions',
  '$defs',
  'dependentSchemas',
]);
/** Of one schema, or a list of them. */
const schemas: ReadonlySet<string> = new Set([
  'items',
  'prefixItems',
  'additionalItems',
  'unevaluatedItems',
  'contains',
  'additionalProperties',
  'unevaluatedProperties',
  'propertyNames',
  'allOf',
  'anyOf',
  'oneOf',
  'not',
  'if',
  'then',
  'else',
]);

/** Each schema inside of the schema, by its pointer; it is described by the keywords that hold no other schema. */
export function jsonElements(schema: JsonSchema): readonly SchemaElement[] {
  const found: SchemaElement[] = [];
  visit(schema, '', found);
  return found;
}

function visit(schema: JsonValue, pointer: string, found: SchemaElement[]): void {
  if (!isObject(schema)) {
    found.push(elementOf(pointer, JSON.stringify(schema)));
    return;
  }
  const own = Object.entries(schema).filter(
    ([keyword]) => !mapsOfSchemas.has(keyword) && !schemas.has(keyword),
  );
  found.push(elementOf(pointer, JSON.stringify(Object.fromEntries(own.toSorted(byKeyword)))));
  for (const [keyword, value] of Object.entries(schema))
    for (const [steps, part] of insideOf(keyword, value))
      visit(
        part,
        steps.reduce((at: string, step) => pointerTo(at, step), pointer),
        found,
      );
}

function byKeyword([one]: readonly [string, JsonValue], [other]: readonly [string, JsonValue]): number {
  return one < other ? -1 : 1;
}

/** The schemas of a keyword, and the steps to each. */
function insideOf(keyword: string, value: JsonValue): (readonly [steps: readonly string[], JsonValue])[] {
  if (mapsOfSchemas.has(keyword) && isObject(value))
    return Object.entries(value).map(([name, part]) => [[keyword, name], part]);
  if (!schemas.has(keyword)) return [];
  return isList(value) ? value.map((part, at) => [[keyword, at.toString()], part]) : [[[keyword], value]];
}

function elementOf(key: string, description: string): SchemaElement {
  return { key, path: key === '' ? 'the whole' : key, description };
}
