/** When all of a branch is in what the keywords about items demand. */
import { anything, arrayShape, closedLength, least, type Conjunction, type Node } from './conjunction.ts';
import type { Prover } from './prover.ts';

/** Position by position, then the rest. */
export function itemsAreIn(
  prover: Prover,
  branch: Conjunction,
  reader: Node,
  keyword: string,
  depth: number,
): boolean {
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
    const own = written.flatMap((shape) => shape.prefix[index] ?? (shape.rest === null ? [] : [shape.rest]));
    if (!prover.isIn(own.length === 0 ? [anything(branch)] : own, target, depth)) holds = false;
  }
  return holds;
}
