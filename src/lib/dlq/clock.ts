import { setTimeout as timer } from 'node:timers/promises';

/** Time as the engine sees it, so that hours pass at once in a test. */
export interface Clock {
  /** Milliseconds; only differences mean something. */
  now(): number;
  /** Resolves early when the signal aborts. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
  /** From 0 to before 1. */
  random(): number;
}

export const realClock: Clock = {
  now: () => performance.now(),
  sleep: async (milliseconds, signal) => {
    await timer(Math.max(0, milliseconds), undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  },
  random: () => Math.random(),
};
