import type { Conjunction, Node } from './conjunction.ts';

/** What the rules of the keywords ask back. */
export interface Prover {
  /** Whether all that the conjunction accepts is in `reader`. What is left open is recorded. */
  isIn(writer: Conjunction, reader: Node, depth: number): boolean;
  /** A question whose answer "open" is no finding by itself. */
  proves(writer: Conjunction, reader: Node, depth: number): boolean;
  /** References followed, `allOf` taken apart. */
  flatten(writer: Conjunction): Conjunction;
  /** Whether nothing is in all of these: then it is in everything. */
  isEmpty(branch: Conjunction, depth: number): boolean;
}
