/**
 * A case of the contract: a sentence that must be true of every driver that declares what it needs.
 *
 * A case that needs more than a channel has is *not applicable* there: said in the matrix, not hidden as a pass.
 */
import type { FacetName, FacetTraits } from '../../../src/lib/drivers/driver.ts';
import type { Column } from './column.ts';
import type { Workbench } from './workbench.ts';

/** Why a column has not got something; null where it has. */
export type Need = (column: Column) => string | null;

export interface ContractCase {
  /** What must be true, as a sentence. */
  readonly name: string;
  readonly needs: readonly Need[];
  readonly run: (bench: Workbench) => Promise<void>;
}

export interface Section {
  readonly title: string;
  readonly cases: readonly ContractCase[];
}

/** The facet is declared: `has('look')`; or is declared with a trait: `has('publish', 'a key', ({ key }) => key)`. */
export function has<Name extends FacetName>(
  facet: Name,
  trait = '',
  holds: (traits: FacetTraits[Name]) => boolean = () => true,
): Need {
  return ({ facets }) => {
    const traits: FacetTraits[Name] | undefined = facets[facet];
    if (traits === undefined) return `no ${facet}`;
    return holds(traits) ? null : `${facet} without ${trait}`;
  };
}

/** The column has been told how to set it up: `canBe('full')`. */
export function canBe(what: 'tooLarge' | 'full' | 'unroutable' | 'dying' | 'shortLease'): Need {
  return ({ channel }) => (channel[what] === null ? `nothing is ${what} here` : null);
}

export const hasNetwork: Need = ({ system }) => (system.network === null ? 'no network between' : null);
export const hasLogin: Need = ({ system }) => (system.wrongLogin === null ? 'no logins' : null);

/** Why the case does not apply to the column; null where it does. */
export function whyNotApplicable({ needs }: ContractCase, column: Column): string | null {
  return needs.map((need) => need(column)).find((reason) => reason !== null) ?? null;
}
