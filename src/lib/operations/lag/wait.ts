import { setTimeout as sleep } from 'node:timers/promises';

import type { LagReport } from './report.ts';
import { breaches, type Breach, type Thresholds } from './thresholds.ts';

export interface Waiting {
  readonly thresholds: Thresholds;
  /** Milliseconds between two looks. */
  readonly intervalMs: number;
  /** null: as long as it takes. */
  readonly timeoutMs: number | null;
  readonly now: () => number;
  /** Told after each look that still found something over a threshold. */
  readonly stillOver: (over: readonly Breach[]) => void;
}

/** Looks until nothing is over a threshold, or the time is up: then the last report still is. */
export async function waitForLag(
  read: (signal: AbortSignal) => Promise<LagReport>,
  { thresholds, intervalMs, timeoutMs, now, stillOver }: Waiting,
  signal: AbortSignal,
): Promise<LagReport> {
  const deadline = timeoutMs === null ? Infinity : now() + timeoutMs;
  for (;;) {
    const report = await read(signal);
    const over = breaches(report, thresholds).filter(({ level }) => level === 'critical');
    if (over.length === 0 || now() + intervalMs > deadline) return report;
    stillOver(over);
    await sleep(intervalMs, undefined, { signal });
  }
}
