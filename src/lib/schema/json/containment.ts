/**
 * Whether every value of the writer's schema is one of the reader's. The rules are sound: what they call contained is
 * contained. What no rule proves is an obligation that is left open, with its spots; only a witness makes it a break.
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
import {
  acceptsSurely,
  amount,
  annotations,
  anything,
  arrayShape,
  child,
  closedLength,
  closedNames,
  type Conjunction,
  contradicts,
  decidable,
  finiteValues,
  impliesBounds,
  type JsonType,
  keyOf,
  least,
  matches,
  mayAccept,
  most,
  namesOf,
  type Node,
  numbers,
  readerTypes,
  requiredOf,
  typeNode,
  typesOf,
  without,
} from './conjunction.ts';

/** What could not be proved: a keyword of the reader that the writer does not imply. */
export interface OpenObligation {
  /** The keyword that the reader demands. */
  readonly keyword: string;
  readonly readerPointer: string;
  readonly writerPointer: string;
  readonly readerValue: JsonValue | undefined;
}

/** Steps of proof for one pair: beyond, everything is left open. */
const maxSteps = 20_000;
const maxDepth = 60;
/** Alternatives of the writer that are looked at one by one. */
const maxBranches = 64;

/** Asked about single values, where the writer lists them. */
export type Accepts = (value: JsonValue) => boolean;

/** None: it is proved. `accepts` is the reader's own validator. */
export function openObligations(
  reader: SchemaDocument,
  writer: SchemaDocument,
  accepts: Accepts,
): readonly OpenObligation[] {
  return new Prover(reader, writer, accepts).prove();
}

class OutOfSteps extends Error {}

class Prover {
  readonly #reader: SchemaDocument;
  readonly #writer: SchemaDocument;
  readonly #accepts: Accepts;
  readonly #assumed = new Set<string>();
  /** The assumptions in their order, to take back those that rested on one that failed. */
  readonly #trail: string[] = [];
  #open: OpenObligation[] = [];
  #steps = 0;

  constructor(reader: SchemaDocument, writer: SchemaDocument, accepts: Accepts) {
    this.#reader = reader;
    this.#writer = writer;
    this.#accepts = accepts;
  }

  prove(): readonly OpenObligation[] {
    const reader = { schema: this.#reader.schema, root: this.#reader.schema, pointer: '' };
    const writer = { schema: this.#writer.schema, root: this.#writer.schema, pointer: '' };
    try {
      if (this.#isIn([writer], reader, 0)) return [];
    } catch (thrown) {
      if (!(thrown instanceof OutOfSteps)) throw thrown;
      this.#open.push(obligation('too-large', reader, [writer]));
    }
    // Never silent: what was not proved has at least this to say.
    if (this.#open.length === 0) this.#open.push(obligation('not-proved', reader, [writer]));
    const seen = new Set<string>();
    return this.#open.filter(({ keyword, readerPointer }) => {
      const key = `${keyword} ${readerPointer}`;
      return !seen.has(key) && seen.add(key);
    });
  }

  /** Whether all that the conjunction accepts is in `reader`. What is left open is recorded. */
  #isIn(writer: Conjunction, reader: Node, depth: number): boolean {
    this.#steps += 1;
    if (this.#steps > maxSteps || depth > maxDepth) throw new OutOfSteps();
    if (reader.schema === true || (isObject(reader.schema) && !constrains(reader.schema))) return true;
    const flat = this.#flatten(writer);
    if (flat.some(({ schema }) => schema === false)) return true;
    if (flat.some((node) => sameSchema(node, reader))) return true;
    const key = `${flat.map(keyOf).toSorted().join(' & ')} in ${keyOf(reader)}`;
    // A recursive schema comes back to the same question: it holds unless something else refutes it.
    if (this.#assumed.has(key)) return true;
    const mark = this.#trail.length;
    this.#assumed.add(key);
    this.#trail.push(key);
    const before = this.#open.length;
    const holds = this.#branches(flat).every((branch) => this.#branchIsIn(branch, reader, depth + 1));
    if (holds) this.#open = this.#open.slice(0, before);
    else for (const rested of this.#trail.splice(mark)) this.#assumed.delete(rested);
    return holds;
  }

  /** A question whose answer "open" is no finding by itself. */
  #proves(writer: Conjunction, reader: Node, depth: number): boolean {
    const before = this.#open;
    this.#open = [];
    try {
      return this.#isIn(writer, reader, depth);
    } finally {
      this.#open = before;
    }
  }

  /** References followed, `allOf` taken apart. */
  #flatten(writer: Conjunction): Conjunction {
    const flat: Node[] = [];
    const left = [...writer];
    for (let next = left.shift(); next !== undefined && flat.length < 200; next = left.shift()) {
      const { schema } = next;
      if (flat.some((known) => known.schema === schema)) continue;
      flat.push(next);
      if (!isObject(schema)) continue;
      const target = this.#follow(next);
      if (target !== null) left.push(target);
      const { allOf } = schema;
      if (isList(allOf))
        for (const [index, member] of allOf.entries())
          if (isSchema(member)) left.push(child(next, member, 'allOf', index));
    }
    return flat;
  }

  #follow(node: Node): Node | null {
    if (!isObject(node.schema)) return null;
    const reference = node.schema['$ref'];
    if (typeof reference !== 'string') return null;
    const document =
      node.root === this.#reader.schema || [...this.#reader.others.values()].includes(node.root)
        ? this.#reader
        : this.#writer;
    return resolveReference(document, node.root, reference);
  }

  /** The writer's alternatives one by one: of what it may be, all have to be in the reader. */
  #branches(flat: Conjunction): readonly Conjunction[] {
    let branches: Conjunction[] = [flat];
    for (const node of flat) {
      if (!isObject(node.schema)) continue;
      for (const keyword of ['anyOf', 'oneOf'] as const) {
        const options = node.schema[keyword];
        if (!isList(options) || branches.length * options.length > maxBranches) continue;
        branches = branches.flatMap((branch) =>
          options.flatMap((option, index) =>
            isSchema(option) ? [this.#flatten([...branch, child(node, option, keyword, index)])] : [],
          ),
        );
      }
    }
    return branches.filter((branch) => branch.every(({ schema }) => schema !== false));
  }

  #branchIsIn(branch: Conjunction, reader: Node, depth: number): boolean {
    const listed = finiteValues(branch);
    if (listed !== null && reader.schema === this.#reader.schema && listed.every(this.#accepts)) return true;
    if (reader.schema === false) {
      if (this.#isEmpty(branch, depth)) return true;
      this.#open.push(obligation('false', reader, branch));
      return false;
    }
    if (!isObject(reader.schema)) return true;
    const before = this.#open.length;
    let holds = true;
    const draft = this.#reader.draft;
    const referenceOnly =
      typeof reader.schema['$ref'] === 'string' && ['draft-04', 'draft-06', 'draft-07'].includes(draft);
    for (const [keyword, value] of Object.entries(reader.schema)) {
      if (annotations.has(keyword) || (referenceOnly && keyword !== '$ref')) continue;
      if (branch.some((node) => impliesBySameKeyword(node, reader, keyword))) continue;
      if (this.#keyword(branch, reader, keyword, value, depth)) continue;
      holds = false;
      if (!nesting.has(keyword)) this.#open.push(obligation(keyword, reader, branch));
    }
    if (!holds && this.#isEmpty(branch, depth)) {
      this.#open = this.#open.slice(0, before);
      return true;
    }
    return holds;
  }

  /** Whether nothing is in all of these: then it is in everything. */
  #isEmpty(branch: Conjunction, depth: number): boolean {
    if (typesOf(branch).size === 0) return true;
    for (const node of branch) {
      if (!isObject(node.schema)) continue;
      const { not } = node.schema;
      if (!isSchema(not)) continue;
      const rest = branch.map((other) =>
        other === node
          ? { ...node, schema: isObject(node.schema) ? without(node.schema, 'not') : true }
          : other,
      );
      if (this.#proves(rest, child(node, not, 'not'), depth + 1)) return true;
    }
    const values = finiteValues(branch);
    return values !== null && values.every((value) => branch.some((node) => !mayAccept(node, value)));
  }

  #keyword(branch: Conjunction, reader: Node, keyword: string, value: JsonValue, depth: number): boolean {
    const types = typesOf(branch);
    const applies = keywordTypes.get(keyword);
    if (applies !== undefined && !applies.some((type) => types.has(type))) return true;
    const finite = finiteValues(branch);
    if (
      finite !== null &&
      decidable(reader.schema) &&
      finite.every((member) => acceptsSurely(reader, member))
    )
      return true;
    switch (keyword) {
      case '$ref': {
        const target = this.#follow(reader);
        return target !== null && this.#isIn(branch, target, depth);
      }
      case 'type':
        return [...types].every((type) => readerTypes(value).has(type));
      case 'const':
        return finite !== null && finite.every((member) => isDeepStrictEqual(member, value));
      case 'enum':
        return (
          (finite !== null &&
            isList(value) &&
            finite.every((member) => value.some((other) => isDeepStrictEqual(member, other)))) ||
          (isList(value) &&
            [...types].every(
              (type) =>
                (type === 'null' && value.includes(null)) ||
                (type === 'boolean' && value.includes(true) && value.includes(false)),
            ))
        );
      case 'allOf':
        return (
          isList(value) &&
          value
            .map(
              (member, index) =>
                !isSchema(member) || this.#isIn(branch, child(reader, member, keyword, index), depth),
            )
            .every(Boolean)
        );
      case 'anyOf':
        return isList(value) && this.#isInSome(branch, reader, keyword, value, depth);
      case 'oneOf':
        return isList(value) && this.#isInOne(branch, reader, value, depth);
      case 'not':
        return isSchema(value) && this.#isApart(branch, child(reader, value, 'not'), depth);
      case 'if':
        return this.#conditional(branch, reader, depth);
      case 'then':
      case 'else':
        return isObject(reader.schema) && 'if' in reader.schema;
      case 'minimum':
      case 'maximum':
      case 'exclusiveMinimum':
      case 'exclusiveMaximum':
      case 'multipleOf':
        return impliesBounds(branch, reader.schema, keyword);
      case 'minLength':
        return most(branch, 'minLength') >= amount(value) || amount(value) <= 0;
      case 'maxLength':
        return least(branch, 'maxLength') <= amount(value);
      case 'minItems':
        return most(branch, 'minItems') >= amount(value) || amount(value) <= 0;
      case 'maxItems':
        return Math.min(least(branch, 'maxItems'), closedLength(branch)) <= amount(value);
      case 'uniqueItems':
        return (
          value !== true ||
          branch.some(({ schema }) => isObject(schema) && schema['uniqueItems'] === true) ||
          least(branch, 'maxItems') <= 1
        );
      case 'minProperties':
        return (
          Math.max(most(branch, 'minProperties'), requiredOf(branch).size) >= amount(value) ||
          amount(value) <= 0
        );
      case 'maxProperties':
        return (
          Math.min(least(branch, 'maxProperties'), closedNames(branch)?.size ?? Infinity) <= amount(value)
        );
      case 'required':
        return (
          isList(value) && value.every((name) => typeof name === 'string' && requiredOf(branch).has(name))
        );
      case 'properties':
        return (
          isObject(value) &&
          Object.entries(value)
            .map(
              ([name, member]) =>
                !isSchema(member) ||
                this.#property(branch, name, child(reader, member, keyword, name), depth),
            )
            .every(Boolean)
        );
      case 'patternProperties':
        return (
          isObject(value) &&
          Object.entries(value)
            .map(
              ([pattern, member]) =>
                !isSchema(member) ||
                this.#patternProperty(branch, pattern, child(reader, member, keyword, pattern), depth),
            )
            .every(Boolean)
        );
      case 'additionalProperties':
        return isSchema(value) && this.#additional(branch, reader, value, depth);
      case 'propertyNames':
        return isSchema(value) && this.#names(branch, child(reader, value, keyword), depth);
      case 'dependencies':
      case 'dependentRequired':
      case 'dependentSchemas':
        return (
          isObject(value) &&
          Object.entries(value).every(([name, dependency]) =>
            this.#dependency(branch, name, dependency, child(reader, true, keyword, name), depth),
          )
        );
      case 'items':
      case 'prefixItems':
      case 'additionalItems':
        return this.#items(branch, reader, keyword, depth);
      case 'contains':
        return (
          isSchema(value) &&
          branch.some((node) => {
            const contains = isObject(node.schema) ? node.schema['contains'] : undefined;
            return (
              isSchema(contains) &&
              !('minContains' in (isObject(node.schema) ? node.schema : {})) &&
              this.#proves([child(node, contains, 'contains')], child(reader, value, keyword), depth)
            );
          }) &&
          !(isObject(reader.schema) && ('minContains' in reader.schema || 'maxContains' in reader.schema))
        );
      default:
        // A keyword that no draft has is no constraint; one that has no rule here is left open.
        return !withoutRule.has(keyword);
    }
  }

  #isInSome(
    branch: Conjunction,
    reader: Node,
    keyword: string,
    options: readonly JsonValue[],
    depth: number,
  ): boolean {
    const nodes = options.flatMap((option, index) =>
      isSchema(option) ? [child(reader, option, keyword, index)] : [],
    );
    if (nodes.some((node) => this.#proves(branch, node, depth + 1))) return true;
    // Type by type: a number may be in the one, text in the other.
    const types = [...typesOf(branch)];
    if (
      types.length > 1 &&
      types.every((type) => nodes.some((node) => this.#proves([...branch, typeNode(type)], node, depth + 1)))
    )
      return true;
    // All that is not in one option has to be in the others.
    return nodes.some((node, index) => {
      const rest = nodes.filter((_, other) => other !== index);
      const outside =
        isObject(node.schema) && isSchema(node.schema['not']) && Object.keys(node.schema).length === 1
          ? child(node, node.schema['not'], 'not')
          : { ...node, schema: { not: node.schema } };
      return rest.some((other) => this.#proves([...branch, outside], other, depth + 1));
    });
  }

  #isInOne(branch: Conjunction, reader: Node, options: readonly JsonValue[], depth: number): boolean {
    const nodes = options.flatMap((option, index) =>
      isSchema(option) ? [child(reader, option, 'oneOf', index)] : [],
    );
    return nodes.some(
      (node) =>
        this.#proves(branch, node, depth + 1) &&
        nodes.every((other) => other === node || this.#isApart(branch, other, depth + 1)),
    );
  }

  /** Whether nothing of the branch is in `schema`. */
  #isApart(branch: Conjunction, schema: Node, depth: number): boolean {
    if (schema.schema === false) return true;
    const flat = this.#flatten([schema]);
    const own = typesOf(flat);
    if (![...typesOf(branch)].some((type) => own.has(type))) return true;
    if (this.#isEmpty([...branch, ...flat], depth + 1)) return true;
    if (contradicts(branch, flat)) return true;
    return branch.some((node) => {
      const not = isObject(node.schema) ? node.schema['not'] : undefined;
      return (
        isSchema(not) &&
        this.#proves(
          [...branch.filter((other) => other !== node), schema],
          child(node, not, 'not'),
          depth + 1,
        )
      );
    });
  }

  #conditional(branch: Conjunction, reader: Node, depth: number): boolean {
    if (!isObject(reader.schema)) return false;
    const { if: condition, then, else: otherwise } = reader.schema;
    if (!isSchema(condition)) return false;
    const asked = child(reader, condition, 'if');
    const unasked = { ...asked, schema: { not: condition } };
    return (
      (!isSchema(then) || this.#isIn([...branch, asked], child(reader, then, 'then'), depth)) &&
      (!isSchema(otherwise) || this.#isIn([...branch, unasked], child(reader, otherwise, 'else'), depth))
    );
  }

  /** What the writer says of one property by its name. */
  #schemasOf(branch: Conjunction, name: string): Conjunction {
    return branch.flatMap((node): Node[] => {
      if (!isObject(node.schema)) return [];
      const { properties, patternProperties, additionalProperties } = node.schema;
      const found: Node[] = [];
      const own = isObject(properties) && Object.hasOwn(properties, name) ? properties[name] : undefined;
      if (isSchema(own)) found.push(child(node, own, 'properties', name));
      if (isObject(patternProperties))
        for (const [pattern, member] of Object.entries(patternProperties))
          if (isSchema(member) && matches(pattern, name))
            found.push(child(node, member, 'patternProperties', pattern));
      if (found.length === 0 && isSchema(additionalProperties))
        found.push(child(node, additionalProperties, 'additionalProperties'));
      return found;
    });
  }

  #property(branch: Conjunction, name: string, reader: Node, depth: number): boolean {
    const schemas = this.#schemasOf(branch, name);
    return this.#isIn(schemas.length === 0 ? [anything(branch)] : schemas, reader, depth);
  }

  /** Each property that the writer names and the pattern matches, each pattern of the writer, and all the rest. */
  #patternProperty(branch: Conjunction, pattern: string, reader: Node, depth: number): boolean {
    const named = [...namesOf(branch)]
      .filter((name) => matches(pattern, name))
      .every((name) => this.#property(branch, name, reader, depth));
    const patterned = branch.every((node) => {
      const patterns = isObject(node.schema) ? node.schema['patternProperties'] : undefined;
      return (
        !isObject(patterns) ||
        Object.entries(patterns).every(
          ([own, member]) =>
            own === pattern ||
            !isSchema(member) ||
            this.#isIn([child(node, member, 'patternProperties', own)], reader, depth),
        )
      );
    });
    const same = branch.flatMap((node) => {
      const patterns = isObject(node.schema) ? node.schema['patternProperties'] : undefined;
      const member = isObject(patterns) ? patterns[pattern] : undefined;
      return isSchema(member) ? [child(node, member, 'patternProperties', pattern)] : [];
    });
    const rest = same.length > 0 ? same : this.#restOf(branch);
    return named && patterned && this.#isIn(rest, reader, depth);
  }

  /** What the writer says of properties that it does not name; anything where it says nothing. */
  #restOf(branch: Conjunction): Conjunction {
    const rest = branch.flatMap((node) => {
      const additional = isObject(node.schema) ? node.schema['additionalProperties'] : undefined;
      return isSchema(additional) ? [child(node, additional, 'additionalProperties')] : [];
    });
    return rest.length === 0 ? [anything(branch)] : rest;
  }

  #additional(branch: Conjunction, reader: Node, value: JsonSchema, depth: number): boolean {
    if (!isObject(reader.schema)) return false;
    const target = child(reader, value, 'additionalProperties');
    const { properties, patternProperties } = reader.schema;
    const patterns = isObject(patternProperties) ? Object.keys(patternProperties) : [];
    const covered = (name: string) =>
      (isObject(properties) && Object.hasOwn(properties, name)) ||
      patterns.some((pattern) => matches(pattern, name));
    const named = [...namesOf(branch)]
      .filter((name) => !covered(name))
      .every((name) => this.#property(branch, name, target, depth));
    const patterned = branch.every((node) => {
      const own = isObject(node.schema) ? node.schema['patternProperties'] : undefined;
      return (
        !isObject(own) ||
        Object.entries(own).every(
          ([pattern, member]) =>
            patterns.includes(pattern) ||
            !isSchema(member) ||
            this.#isIn([child(node, member, 'patternProperties', pattern)], target, depth),
        )
      );
    });
    return named && patterned && this.#isIn(this.#restOf(branch), target, depth);
  }

  #names(branch: Conjunction, reader: Node, depth: number): boolean {
    const names = closedNames(branch);
    if (names !== null && decidable(reader.schema) && [...names].every((name) => acceptsSurely(reader, name)))
      return true;
    const own = branch.flatMap((node) => {
      const schema = isObject(node.schema) ? node.schema['propertyNames'] : undefined;
      return isSchema(schema) ? [child(node, schema, 'propertyNames')] : [];
    });
    return this.#isIn([...own, typeNode('string')], reader, depth);
  }

  #dependency(
    branch: Conjunction,
    name: string,
    dependency: JsonValue,
    reader: Node,
    depth: number,
  ): boolean {
    if (this.#schemasOf(branch, name).some(({ schema }) => schema === false)) return true;
    const present: Node = { ...anything(branch), schema: { type: 'object', required: [name] } };
    const required = new Set(requiredOf(branch));
    for (const node of branch)
      for (const keyword of ['dependencies', 'dependentRequired']) {
        const own = isObject(node.schema) ? node.schema[keyword] : undefined;
        const list = isObject(own) ? own[name] : undefined;
        if (isList(list)) for (const other of list) if (typeof other === 'string') required.add(other);
      }
    if (isList(dependency))
      return dependency.every(
        (other) => typeof other === 'string' && (required.has(other) || other === name),
      );
    if (!isSchema(dependency)) return false;
    const own = branch.flatMap((node) =>
      ['dependencies', 'dependentSchemas'].flatMap((keyword) => {
        const all = isObject(node.schema) ? node.schema[keyword] : undefined;
        const schema = isObject(all) ? all[name] : undefined;
        return isSchema(schema) ? [child(node, schema, keyword, name)] : [];
      }),
    );
    return this.#isIn([...branch, ...own, present], { ...reader, schema: dependency }, depth);
  }

  /** Position by position, then the rest. */
  #items(branch: Conjunction, reader: Node, keyword: string, depth: number): boolean {
    const demanded = arrayShape(reader);
    const longest = Math.max(demanded.prefix.length, ...branch.map((node) => arrayShape(node).prefix.length));
    const limit = Math.min(least(branch, 'maxItems'), closedLength(branch));
    const written = branch.map(arrayShape);
    let holds = true;
    for (let index = 0; index <= longest; index += 1) {
      if (index >= limit) break;
      const target = demanded.prefix[index] ?? demanded.rest;
      // Each keyword answers for its own positions.
      const mine = index < demanded.prefix.length ? demanded.prefixKeyword : demanded.restKeyword;
      if (target === null || mine !== keyword) continue;
      const own = written.flatMap(
        (shape) => shape.prefix[index] ?? (shape.rest === null ? [] : [shape.rest]),
      );
      if (!this.#isIn(own.length === 0 ? [anything(branch)] : own, target, depth)) holds = false;
    }
    return holds;
  }
}

function obligation(keyword: string, reader: Node, branch: Conjunction): OpenObligation {
  const value = isObject(reader.schema) ? reader.schema[keyword] : reader.schema;
  const holds = branch.find(({ schema }) => isObject(schema) && keyword in schema) ?? branch[0];
  return {
    keyword,
    readerPointer:
      isObject(reader.schema) && keyword in reader.schema
        ? pointerTo(reader.pointer, keyword)
        : reader.pointer,
    writerPointer:
      holds === undefined
        ? ''
        : isObject(holds.schema) && keyword in holds.schema
          ? pointerTo(holds.pointer, keyword)
          : holds.pointer,
    readerValue: value,
  };
}

/** Their obligations are recorded where they are nested. */
const nesting: ReadonlySet<string> = new Set([
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
const withoutRule: ReadonlySet<string> = new Set([
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

const keywordTypes: ReadonlyMap<string, readonly JsonType[]> = new Map<string, readonly JsonType[]>([
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

function constrains(schema: JsonObject): boolean {
  return Object.keys(schema).some((keyword) => !annotations.has(keyword));
}

/** The same text means the same where it refers to nothing, or stands in the same document. */
function sameSchema(one: Node, other: Node): boolean {
  if (!isDeepStrictEqual(one.schema, other.schema)) return false;
  return isSelfContained(one.schema) || isDeepStrictEqual(one.root, other.root);
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

function impliesBySameKeyword(writer: Node, reader: Node, keyword: string): boolean {
  if (
    !isObject(writer.schema) ||
    !isObject(reader.schema) ||
    keyword.startsWith('unevaluated') ||
    keyword.startsWith('$')
  )
    return false;
  const [own, other] = [writer.schema, reader.schema];
  return (
    [keyword, ...(neighbours.get(keyword) ?? [])].every((name) =>
      isDeepStrictEqual(own[name], other[name]),
    ) &&
    (isSelfContained(own[keyword] ?? null) || isDeepStrictEqual(writer.root, reader.root))
  );
}
