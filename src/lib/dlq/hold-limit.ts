import type { Appraisal } from '../drivers/driver.ts';
import { UsageError } from '../errors.ts';
import { Canary } from './canary.ts';
import type { PlanTotals } from './plan.ts';
import { heldAtMost } from './run-claimed.ts';
import type { RunOptions } from './run-options.ts';
import type { DeadLetterSource } from './source.ts';
import { watchMsFor } from './watch-time.ts';

/** How many messages may be held together; null: no limit, or none need be. */
export function mostHeld({ driver, declaration }: DeadLetterSource): number | null {
  const traits = declaration.facets.claim;
  if (traits === undefined || driver.atomicMove !== undefined) return null;
  return traits.holdLimit;
}

/** Throws `UsageError` where more would have to be held than the system bears. */
export function refuseTooManyHeld(source: DeadLetterSource, ahead: number, inFlight: number): void {
  const most = mostHeld(source);
  const byReference = source.declaration.facets.claim?.select ?? false;
  if (most === null || ahead + inFlight <= most || byReference !== false) return;
  throw new UsageError(
    `${ahead.toString()} messages that are not selected lie in front of the last one that is, and at most ${(most - inFlight).toString()} can be held beside those in flight`,
    { hint: 'select from the front with --limit, or redrive --all' },
  );
}

/** How often what is held is delivered: once, and once more each time that it is given back before the broker takes it back. */
export function roundsOf(
  totals: PlanTotals,
  { longestHoldMs }: Appraisal,
  { ratePerSecond, canary, canaryWaitMs, leaseMs }: RunOptions,
): number {
  const { selected, ahead } = totals;
  if (longestHoldMs === null || ahead === 0) return 1;
  const moving = ratePerSecond === null ? 0 : (selected / ratePerSecond) * 1_000;
  const watchMs = canaryWaitMs ?? watchMsFor(totals, leaseMs ?? null);
  const watching = canary ? Canary.steps(selected).length * watchMs : 0;
  return 1 + Math.floor((moving + watching) / (longestHoldMs * heldAtMost));
}
