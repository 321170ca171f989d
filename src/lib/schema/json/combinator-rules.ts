/** When all of a branch is in what `anyOf`, `oneOf`, `not` and `if` demand. */
import type { JsonValue } from '../../message/record.ts';
import { child, contradicts, typeNode, typesOf, type Conjunction, type Node } from './conjunction.ts';
import type { Prover } from './prover.ts';
import { isObject, isSchema } from './document.ts';

/** Of `anyOf`: the branch is in one option, or each of its types is, or what is outside one is in another. False: not proved. */
export function isInSome(
  prover: Prover,
  branch: Conjunction,
  reader: Node,
  keyword: string,
  options: readonly JsonValue[],
  depth: number,
): boolean {
  const nodes = options.flatMap((option, index) =>
    isSchema(option) ? [child(reader, option, keyword, index)] : [],
  );
  if (nodes.some((node) => prover.proves(branch, node, depth + 1))) return true;
  // Type by type: a number may be in the one, text in the other.
  const types = [...typesOf(branch)];
  if (
    types.length > 1 &&
    types.every((type) => nodes.some((node) => prover.proves([...branch, typeNode(type)], node, depth + 1)))
  )
    return true;
  // All that is not in one option has to be in the others.
  return nodes.some((node, index) => {
    const rest = nodes.filter((_, other) => other !== index);
    const outside =
      isObject(node.schema) && isSchema(node.schema['not']) && Object.keys(node.schema).length === 1
        ? child(node, node.schema['not'], 'not')
        : { ...node, schema: { not: node.schema } };
    return rest.some((other) => prover.proves([...branch, outside], other, depth + 1));
  });
}

/** Of `oneOf`: the branch is in one option, and nothing of it in any other. False: it is not proved. */
export function isInOne(
  prover: Prover,
  branch: Conjunction,
  reader: Node,
  options: readonly JsonValue[],
  depth: number,
): boolean {
  const nodes = options.flatMap((option, index) =>
    isSchema(option) ? [child(reader, option, 'oneOf', index)] : [],
  );
  return nodes.some(
    (node) =>
      prover.proves(branch, node, depth + 1) &&
      nodes.every((other) => other === node || isApart(prover, branch, other, depth + 1)),
  );
}

/** Whether nothing of the branch is in `schema`. */
export function isApart(prover: Prover, branch: Conjunction, schema: Node, depth: number): boolean {
  if (schema.schema === false) return true;
  const flat = prover.flatten([schema]);
  const own = typesOf(flat);
  if (![...typesOf(branch)].some((type) => own.has(type))) return true;
  if (prover.isEmpty([...branch, ...flat], depth + 1)) return true;
  if (contradicts(branch, flat)) return true;
  return branch.some((node) => {
    const not = isObject(node.schema) ? node.schema['not'] : undefined;
    return (
      isSchema(not) &&
      prover.proves([...branch.filter((other) => other !== node), schema], child(node, not, 'not'), depth + 1)
    );
  });
}

/**
 * Of `if`: what it accepts of the branch is in `then`, the rest in `else`; one of them that is missing demands nothing. What
 * the writer's own `then` and `else` say of them is known as well. False: it is not proved.
 */
export function conditionalHolds(prover: Prover, branch: Conjunction, reader: Node, depth: number): boolean {
  if (!isObject(reader.schema)) return false;
  const { if: condition, then, else: otherwise } = reader.schema;
  if (!isSchema(condition)) return false;
  const asked = child(reader, condition, 'if');
  const unasked = { ...asked, schema: { not: condition } };
  const whereAsked = () => consequences(branch, 'then', (own) => prover.proves([asked], own, depth + 1));
  const whereUnasked = () => consequences(branch, 'else', (own) => prover.proves([own], asked, depth + 1));
  return (
    (!isSchema(then) ||
      prover.isIn([...branch, asked, ...whereAsked()], child(reader, then, 'then'), depth)) &&
    (!isSchema(otherwise) ||
      prover.isIn([...branch, unasked, ...whereUnasked()], child(reader, otherwise, 'else'), depth))
  );
}

/** What `then` or `else` of the branch demands, where `applies` says so of the `if` beside it. */
function consequences(
  branch: Conjunction,
  keyword: 'then' | 'else',
  applies: (condition: Node) => boolean,
): Conjunction {
  return branch.flatMap((node) => {
    if (!isObject(node.schema)) return [];
    const { if: condition, [keyword]: consequence } = node.schema;
    return isSchema(condition) && isSchema(consequence) && applies(child(node, condition, 'if'))
      ? [child(node, consequence, keyword)]
      : [];
  });
}
