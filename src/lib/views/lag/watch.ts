import { setTimeout as sleep } from 'node:timers/promises';

import type { LagReport } from '../../operations/lag/report.ts';
import type { Thresholds } from '../../operations/lag/thresholds.ts';
import type { Output } from '../../output/output.ts';
import { lagDocument } from './tables.ts';

export interface Watching {
  readonly intervalMs: number;
  readonly thresholds: Thresholds;
  readonly now: () => number;
}

/** Piped: one record for each interval, until it is interrupted. */
export async function watchLag(
  output: Output,
  read: (signal: AbortSignal) => Promise<LagReport>,
  { intervalMs }: Watching,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await output.print(JSON.stringify(lagDocument(await read(signal))));
    await sleep(intervalMs, undefined, { signal });
  }
}
