/**
 * The rules of Confluent's registry for JSON Schema in its strict policy, those of its newest release: older ones do not look
 * at `unevaluatedProperties`, `unevaluatedItems`, `minContains` and `maxContains`. No release compares what stands in
 * `contains`, `propertyNames`, `if`, `then` and `else`: only that such a part came or went.
 *
 * What it thinks of an object or a list depends on the content model: open where anything may be added, closed where nothing,
 * partially open where only what a schema or a pattern says.
 */
import { isDeepStrictEqual } from 'node:util';

import type { JsonValue } from '../../message/record.ts';
import { isRecent, kindOf, part, type Kind, type Part } from './confluent-kinds.ts';
import {
  isList,
  isObject,
  isSchema,
  type JsonObject,
  type JsonSchema,
  type SchemaDocument,
} from './document.ts';
import { largestMatching } from './matching.ts';

/** A change that the registry rejects. */
export interface ConfluentChange {
  readonly rule: string;
  readonly readerPointer: string;
  readonly writerPointer: string;
}

export interface ConfluentVerdict {
  readonly changes: readonly ConfluentChange[];
  /** Not so where the schemas branch too much to compare every pair of parts. */
  readonly complete: boolean;
}

type KeywordKind = Extract<Kind, { readonly keywords: JsonObject }>['kind'];
type Combined = Extract<Kind, { readonly kind: 'combined' }>;

const maxDepth = 80;
const mostComparisons = 200_000;

/** What the registry rejects of `reader`, which is to follow `writer`. No changes: it accepts it, if the verdict is complete. */
export function confluentChanges(reader: SchemaDocument, writer: SchemaDocument): ConfluentVerdict {
  return new ConfluentComparison(reader, writer).compare();
}

class ConfluentComparison {
  readonly #reader: SchemaDocument;
  readonly #writer: SchemaDocument;
  /** Pairs that are being compared: a recursive schema comes to them again. */
  readonly #open = new Set<string>();
  readonly #fine = new Map<string, boolean>();
  /** How often a pair was met while it was being compared: a verdict that leans on that is not kept. */
  #recursions = 0;
  readonly #roots = new Map<JsonSchema, number>();
  #found: ConfluentChange[] = [];
  #comparisons = 0;

  constructor(reader: SchemaDocument, writer: SchemaDocument) {
    this.#reader = reader;
    this.#writer = writer;
  }

  compare(): ConfluentVerdict {
    const whole = ({ schema }: SchemaDocument): Part => ({ schema, root: schema, pointer: '' });
    this.#schemas(whole(this.#reader), whole(this.#writer));
    return { changes: this.#found, complete: this.#comparisons <= mostComparisons };
  }

  #schemas(given: Kind | Part, original: Kind | Part): void {
    this.#comparisons += 1;
    const update = 'kind' in given ? given : kindOf(this.#reader, given);
    const before = 'kind' in original ? original : kindOf(this.#writer, original);
    const pair = this.#key(update, before);
    if (this.#comparisons > mostComparisons) return;
    if (this.#open.size > maxDepth || this.#open.has(pair)) {
      this.#recursions += 1;
      return;
    }
    this.#open.add(pair);
    this.#kinds(update, before);
    this.#open.delete(pair);
  }

  #kinds(update: Kind, before: Kind): void {
    if (update.kind === 'combined' && before.kind !== 'combined') {
      const fine = update.members.some((option) => this.#isFine(option, before));
      if (fine && (update.criterion !== 'allOf' || update.members.length === 1)) return;
    } else if (before.kind === 'combined' && update.kind !== 'combined') {
      const fine = before.members.some((option) => this.#isFine(update, option));
      if (fine && (before.criterion === 'allOf' || before.members.length === 1)) return;
    }
    if (update.kind === 'combined' && before.kind === 'combined') this.#combined(update, before);
    else if (update.kind !== before.kind) {
      if (before.kind !== 'false' && update.kind !== 'empty')
        this.#reject('TYPE_CHANGED', update.at, before.at);
    } else if ('keywords' in update && 'keywords' in before)
      this.#keywords(update.kind, update.keywords, before.keywords, update.at, before.at);
  }

  #keywords(kind: KeywordKind, update: JsonObject, before: JsonObject, at: Part, was: Part): void {
    switch (kind) {
      case 'object':
        this.#objects(update, before, at, was);
        break;
      case 'array':
        this.#lists(update, before, at, was);
        break;
      case 'enum':
        this.#enums(listOf(update['enum']), listOf(before['enum']), at, was);
        break;
      case 'const':
        if (!isDeepStrictEqual(update['const'], before['const'])) this.#reject('ENUM_ARRAY_CHANGED', at, was);
        break;
      case 'not':
        // What was forbidden before has to contain what is forbidden now.
        if (!this.#isFineReversed(part(at, update['not'], 'not'), part(was, before['not'], 'not')))
          this.#reject('NOT_TYPE_EXTENDED', part(at, update['not'], 'not'), was);
        break;
      case 'number':
        if (update['type'] === 'integer' && before['type'] !== 'integer')
          this.#reject('TYPE_NARROWED', at, was);
        this.#multiples(update, before, at, was);
        break;
      case 'string':
        this.#pattern(update['pattern'], before['pattern'], at, was);
        break;
      case 'conditional':
      case 'boolean':
      case 'null':
    }
    for (const [keyword, wider] of limits.get(kind) ?? [])
      this.#limit(keyword, wider, update, before, at, was);
  }

  #key(update: Kind, before: Kind): string {
    const name = ({ kind, at }: Kind): string => {
      const root = this.#roots.get(at.root) ?? this.#roots.size;
      this.#roots.set(at.root, root);
      return `${kind} ${root.toString()}${at.pointer}`;
    };
    const criterion = update.kind === 'combined' ? update.criterion : '';
    return `${criterion} ${name(update)} ${name(before)}`;
  }

  /** Whether nothing would be rejected; what would be is not kept. */
  #isFine(given: Kind | Part, original: Kind | Part): boolean {
    const update = 'kind' in given ? given : kindOf(this.#reader, given);
    const before = 'kind' in original ? original : kindOf(this.#writer, original);
    const pair = this.#key(update, before);
    const known = this.#fine.get(pair);
    if (known !== undefined) return known;
    const [kept, recursions] = [this.#found, this.#recursions];
    this.#found = [];
    this.#schemas(update, before);
    const fine = this.#found.length === 0;
    this.#found = kept;
    if (this.#recursions === recursions) this.#fine.set(pair, fine);
    return fine;
  }

  #isFineReversed(update: Part, before: Part): boolean {
    const reversed = new ConfluentComparison(this.#writer, this.#reader);
    const fine = reversed.#isFine(before, update);
    this.#comparisons += reversed.#comparisons;
    return fine;
  }

  #objects(update: JsonObject, before: JsonObject, at: Part, was: Part): void {
    const [now, then] = [objectOf(update['properties']), objectOf(before['properties'])];
    const [required, requiredBefore] = [listOf(update['required']), listOf(before['required'])];
    const [model, modelBefore] = [contentModel(at, this.#reader), contentModel(was, this.#writer)];
    for (const name of Object.keys(then)) {
      const written = part(was, then[name], 'properties', name);
      const read = Object.hasOwn(now, name) ? part(at, now[name], 'properties', name) : null;
      if (read !== null) {
        if (required.includes(name) && !requiredBefore.includes(name) && !hasDefault(read.schema))
          this.#reject('REQUIRED_ATTRIBUTE_ADDED', part(at, update['required'], 'required'), written);
        this.#schemas(read, written);
      } else if (model !== 'open') {
        const covering = coveringSchema(model, at, name);
        if (covering === null) {
          if (written.schema !== false)
            this.#reject('PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL', at, written);
        } else if (!this.#isFine(covering, written))
          this.#reject('PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL', covering, written);
      }
    }
    for (const name of Object.keys(now)) {
      if (Object.hasOwn(then, name)) continue;
      const read = part(at, now[name], 'properties', name);
      if (modelBefore === 'open') {
        if (kindOf(this.#reader, read).kind !== 'empty')
          this.#reject('PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL', read, was);
        continue;
      }
      const covering = coveringSchema(modelBefore, was, name);
      if (covering !== null && !this.#isFine(read, covering))
        this.#reject('PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL', read, covering);
      if (required.includes(name) && !hasDefault(read.schema))
        this.#reject('REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL', read, was);
    }
    this.#rest('additionalProperties', 'ADDITIONAL_PROPERTIES', at, was);
    this.#unevaluated('unevaluatedProperties', 'UNEVALUATED_PROPERTIES', at, was);
    for (const keyword of ['dependencies', 'dependentRequired', 'dependentSchemas'])
      if (isRecent(this.#reader.draft) === (keyword !== 'dependencies')) this.#dependencies(keyword, at, was);
  }

  #rest(keyword: string, name: string, at: Part, was: Part): void {
    const [update, before] = [restOf(at, keyword), restOf(was, keyword)];
    if (update.schema === false) {
      if (before.schema !== false) this.#reject(`${name}_REMOVED`, update, before);
    } else if (before.schema !== false && update.schema !== true) {
      if (before.schema === true) this.#reject(`${name}_NARROWED`, update, before);
      else this.#schemas(update, before);
    }
  }

  #unevaluated(keyword: string, name: string, at: Part, was: Part): void {
    if (!isRecent(this.#reader.draft)) return;
    const [update, before] = [restOf(at, keyword), restOf(was, keyword)];
    if (update.schema === false) {
      if (before.schema !== false) this.#reject(`${name}_REMOVED`, update, before);
    } else if (before.schema !== false && kindOf(this.#reader, update).kind !== 'empty') {
      if (kindOf(this.#writer, before).kind === 'empty') this.#reject(`${name}_NARROWED`, update, before);
      else this.#schemas(update, before);
    }
  }

  #dependencies(keyword: string, at: Part, was: Part): void {
    const [now, then] = [at, was].map(({ schema }) =>
      objectOf(isObject(schema) ? schema[keyword] : undefined),
    );
    for (const [name, dependency] of Object.entries(now ?? {})) {
      const here = part(at, dependency, keyword, name);
      const old = then?.[name];
      if (!isList(dependency)) {
        if (isSchema(old)) this.#schemas(here, part(was, old, keyword, name));
        else this.#reject('DEPENDENCY_SCHEMA_ADDED', here, was);
      } else if (!isList(old)) this.#reject('DEPENDENCY_ARRAY_ADDED', here, was);
      else if (!dependency.every((member) => old.includes(member)))
        this.#reject(
          old.every((member) => dependency.includes(member))
            ? 'DEPENDENCY_ARRAY_EXTENDED'
            : 'DEPENDENCY_ARRAY_CHANGED',
          here,
          was,
        );
    }
  }

  #lists(update: JsonObject, before: JsonObject, at: Part, was: Part): void {
    const [all, allBefore] = [itemsOf(update, this.#reader), itemsOf(before, this.#writer)];
    if (all !== null && allBefore !== null)
      this.#schemas(part(at, all, 'items'), part(was, allBefore, 'items'));
    else if (all !== null) this.#reject('SCHEMA_ADDED', part(at, all, 'items'), was);
    const [now, then] = [tupleOf(at), tupleOf(was)];
    for (let index = 0; index < Math.max(now.length, then.length); index += 1) {
      const [read, written] = [now[index], then[index]];
      if (read !== undefined && written !== undefined) this.#schemas(read, written);
      else if (read === undefined && written !== undefined) this.#itemRemoved(at, written);
      else if (read !== undefined) this.#itemAdded(read, was);
    }
    this.#rest(restKeyword(at, this.#reader), 'ADDITIONAL_ITEMS', at, was);
    this.#unevaluated('unevaluatedItems', 'UNEVALUATED_ITEMS', at, was);
    if (update['uniqueItems'] === true && before['uniqueItems'] !== true)
      this.#reject('UNIQUE_ITEMS_ADDED', at, was);
    const withMinimum = (keywords: JsonObject): JsonObject =>
      isRecent(this.#reader.draft) && 'contains' in keywords ? { minContains: 1, ...keywords } : keywords;
    this.#limit('minContains', 'down', withMinimum(update), withMinimum(before), at, was);
    this.#limit('maxContains', 'up', update, before, at, was);
  }

  #itemRemoved(at: Part, written: Part): void {
    const rest = itemsRest(at, this.#reader);
    if (rest.schema === true) return;
    if (rest.schema === false) {
      if (written.schema !== false) this.#reject('ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL', rest, written);
    } else if (!this.#isFine(rest, written))
      this.#reject('ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL', rest, written);
  }

  #itemAdded(read: Part, was: Part): void {
    const rest = itemsRest(was, this.#writer);
    if (rest.schema === true) {
      if (kindOf(this.#reader, read).kind !== 'empty')
        this.#reject('ITEM_ADDED_TO_OPEN_CONTENT_MODEL', read, was);
    } else if (rest.schema !== false && !this.#isFine(read, rest))
      this.#reject('ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL', read, rest);
  }

  #combined(update: Combined, before: Combined): void {
    const one = before.members.length === 1;
    const widened =
      update.criterion === before.criterion ||
      update.criterion === 'anyOf' ||
      (update.criterion === 'oneOf' ? one : one && update.members.length === 1);
    if (!widened) {
      this.#reject('COMBINED_TYPE_CHANGED', update.at, before.at);
      return;
    }
    const [now, then] = [distinct(update.members), distinct(before.members)];
    if (update.criterion === 'allOf' ? now.length > then.length : now.length < then.length)
      this.#reject(
        update.criterion === 'allOf' ? 'PRODUCT_TYPE_EXTENDED' : 'SUM_TYPE_NARROWED',
        update.at,
        before.at,
      );
    const matched = largestMatching(
      then.map((written) => now.flatMap((read, index) => (this.#isFine(read, written) ? [index] : []))),
    );
    if (matched < Math.min(now.length, then.length))
      this.#reject('COMBINED_TYPE_SUBSCHEMAS_CHANGED', update.at, before.at);
  }

  #enums(now: readonly JsonValue[], then: readonly JsonValue[], at: Part, was: Part): void {
    const lost = then.filter((value) => !now.some((other) => isDeepStrictEqual(value, other)));
    if (lost.length === 0) return;
    const added = now.some((value) => !then.some((other) => isDeepStrictEqual(value, other)));
    this.#reject(added ? 'ENUM_ARRAY_CHANGED' : 'ENUM_ARRAY_NARROWED', at, was);
  }

  #pattern(now: JsonValue | undefined, then: JsonValue | undefined, at: Part, was: Part): void {
    if (now === undefined || now === then) return;
    this.#reject(then === undefined ? 'PATTERN_ADDED' : 'PATTERN_CHANGED', part(at, now, 'pattern'), was);
  }

  #limit(
    keyword: string,
    wider: 'up' | 'down',
    update: JsonObject,
    before: JsonObject,
    at: Part,
    was: Part,
  ): void {
    const [now, then] = [update[keyword], before[keyword]];
    if (typeof now !== 'number' || now === then) return;
    const name = keyword.replaceAll(/([A-Z])/g, '_$1').toUpperCase();
    const here = part(at, now, keyword);
    if (typeof then !== 'number') this.#reject(`${name}_ADDED`, here, was);
    else if (wider === 'up' ? now < then : now > then)
      this.#reject(`${name}_${wider === 'up' ? 'DECREASED' : 'INCREASED'}`, here, was);
  }

  #multiples(update: JsonObject, before: JsonObject, at: Part, was: Part): void {
    const [now, then] = [update['multipleOf'], before['multipleOf']];
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

const limits: ReadonlyMap<Kind['kind'], readonly (readonly [keyword: string, wider: 'up' | 'down'])[]> =
  new Map([
    [
      'string',
      [
        ['maxLength', 'up'],
        ['minLength', 'down'],
      ],
    ],
    [
      'number',
      [
        ['maximum', 'up'],
        ['minimum', 'down'],
        ['exclusiveMaximum', 'up'],
        ['exclusiveMinimum', 'down'],
      ],
    ],
    [
      'object',
      [
        ['maxProperties', 'up'],
        ['minProperties', 'down'],
      ],
    ],
    [
      'array',
      [
        ['maxItems', 'up'],
        ['minItems', 'down'],
      ],
    ],
  ]);

function restOf(of: Part, keyword: string): Part {
  return part(of, isObject(of.schema) ? of.schema[keyword] : undefined, keyword);
}

/** For all items of a list; null where there are places of their own before, or nothing is said. */
function itemsOf({ items, prefixItems }: JsonObject, { draft }: SchemaDocument): JsonSchema | null {
  if (!isSchema(items)) return null;
  return isRecent(draft) && (prefixItems !== undefined || typeof items === 'boolean') ? null : items;
}

/** Under which keyword stands what follows the places of their own. */
function restKeyword({ schema }: Part, { draft }: SchemaDocument): string {
  if (!isRecent(draft) || !isObject(schema) || isList(schema['items'])) return 'additionalItems';
  return 'prefixItems' in schema || typeof schema['items'] === 'boolean' ? 'items' : 'additionalItems';
}

/** The content model of a list: what may follow those items that have a place of their own. */
function itemsRest(at: Part, document: SchemaDocument): Part {
  const rest = restOf(at, restKeyword(at, document));
  if (rest.schema !== true || !isRecent(document.draft)) return rest;
  const unevaluated = restOf(at, 'unevaluatedItems');
  return unevaluated.schema === false || kindOf(document, unevaluated).kind === 'empty' ? rest : unevaluated;
}

function tupleOf(at: Part): readonly Part[] {
  const { schema } = at;
  if (!isObject(schema)) return [];
  const keyword = isList(schema['items']) ? 'items' : 'prefixItems';
  return listOf(schema[keyword]).map((member, index) => part(at, member, keyword, index));
}

type ContentModel = 'open' | Part;

/** Else the part that says what may stand beside the properties. */
function contentModel(at: Part, document: SchemaDocument): ContentModel {
  const { schema } = at;
  if (!isObject(schema)) return 'open';
  const rest = restOf(at, 'additionalProperties');
  const unevaluated = restOf(at, 'unevaluatedProperties');
  const decides = rest.schema === true && isRecent(document.draft) ? unevaluated : rest;
  if (Object.keys(objectOf(schema['patternProperties'])).length > 0) return decides;
  const open = decides === rest ? rest.schema === true : kindOf(document, unevaluated).kind === 'empty';
  return open ? 'open' : decides;
}

/** What a partially open content model says of a property that it does not name; null for a closed one. */
function coveringSchema(model: ContentModel, at: Part, name: string): Part | null {
  if (model === 'open' || !isObject(at.schema)) return null;
  for (const [pattern, member] of Object.entries(objectOf(at.schema['patternProperties'])))
    if (matches(pattern, name)) return part(at, member, 'patternProperties', pattern);
  return isObject(model.schema) ? model : null;
}

function matches(pattern: string, name: string): boolean {
  try {
    return new RegExp(pattern).test(name);
  } catch {
    return false;
  }
}

/** The registry keeps the options in a set. */
function distinct(members: readonly (Kind | Part)[]): readonly (Kind | Part)[] {
  const wordOf = (member: Kind | Part): JsonValue =>
    'kind' in member
      ? [member.kind, member.kind === 'combined' ? member.criterion : null, member.at.schema]
      : member.schema;
  return members.filter(
    (member, index) =>
      members.findIndex((other) => isDeepStrictEqual(wordOf(other), wordOf(member))) === index,
  );
}

function hasDefault(schema: JsonSchema): boolean {
  return isObject(schema) && 'default' in schema;
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {};
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return isList(value) ? value : [];
}
