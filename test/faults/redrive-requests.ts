/** What tests of whole redrives ask for, where nothing else is what they are about. */
import { realClock } from '../../src/lib/dlq/clock.ts';
import type { PlanRequest } from '../../src/lib/dlq/prepare-redrive.ts';
import type { RunOptions } from '../../src/lib/dlq/run-options.ts';

/** Every message of `channel`, to `to`. */
export function allOf(channel: string, to: string): PlanRequest {
  return {
    channel,
    selection: {
      keep: () => true,
      ids: null,
      causes: null,
      everything: true,
      limit: null,
      equalOnesAlike: true,
    },
    to,
    keepHeaders: 'none',
    maxRedrives: 3,
    context: 'test',
    reason: null,
  };
}

/** As fast as it goes, and nothing is told. */
export function atFullSpeed(inFlight: number): RunOptions {
  return {
    ratePerSecond: null,
    inFlight,
    canary: false,
    canaryWaitMs: null,
    takeOver: true,
    clock: realClock,
    onProgress: () => undefined,
    onNote: () => undefined,
  };
}
