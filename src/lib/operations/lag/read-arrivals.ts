import type { Declaration, Driver } from '../../drivers/driver.ts';
import { MqctlError } from '../../errors.ts';
import { GroupHistory, lookAt } from './group-history.ts';
import { openSamples } from './open-samples.ts';
import type { Arrivals } from './report.ts';

export interface ArrivalsOptions {
  readonly driver: Driver;
  readonly declaration: Declaration;
  /** Where looks are kept. */
  readonly stateFolder: string;
  /** Looks that are older say nothing. */
  readonly windowMs: number;
  readonly now: () => number;
}

/** So many channels are asked about at once. */
const concurrent = 8;

/**
 * How many messages had ever come into channels that no group reads, by the ends of their partitions, look by look, the oldest
 * first; a text says why that is unknown. Channels without ends that can be counted are left out. This look is kept for later runs.
 */
export async function readArrivals(
  channels: readonly string[],
  { driver, declaration, stateFolder, windowMs, now }: ArrivalsOptions,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly Arrivals[] | string>> {
  const found = new Map<string, readonly Arrivals[] | string>();
  if (channels.length === 0 || declaration.facets.look?.uncountable === true) return found;
  const samples = await openSamples(stateFolder);
  try {
    const look = async (channel: string): Promise<void> => {
      try {
        const { partitionList, arrived } = await driver.describe(channel, signal);
        const known = { committed: null, waiting: null };
        const partitions =
          arrived === undefined
            ? partitionList.map(({ partition, end }) => ({ ...known, partition, end }))
            : [{ ...known, partition: null, end: null, arrived }];
        if (partitions.length === 0) return;
        const current = lookAt({ group: null, channel, partitions }, now());
        const earlier = samples.read(driver.target, current, current.at - windowMs);
        found.set(channel, new GroupHistory(earlier, current).arrivals);
        samples.keep(driver.target, [current]);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof MqctlError)) throw error;
        found.set(channel, error.message);
      }
    };
    for (let index = 0; index < channels.length; index += concurrent)
      await Promise.all(channels.slice(index, index + concurrent).map(look));
    return found;
  } finally {
    samples.close();
  }
}
