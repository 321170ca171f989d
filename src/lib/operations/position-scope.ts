/** Which positions are meant: what was said about channels, partitions and places, refused where it contradicts itself. */
import type { DriverWith, PlannedPosition, PositionTarget } from '../drivers/driver.ts';
import { FailedError, UsageError } from '../errors.ts';
import type { Positions } from '../message/position.ts';

export interface PositionScope {
  /** null: all in which the group stands. */
  readonly channels: readonly string[] | null;
  /** null: all, or those that `to` names. */
  readonly partitions: readonly string[] | null;
  readonly to: Positions;
}

const namedInErrors = 5;

/** Throws `UsageError` for scopes that overlap and times that are not there yet, `FailedError` where the group stands nowhere. */
export async function targetsOf(
  driver: DriverWith<'positions'>,
  group: string,
  { channels, partitions, to }: PositionScope,
  now: number,
  signal: AbortSignal,
): Promise<readonly PositionTarget[]> {
  refuseTwice(channels ?? [], 'the channel');
  refuseTwice(partitions ?? [], 'the partition');
  if ('byPartition' in to) {
    if (partitions !== null)
      throw new UsageError('--partition and positions by partition overlap', {
        hint: 'name each partition once, in the position: 0:42,1:end-100',
      });
    if (channels === null || channels.length > 1)
      throw new UsageError('positions by partition are those of one channel', {
        hint: 'name it with --channel',
      });
  }
  refuseFuture(to, now);
  const everywhere = channels ?? (await channelsOf(driver, group, signal));
  const { every } = 'every' in to ? to : { every: null };
  const place: Positions =
    every === null || partitions === null
      ? to
      : { byPartition: new Map(partitions.map((name) => [name, every])) };
  return everywhere.map((channel) => ({ channel, to: place }));
}

async function channelsOf(
  driver: DriverWith<'positions'>,
  group: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const standing = await driver.positions.read(group, signal);
  if (standing.length > 0) return [...new Set(standing.map(({ channel }) => channel))];
  throw new FailedError(`the group "${group}" has committed nothing, so its channels are not known`, {
    hint: 'name them with --channel',
  });
}

/** Throws `UsageError` for an offset that is not there; with `clamp`, the nearest one is meant. */
export function refuseOutside(
  positions: readonly PlannedPosition[],
  targets: readonly PositionTarget[],
  clamp: boolean,
): void {
  if (clamp) return;
  const meant = new Map(targets.map(({ channel, to }) => [channel, to]));
  const outside = positions.filter(({ channel, partition, asked }) => {
    const to = meant.get(channel);
    if (asked === null || to === undefined) return false;
    const position = 'every' in to ? to.every : to.byPartition.get(partition ?? '');
    return position?.kind === 'offset' || position?.kind === 'after';
  });
  if (outside.length === 0) return;
  const named = outside
    .slice(0, namedInErrors)
    .map(
      ({ channel, partition, asked, start, end }) =>
        `${asked ?? ''} in ${placeText(channel, partition)}, which has ${start ?? '?'} to ${end ?? '?'}`,
    );
  const more = outside.length > namedInErrors ? `, and ${String(outside.length - namedInErrors)} more` : '';
  throw new UsageError(`no such offset: ${named.join('; ')}${more}`, {
    hint: 'say --clamp to take the nearest that is there',
  });
}

/** `orders:0`, or `orders` where there are no partitions. */
export function placeText(channel: string, partition: string | null): string {
  return partition === null ? channel : `${channel}:${partition}`;
}

/** Throws `UsageError` for a time that is not there yet; `now` is in milliseconds since 1970. */
export function refuseFuture(positions: Positions, now: number): void {
  const each = 'every' in positions ? [positions.every] : positions.byPartition.values();
  for (const position of each)
    if (position.kind === 'time' && position.time > now)
      throw new UsageError(`${new Date(position.time).toISOString()} lies in the future`, {
        hint: 'for what comes from now on say "end"',
      });
}

function refuseTwice(names: readonly string[], what: string): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new UsageError(`${what} "${twice}" is named twice: the scopes overlap`);
}
