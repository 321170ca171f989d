import { setTimeout as sleep } from 'node:timers/promises';

/** How long who waits for entries waits before it asks again: nothing blocks at the server. */
export const pollMs = 100;

/** Waits, and ends at once on abort, with the reason that the signal gives. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch (thrown) {
    signal.throwIfAborted();
    throw thrown;
  }
}
