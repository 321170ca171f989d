/** When all of a branch is in what the keywords about properties demand. */
import type { JsonValue } from '../../message/record.ts';
import {
  acceptsSurely,
  anything,
  child,
  closedNames,
  decidable,
  matches,
  namesOf,
  requiredOf,
  typeNode,
  type Conjunction,
  type Node,
} from './conjunction.ts';
import type { Prover } from './prover.ts';
import { isList, isObject, isSchema, type JsonSchema } from './document.ts';

/** What the writer says of one property by its name. */
function schemasOf(branch: Conjunction, name: string): Conjunction {
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

/** Whether what the writer says of a property is in `reader`, the schema of it; where it says nothing, it may be anything. */
export function propertyIsIn(
  prover: Prover,
  branch: Conjunction,
  name: string,
  reader: Node,
  depth: number,
): boolean {
  const schemas = schemasOf(branch, name);
  return prover.isIn(schemas.length === 0 ? [anything(branch)] : schemas, reader, depth);
}

/** Each property that the writer names and the pattern matches, each pattern of the writer, and all the rest. */
export function patternPropertyIsIn(
  prover: Prover,
  branch: Conjunction,
  pattern: string,
  reader: Node,
  depth: number,
): boolean {
  const named = [...namesOf(branch)]
    .filter((name) => matches(pattern, name))
    .every((name) => propertyIsIn(prover, branch, name, reader, depth));
  const patterned = branch.every((node) => {
    const patterns = isObject(node.schema) ? node.schema['patternProperties'] : undefined;
    return (
      !isObject(patterns) ||
      Object.entries(patterns).every(
        ([own, member]) =>
          own === pattern ||
          !isSchema(member) ||
          prover.isIn([child(node, member, 'patternProperties', own)], reader, depth),
      )
    );
  });
  const same = branch.flatMap((node) => {
    const patterns = isObject(node.schema) ? node.schema['patternProperties'] : undefined;
    const member = isObject(patterns) ? patterns[pattern] : undefined;
    return isSchema(member) ? [child(node, member, 'patternProperties', pattern)] : [];
  });
  const rest = same.length > 0 ? same : restOf(branch);
  return named && patterned && prover.isIn(rest, reader, depth);
}

/** What the writer says of properties that it does not name; anything where it says nothing. */
function restOf(branch: Conjunction): Conjunction {
  const rest = branch.flatMap((node) => {
    const additional = isObject(node.schema) ? node.schema['additionalProperties'] : undefined;
    return isSchema(additional) ? [child(node, additional, 'additionalProperties')] : [];
  });
  return rest.length === 0 ? [anything(branch)] : rest;
}

/** Whether all that the writer may name and the reader does not is in `value`, the `additionalProperties` of `reader`. */
export function additionalAreIn(
  prover: Prover,
  branch: Conjunction,
  reader: Node,
  value: JsonSchema,
  depth: number,
): boolean {
  if (!isObject(reader.schema)) return false;
  const target = child(reader, value, 'additionalProperties');
  const { properties, patternProperties } = reader.schema;
  const patterns = isObject(patternProperties) ? Object.keys(patternProperties) : [];
  const covered = (name: string) =>
    (isObject(properties) && Object.hasOwn(properties, name)) ||
    patterns.some((pattern) => matches(pattern, name));
  const named = [...namesOf(branch)]
    .filter((name) => !covered(name))
    .every((name) => propertyIsIn(prover, branch, name, target, depth));
  const patterned = branch.every((node) => {
    const own = isObject(node.schema) ? node.schema['patternProperties'] : undefined;
    return (
      !isObject(own) ||
      Object.entries(own).every(
        ([pattern, member]) =>
          patterns.includes(pattern) ||
          !isSchema(member) ||
          prover.isIn([child(node, member, 'patternProperties', pattern)], target, depth),
      )
    );
  });
  return named && patterned && prover.isIn(restOf(branch), target, depth);
}

/** Whether the writer's names are in `reader`, the schema of `propertyNames`; each is tried where the list of them is closed. */
export function namesAreIn(prover: Prover, branch: Conjunction, reader: Node, depth: number): boolean {
  const names = closedNames(branch);
  if (names !== null && decidable(reader.schema) && [...names].every((name) => acceptsSurely(reader, name)))
    return true;
  const own = branch.flatMap((node) => {
    const schema = isObject(node.schema) ? node.schema['propertyNames'] : undefined;
    return isSchema(schema) ? [child(node, schema, 'propertyNames')] : [];
  });
  return prover.isIn([...own, typeNode('string')], reader, depth);
}

/**
 * Whether what the reader demands where the property `name` is there holds: `dependency` is a list of other names, or a schema
 * of the whole object. It holds where the writer never has the property. Of `reader` only the place counts.
 */
export function dependencyHolds(
  prover: Prover,
  branch: Conjunction,
  name: string,
  dependency: JsonValue,
  reader: Node,
  depth: number,
): boolean {
  if (schemasOf(branch, name).some(({ schema }) => schema === false)) return true;
  const present: Node = { ...anything(branch), schema: { type: 'object', required: [name] } };
  const required = new Set(requiredOf(branch));
  for (const node of branch)
    for (const keyword of ['dependencies', 'dependentRequired']) {
      const own = isObject(node.schema) ? node.schema[keyword] : undefined;
      const list = isObject(own) ? own[name] : undefined;
      if (isList(list)) for (const other of list) if (typeof other === 'string') required.add(other);
    }
  if (isList(dependency))
    return dependency.every((other) => typeof other === 'string' && (required.has(other) || other === name));
  if (!isSchema(dependency)) return false;
  const own = branch.flatMap((node) =>
    ['dependencies', 'dependentSchemas'].flatMap((keyword) => {
      const all = isObject(node.schema) ? node.schema[keyword] : undefined;
      const schema = isObject(all) ? all[name] : undefined;
      return isSchema(schema) ? [child(node, schema, keyword, name)] : [];
    }),
  );
  return prover.isIn([...branch, ...own, present], { ...reader, schema: dependency }, depth);
}
