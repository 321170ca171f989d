import type { ChannelSummary, Driver } from '../drivers/driver.ts';

export interface ListChannelsOptions {
  /** A glob over names; null: all. */
  readonly match: string | null;
  readonly type: string | null;
  readonly internal: boolean;
}

/** The channels there, sorted by name. */
export async function listChannels(
  driver: Driver,
  options: ListChannelsOptions,
  signal: AbortSignal,
): Promise<ChannelSummary[]> {
  const found: ChannelSummary[] = [];
  for await (const channel of driver.channels({ match: options.match, internal: options.internal }, signal)) {
    if (options.type === null || channel.type === options.type) found.push(channel);
  }
  return found.sort((one, other) => (one.channel < other.channel ? -1 : 1));
}
