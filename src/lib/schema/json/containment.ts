/**
 * Whether every value of the writer's schema is one of the reader's. The rules are sound: what they call contained is
 * contained. What no rule proves is an obligation that is left open, with its spots; only a witness makes it a break.
 */
import { isDeepStrictEqual } from 'node:util';

import type { JsonValue } from '../../message/record.ts';
import {
  idOf,
  isList,
  isObject,
  isSchema,
  refersOutside,
  resolveReference,
  type JsonSchema,
  type SchemaDocument,
} from './document.ts';
import {
  acceptsSurely,
  amount,
  annotations,
  child,
  closedLength,
  closedNames,
  type Conjunction,
  decidable,
  finiteValues,
  impliesBounds,
  least,
  mayAccept,
  most,
  type Node,
  readerTypes,
  requiredOf,
  typesOf,
  without,
} from './conjunction.ts';
import { itemsAreIn } from './array-rules.ts';
import { conditionalHolds, isApart, isInOne, isInSome } from './combinator-rules.ts';
import {
  constrains,
  impliesBySameKeyword,
  keywordTypes,
  nesting,
  type SameReferences,
  sameSchema,
  withoutRule,
} from './keywords.ts';
import { asItsDraftReads } from './known-keywords.ts';
import {
  additionalAreIn,
  dependencyHolds,
  namesAreIn,
  patternPropertyIsIn,
  propertyIsIn,
} from './object-rules.ts';
import { obligation, type OpenObligation } from './obligation.ts';
import type { Prover } from './prover.ts';

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
  return new ContainmentProver(reader, asItsDraftReads(writer, reader), accepts).prove();
}

class OutOfSteps extends Error {}

class ContainmentProver implements Prover {
  readonly #reader: SchemaDocument;
  readonly #writer: SchemaDocument;
  readonly #accepts: Accepts;
  /** Each document that a schema can stand in. */
  readonly #roots: readonly JsonSchema[];
  readonly #sameReferences: SameReferences;
  readonly #assumed = new Set<string>();
  /** The assumptions in their order, to take back those that rested on one that failed. */
  readonly #trail: string[] = [];
  #open: OpenObligation[] = [];
  #steps = 0;

  constructor(reader: SchemaDocument, writer: SchemaDocument, accepts: Accepts) {
    this.#reader = reader;
    this.#writer = writer;
    this.#accepts = accepts;
    this.#roots = [reader, writer].flatMap(({ schema, others }) => [schema, ...others.values()]);
    const sameOthers = isDeepStrictEqual(reader.others, writer.others) && !this.#othersReferBack();
    this.#sameReferences = (one, other) =>
      isDeepStrictEqual(one.root, other.root) && (sameOthers || !refersOutside(one.root));
  }

  /** Whether a file may lead back to the schema that refers to it, of which there are two. */
  #othersReferBack(): boolean {
    const [reader, writer] = [this.#reader, this.#writer];
    if (idOf(reader.schema) === null && idOf(writer.schema) === null) return false;
    if (isDeepStrictEqual(reader.schema, writer.schema)) return false;
    return [...reader.others.values()].some((file) => refersOutside(file));
  }

  prove(): readonly OpenObligation[] {
    const reader = { schema: this.#reader.schema, root: this.#reader.schema, pointer: '' };
    const writer = { schema: this.#writer.schema, root: this.#writer.schema, pointer: '' };
    try {
      if (this.isIn([writer], reader, 0)) return [];
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
  isIn(writer: Conjunction, reader: Node, depth: number): boolean {
    this.#steps += 1;
    if (this.#steps > maxSteps || depth > maxDepth) throw new OutOfSteps();
    if (reader.schema === true || (isObject(reader.schema) && !constrains(reader.schema))) return true;
    const flat = this.flatten(writer);
    if (flat.some(({ schema }) => schema === false)) return true;
    if (flat.some((node) => sameSchema(node, reader, this.#sameReferences))) return true;
    const asked = flat.map((node) => this.#keyOf(node)).toSorted();
    const key = `${asked.join(' & ')} in ${this.#keyOf(reader)}`;
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

  /** By its text, its document and its pointer there the proof knows a schema again: what refers to nothing may have no document. */
  #keyOf({ schema, root, pointer }: Node): string {
    return `${JSON.stringify(schema)} ${this.#roots.indexOf(root).toString()}#${pointer}`;
  }

  /** A question whose answer "open" is no finding by itself. */
  proves(writer: Conjunction, reader: Node, depth: number): boolean {
    const before = this.#open;
    this.#open = [];
    try {
      return this.isIn(writer, reader, depth);
    } finally {
      this.#open = before;
    }
  }

  /** References followed, `allOf` taken apart. */
  flatten(writer: Conjunction): Conjunction {
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
            isSchema(option) ? [this.flatten([...branch, child(node, option, keyword, index)])] : [],
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
      if (this.isEmpty(branch, depth)) return true;
      this.#open.push(obligation('false', reader, branch));
      return false;
    }
    if (!isObject(reader.schema)) return true;
    const before = this.#open.length;
    let holds = true;
    for (const [keyword, value] of Object.entries(reader.schema)) {
      if (annotations.has(keyword)) continue;
      if (branch.some((node) => impliesBySameKeyword(node, reader, keyword, this.#sameReferences))) continue;
      if (this.#keyword(branch, reader, keyword, value, depth)) continue;
      holds = false;
      if (!nesting.has(keyword)) this.#open.push(obligation(keyword, reader, branch));
    }
    if (!holds && this.isEmpty(branch, depth)) {
      this.#open = this.#open.slice(0, before);
      return true;
    }
    return holds;
  }

  /** Whether nothing is in all of these: then it is in everything. */
  isEmpty(branch: Conjunction, depth: number): boolean {
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
      if (this.proves(rest, child(node, not, 'not'), depth + 1)) return true;
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
        return target !== null && this.isIn(branch, target, depth);
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
                !isSchema(member) || this.isIn(branch, child(reader, member, keyword, index), depth),
            )
            .every(Boolean)
        );
      case 'anyOf':
        return isList(value) && isInSome(this, branch, reader, keyword, value, depth);
      case 'oneOf':
        return isList(value) && isInOne(this, branch, reader, value, depth);
      case 'not':
        return isSchema(value) && isApart(this, branch, child(reader, value, 'not'), depth);
      case 'if':
        return conditionalHolds(this, branch, reader, depth);
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
                propertyIsIn(this, branch, name, child(reader, member, keyword, name), depth),
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
                patternPropertyIsIn(this, branch, pattern, child(reader, member, keyword, pattern), depth),
            )
            .every(Boolean)
        );
      case 'additionalProperties':
        return isSchema(value) && additionalAreIn(this, branch, reader, value, depth);
      case 'propertyNames':
        return isSchema(value) && namesAreIn(this, branch, child(reader, value, keyword), depth);
      case 'dependencies':
      case 'dependentRequired':
      case 'dependentSchemas':
        return (
          isObject(value) &&
          Object.entries(value).every(([name, dependency]) =>
            dependencyHolds(this, branch, name, dependency, child(reader, true, keyword, name), depth),
          )
        );
      case 'items':
      case 'prefixItems':
      case 'additionalItems':
        return itemsAreIn(this, branch, reader, keyword, depth);
      case 'contains':
        return (
          isSchema(value) &&
          branch.some((node) => {
            const contains = isObject(node.schema) ? node.schema['contains'] : undefined;
            return (
              isSchema(contains) &&
              !('minContains' in (isObject(node.schema) ? node.schema : {})) &&
              this.proves([child(node, contains, 'contains')], child(reader, value, keyword), depth)
            );
          }) &&
          !(isObject(reader.schema) && ('minContains' in reader.schema || 'maxContains' in reader.schema))
        );
      default:
        // A keyword that no draft has is no constraint; one that has no rule here is left open.
        return !withoutRule.has(keyword);
    }
  }
}
