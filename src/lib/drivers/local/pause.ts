import { setTimeout as sleep } from 'node:timers/promises';

/** Waits, and ends at once on abort, with the reason that the signal gives. */
export async function pause(milliseconds: number, signal: AbortSignal | null): Promise<void> {
  try {
    await sleep(milliseconds, undefined, signal === null ? {} : { signal });
  } catch (thrown) {
    signal?.throwIfAborted();
    throw thrown;
  }
}
