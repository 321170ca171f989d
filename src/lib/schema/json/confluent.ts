/**
 * The rules of Confluent's registry for JSON Schema in its strict policy, as far as objects, lists, numbers, text and
 * enums go. What it thinks of an object depends on its content model: open where anything may be added, closed where
 * nothing, partially open where only what a schema or a pattern says.
 */
import { isDeepStrictEqual } from 'node:util';

import type { JsonValue } from '../../message/record.ts';
import { pointerTo } from '../json-pointer.ts';
import {
  isList,
  isObject,
  isSchema,
  resolveReference,
  type JsonObject,
  type JsonSchema,
  type SchemaDocument,
} from './document.ts';

/** A change that the registry rejects. */
export interface ConfluentChange {
  readonly rule: string;
  readonly readerPointer: string;
  readonly writerPointer: string;
}

interface Part {
  readonly schema: JsonSchema;
  readonly root: JsonSchema;
  readonly pointer: string;
}

const maxDepth = 80;

export function confluentChanges(reader: SchemaDocument, writer: SchemaDocument): readonly ConfluentChange[] {
  return new ConfluentComparison(reader, writer).compare();
}

class ConfluentComparison {
  readonly #reader: SchemaDocument;
  readonly #writer: SchemaDocument;
  readonly #seen = new Set<string>();
  #found: ConfluentChange[] = [];

  constructor(reader: SchemaDocument, writer: SchemaDocument) {
    this.#reader = reader;
    this.#writer = writer;
  }

  compare(): readonly ConfluentChange[] {
    this.#schemas(
      { schema: this.#reader.schema, root: this.#reader.schema, pointer: '' },
      { schema: this.#writer.schema, root: this.#writer.schema, pointer: '' },
      0,
    );
    return this.#found;
  }

  #schemas(given: Part, original: Part, depth: number): void {
    const [update, before] = [this.#resolved(given, this.#reader), this.#resolved(original, this.#writer)];
    const pair = `${update.pointer} ${before.pointer}`;
    if (depth > maxDepth || this.#seen.has(pair) || isEmpty(update.schema) || before.schema === false) return;
    this.#seen.add(pair);
    if (!isObject(update.schema) || !isObject(before.schema)) {
      this.#reject('TYPE_CHANGED', update, before);
      return;
    }
    const [kind, kindBefore] = [kindOf(update.schema), kindOf(before.schema)];
    if (kind === 'combined' && kindBefore !== 'combined') {
      if (this.#isInSome(update, before, depth)) return;
      this.#reject('TYPE_CHANGED', update, before);
      return;
    }
    if (kind !== kindBefore) {
      this.#reject('TYPE_CHANGED', update, before);
      return;
    }
    if (kind === 'object') this.#objects(update.schema, before.schema, update, before, depth);
    else if (kind === 'array') this.#lists(update.schema, before.schema, update, before, depth);
    else if (kind === 'combined') this.#combined(update, before, depth);
    else if (kind === 'enum') this.#enums(update.schema, before.schema, update, before);
    for (const [keyword, wider] of limits) this.#limit(keyword, wider, update, before);
    if (update.schema['type'] === 'integer' && before.schema['type'] === 'number')
      this.#reject('TYPE_NARROWED', update, before);
    if (update.schema['pattern'] !== undefined && update.schema['pattern'] !== before.schema['pattern'])
      this.#reject(
        before.schema['pattern'] === undefined ? 'PATTERN_ADDED' : 'PATTERN_CHANGED',
        part(update, update.schema['pattern'], 'pattern'),
        before,
      );
    if (update.schema['uniqueItems'] === true && before.schema['uniqueItems'] !== true)
      this.#reject('UNIQUE_ITEMS_ADDED', update, before);
    this.#multiples(update, before);
  }

  #resolved(given: Part, document: SchemaDocument): Part {
    let found = given;
    for (
      let steps = 0;
      steps < 20 && isObject(found.schema) && typeof found.schema['$ref'] === 'string';
      steps += 1
    ) {
      const target = resolveReference(document, found.root, found.schema['$ref']);
      if (target === null) break;
      found = target;
    }
    return found;
  }

  /** Whether nothing would be rejected; what would be is not kept. */
  #isFine(update: Part, before: Part, depth: number): boolean {
    const kept = this.#found;
    this.#found = [];
    this.#schemas(update, before, depth + 1);
    const fine = this.#found.length === 0;
    this.#found = kept;
    return fine;
  }

  #isInSome(update: Part, before: Part, depth: number): boolean {
    const { criterion, parts } = combinedOf(update);
    const fine = parts.filter((option) => this.#isFine(option, before, depth));
    return criterion === 'allOf' ? parts.length === 1 && fine.length === 1 : fine.length > 0;
  }

  #objects(update: JsonObject, before: JsonObject, at: Part, was: Part, depth: number): void {
    const [now, then] = [objectOf(update['properties']), objectOf(before['properties'])];
    const required = listOf(update['required']);
    for (const name of Object.keys(then)) {
      const written = schemaPart(was, then[name], 'properties', name);
      const read = Object.hasOwn(now, name) ? schemaPart(at, now[name], 'properties', name) : null;
      if (read !== null) {
        if (required.includes(name) && !listOf(before['required']).includes(name) && !hasDefault(read.schema))
          this.#reject('REQUIRED_ATTRIBUTE_ADDED', part(at, update['required'] ?? null, 'required'), written);
        this.#schemas(read, written, depth + 1);
      } else if (!isOpen(update)) {
        const covering = coveringSchema(at, name);
        if (covering === null) {
          if (written.schema !== false)
            this.#reject('PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL', at, written);
        } else if (!this.#isFine(covering, written, depth))
          this.#reject('PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL', covering, written);
      }
    }
    for (const name of Object.keys(now)) {
      if (Object.hasOwn(then, name)) continue;
      const read = schemaPart(at, now[name], 'properties', name);
      if (isOpen(before)) {
        if (!isEmpty(read.schema)) this.#reject('PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL', read, was);
        continue;
      }
      const covering = coveringSchema(was, name);
      if (covering !== null && !this.#isFine(read, covering, depth))
        this.#reject('PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL', read, covering);
      if (required.includes(name) && !hasDefault(read.schema))
        this.#reject('REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL', read, was);
    }
    this.#rest('additionalProperties', 'ADDITIONAL_PROPERTIES', at, was, depth);
    this.#dependencies(update, before, at, was, depth);
  }

  #rest(keyword: string, name: string, at: Part, was: Part, depth: number): void {
    const [update, before] = [restOf(at, keyword), restOf(was, keyword)];
    if (update.schema === false) {
      if (before.schema !== false) this.#reject(`${name}_REMOVED`, update, before);
    } else if (before.schema !== false && update.schema !== true) {
      if (before.schema === true) this.#reject(`${name}_NARROWED`, update, before);
      else this.#schemas(update, before, depth + 1);
    }
  }

  #dependencies(update: JsonObject, before: JsonObject, at: Part, was: Part, depth: number): void {
    const [now, then] = [objectOf(update['dependencies']), objectOf(before['dependencies'])];
    for (const [name, dependency] of Object.entries(now)) {
      const here = part(at, dependency, 'dependencies', name);
      const old = then[name];
      if (isList(dependency)) {
        if (old === undefined) this.#reject('DEPENDENCY_ARRAY_ADDED', here, was);
        else if (isList(old) && !dependency.every((member) => old.includes(member)))
          this.#reject(
            old.every((member) => dependency.includes(member))
              ? 'DEPENDENCY_ARRAY_EXTENDED'
              : 'DEPENDENCY_ARRAY_CHANGED',
            here,
            was,
          );
      } else if (isSchema(old)) this.#schemas(here, part(was, old, 'dependencies', name), depth + 1);
      else this.#reject('DEPENDENCY_SCHEMA_ADDED', here, was);
    }
  }

  #lists(update: JsonObject, before: JsonObject, at: Part, was: Part, depth: number): void {
    const [all, allBefore] = [update['items'], before['items']];
    if (isSchema(all) && isSchema(allBefore))
      this.#schemas(part(at, all, 'items'), part(was, allBefore, 'items'), depth + 1);
    else if (isSchema(all) && allBefore === undefined && !isEmpty(all))
      this.#reject('SCHEMA_ADDED', part(at, all, 'items'), was);
    const [now, then] = [tupleOf(at), tupleOf(was)];
    for (let index = 0; index < Math.max(now.length, then.length); index += 1) {
      const [read, written] = [now[index], then[index]];
      if (read !== undefined && written !== undefined) this.#schemas(read, written, depth + 1);
      else if (read === undefined && written !== undefined) this.#itemRemoved(at, written, depth);
      else if (read !== undefined) this.#itemAdded(read, was, depth);
    }
    this.#rest('additionalItems', 'ADDITIONAL_ITEMS', at, was, depth);
  }

  #itemRemoved(at: Part, written: Part, depth: number): void {
    const rest = restOf(at, 'additionalItems');
    if (rest.schema === true) return;
    if (rest.schema === false) {
      if (written.schema !== false) this.#reject('ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL', rest, written);
    } else if (!this.#isFine(rest, written, depth))
      this.#reject('ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL', rest, written);
  }

  #itemAdded(read: Part, was: Part, depth: number): void {
    const rest = restOf(was, 'additionalItems');
    if (rest.schema === true) {
      if (!isEmpty(read.schema)) this.#reject('ITEM_ADDED_TO_OPEN_CONTENT_MODEL', read, was);
    } else if (rest.schema !== false && !this.#isFine(read, rest, depth))
      this.#reject('ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL', read, rest);
  }

  #combined(update: Part, before: Part, depth: number): void {
    const [now, then] = [combinedOf(update), combinedOf(before)];
    const widened = now.criterion === 'anyOf' || then.parts.length === 1;
    if (
      now.criterion !== then.criterion &&
      !(widened && (now.criterion !== 'allOf' || now.parts.length === 1))
    ) {
      this.#reject('COMBINED_TYPE_CHANGED', update, before);
      return;
    }
    if (
      now.criterion === 'allOf' ? now.parts.length > then.parts.length : now.parts.length < then.parts.length
    )
      this.#reject(now.criterion === 'allOf' ? 'PRODUCT_TYPE_EXTENDED' : 'SUM_TYPE_NARROWED', update, before);
    const free = new Set(now.parts);
    let matched = 0;
    for (const written of then.parts) {
      const match = [...free].find((read) => this.#isFine(read, written, depth));
      if (match === undefined) continue;
      free.delete(match);
      matched += 1;
    }
    if (matched < Math.min(now.parts.length, then.parts.length))
      this.#reject('COMBINED_TYPE_SUBSCHEMAS_CHANGED', update, before);
  }

  #enums(update: JsonObject, before: JsonObject, at: Part, was: Part): void {
    const [now, then] = [valuesOf(update), valuesOf(before)];
    const lost = then.filter((value) => !now.some((other) => isDeepStrictEqual(value, other)));
    if (lost.length === 0) return;
    const added = now.some((value) => !then.some((other) => isDeepStrictEqual(value, other)));
    this.#reject(added ? 'ENUM_ARRAY_CHANGED' : 'ENUM_ARRAY_NARROWED', at, was);
  }

  #limit(keyword: string, wider: 'up' | 'down', at: Part, was: Part): void {
    if (!isObject(at.schema) || !isObject(was.schema)) return;
    const [now, then] = [at.schema[keyword], was.schema[keyword]];
    if (typeof now !== 'number' || now === then) return;
    const name = keyword.replaceAll(/([A-Z])/g, '_$1').toUpperCase();
    const here = part(at, now, keyword);
    if (typeof then !== 'number') this.#reject(`${name}_ADDED`, here, was);
    else if (wider === 'up' ? now < then : now > then)
      this.#reject(`${name}_${wider === 'up' ? 'DECREASED' : 'INCREASED'}`, here, was);
  }

  #multiples(at: Part, was: Part): void {
    if (!isObject(at.schema) || !isObject(was.schema)) return;
    const [now, then] = [at.schema['multipleOf'], was.schema['multipleOf']];
    if (typeof now !== 'number' || now === then) return;
    const here = part(at, now, 'multipleOf');
    if (typeof then !== 'number') this.#reject('MULTIPLE_OF_ADDED', here, was);
    else if (then % now !== 0)
      this.#reject(now % then === 0 ? 'MULTIPLE_OF_EXPANDED' : 'MULTIPLE_OF_CHANGED', here, was);
  }

  #reject(rule: string, reader: Part, writer: Part): void {
    this.#found.push({ rule, readerPointer: reader.pointer, writerPointer: writer.pointer });
  }
}

const limits: readonly (readonly [keyword: string, wider: 'up' | 'down'])[] = [
  ['maxLength', 'up'],
  ['minLength', 'down'],
  ['maximum', 'up'],
  ['minimum', 'down'],
  ['exclusiveMaximum', 'up'],
  ['exclusiveMinimum', 'down'],
  ['maxProperties', 'up'],
  ['minProperties', 'down'],
  ['maxItems', 'up'],
  ['minItems', 'down'],
];

/** What the registry takes a schema for. A union of types is a combination there. */
function kindOf(schema: JsonObject): string {
  if (['anyOf', 'oneOf', 'allOf'].some((keyword) => keyword in schema) || isList(schema['type']))
    return 'combined';
  if ('enum' in schema || 'const' in schema) return 'enum';
  if ('not' in schema) return 'not';
  const { type } = schema;
  if (type === 'integer') return 'number';
  if (typeof type === 'string') return type;
  if (
    ['properties', 'required', 'additionalProperties', 'patternProperties'].some(
      (keyword) => keyword in schema,
    )
  )
    return 'object';
  if (['items', 'prefixItems', 'additionalItems'].some((keyword) => keyword in schema)) return 'array';
  return 'any';
}

function combinedOf(at: Part): { readonly criterion: string; readonly parts: readonly Part[] } {
  const { schema } = at;
  if (!isObject(schema)) return { criterion: 'anyOf', parts: [] };
  const criterion = ['allOf', 'anyOf', 'oneOf'].find((keyword) => keyword in schema);
  if (criterion !== undefined)
    return {
      criterion,
      parts: listOf(schema[criterion]).map((member, index) => schemaPart(at, member, criterion, index)),
    };
  return {
    criterion: 'anyOf',
    parts: listOf(schema['type']).map((type) => ({ ...at, schema: { ...schema, type } })),
  };
}

function part(of: Part, schema: JsonValue, ...path: readonly (string | number)[]): Part {
  return {
    schema: isSchema(schema) ? schema : true,
    root: of.root,
    pointer: path.reduce<string>((pointer, token) => pointerTo(pointer, token), of.pointer),
  };
}

function schemaPart(of: Part, schema: JsonValue | undefined, ...path: readonly (string | number)[]): Part {
  return part(of, schema ?? true, ...path);
}

function restOf(of: Part, keyword: string): Part {
  const rest = isObject(of.schema) ? of.schema[keyword] : undefined;
  return rest === undefined ? { ...of, schema: true } : part(of, rest, keyword);
}

function tupleOf(at: Part): readonly Part[] {
  const { schema } = at;
  if (!isObject(schema)) return [];
  const keyword = isList(schema['items']) ? 'items' : 'prefixItems';
  return listOf(schema[keyword]).map((member, index) => schemaPart(at, member, keyword, index));
}

function isOpen(schema: JsonObject): boolean {
  const rest = schema['additionalProperties'];
  return (
    Object.keys(objectOf(schema['patternProperties'])).length === 0 && (rest === undefined || rest === true)
  );
}

/** What a partially open content model says of a property that it does not name; null for a closed one. */
function coveringSchema(at: Part, name: string): Part | null {
  if (!isObject(at.schema)) return null;
  for (const [pattern, member] of Object.entries(objectOf(at.schema['patternProperties'])))
    if (matches(pattern, name)) return schemaPart(at, member, 'patternProperties', pattern);
  const rest = at.schema['additionalProperties'];
  return isObject(rest) ? part(at, rest, 'additionalProperties') : null;
}

function matches(pattern: string, name: string): boolean {
  try {
    return new RegExp(pattern).test(name);
  } catch {
    return false;
  }
}

function isEmpty(schema: JsonSchema): boolean {
  return (
    schema === true || (isObject(schema) && Object.keys(schema).every((keyword) => plainWords.has(keyword)))
  );
}

const plainWords: ReadonlySet<string> = new Set([
  '$schema',
  '$id',
  'id',
  '$comment',
  'title',
  'description',
  'default',
  'examples',
  'definitions',
  '$defs',
]);

function hasDefault(schema: JsonSchema): boolean {
  return isObject(schema) && 'default' in schema;
}

function valuesOf(schema: JsonObject): readonly JsonValue[] {
  return 'const' in schema ? [schema['const'] ?? null] : listOf(schema['enum']);
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {};
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return isList(value) ? value : [];
}
