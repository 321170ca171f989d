import type { DriverWith } from '../drivers/driver.ts';
import { UsageError } from '../errors.ts';

/**
 * Where each channel's messages become dead letters when they are rejected, by the name of the channel. Throws
 * `UsageError` for a channel from which they would go nowhere.
 */
export async function whereRejected(
  { claim }: DriverWith<'claim'>,
  channels: readonly string[],
  group: string | null,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const places = new Map<string, string>();
  for (const channel of channels) {
    const to = await claim.rejectsTo?.(channel, group, signal);
    if (to === undefined || to === null)
      throw new UsageError(`nobody would hear again of what is rejected from "${channel}"`, {
        hint: 'have it captured first, where the system has that: mqctl dlq watch --install; or say --dead-letter CHANNEL',
      });
    places.set(channel, to);
  }
  return places;
}
