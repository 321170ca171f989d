import type { PlanTotals } from './plan.ts';

/** How long each step of the canary is watched where nobody said it. */
const defaultWatchMs = 10_000;

/** The longest that the messages' own delays make a step be watched. */
const longestWatchMs = 600_000;

/** How long each step of the ramp is watched where nobody said it: 10 s, twice the time that failing took, the lease; the longest. */
export function watchMsFor({ failureDelayMs }: PlanTotals, leaseMs: number | null): number {
  return Math.max(defaultWatchMs, Math.min(longestWatchMs, 2 * (failureDelayMs ?? 0)), leaseMs ?? 0);
}
