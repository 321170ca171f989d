import { createHash } from 'node:crypto';

import type { AtomicMove } from '../drivers/driver.ts';
import { FailedError } from '../errors.ts';
import type { OpenMove } from './run-atomic.ts';
import type { Run } from './run.ts';

/** How to open an atomic move; null where this system has none from here to these destinations. */
export async function atomicMoves({ driver, head, table, finishing }: Run): Promise<OpenMove | null> {
  const [first] = table.destinations;
  if (driver.atomicMove === undefined || first === undefined) return null;
  // One that cannot be reached in one step: then all go in two, so that the plan told the truth of each.
  if ((await driver.movesAtomically?.(head.channel, table.destinations, finishing)) === false) return null;
  const attempt = async (channel: string): Promise<AtomicMove | null> => {
    // The same in every run of this redrive, so that a later one fences an earlier one.
    const name = `${head.id}-${createHash('sha256').update(channel).digest('hex').slice(0, 8)}`;
    const request = { source: head.channel, destination: driver, channel, name };
    return (await driver.atomicMove?.(request, finishing)) ?? null;
  };
  const probe = await attempt(first);
  await probe?.close();
  if (probe === null) return null;
  return async (channel) => {
    const opened = await attempt(channel);
    if (opened === null)
      throw new FailedError(`"${channel}" cannot be moved to in one step, although "${first}" can`);
    return opened;
  };
}
