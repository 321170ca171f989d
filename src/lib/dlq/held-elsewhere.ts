import type { Driver } from '../drivers/driver.ts';
import type { Clock } from './clock.ts';

/** A broker's counts of what is held are older than they look: RabbitMQ's two intervals of 5 s, as they are set by default. */
const oldestCountMs = 12_000;
const checkMs = 1_000;

/**
 * How many messages of the channel others hold, so that they may come back; null where the system does not say. What we hold
 * ourselves must have been given back: it would be counted, too.
 */
export async function heldElsewhere(
  driver: Driver,
  channel: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<number | null> {
  const since = clock.now();
  for (;;) {
    const held = await inFlightOf(driver, channel, signal);
    if (signal.aborted) return null;
    // Not known yet, none yet, or still some of ours: a moment later it may be otherwise.
    if (clock.now() - since >= oldestCountMs) return held;
    await clock.sleep(checkMs, signal);
  }
}

/**
 * Waits until nobody holds any, where what is held comes back by itself when a lease ends; no longer than such a lease. Answers
 * how many are held then; null where the system does not say.
 */
export async function untilLeasesEnd(
  driver: Driver,
  channel: string,
  leaseMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<number | null> {
  const since = clock.now();
  for (;;) {
    const held = await inFlightOf(driver, channel, signal);
    if (held === null || held === 0 || signal.aborted) return held;
    if (clock.now() - since > leaseMs + checkMs) return held;
    await clock.sleep(checkMs, signal);
  }
}

async function inFlightOf(driver: Driver, channel: string, signal: AbortSignal): Promise<number | null> {
  const backlog = await driver.backlog?.read({ groups: null, channels: [channel] }, signal);
  const own = backlog?.find((entry) => entry.channel === channel && entry.group === null);
  if (own === undefined || own.partitions.length === 0) return null;
  let held = 0;
  for (const { inFlight } of own.partitions) {
    if (inFlight === null) return null;
    held += inFlight;
  }
  return held;
}
