import { setTimeout as sleep } from 'node:timers/promises';
import type { Backlog, Clock, GroupBacklog, PartitionBacklog } from '../drivers/driver.ts';
import { UnreachableError } from '../errors.ts';

export type LagStatus = 'ok' | 'idle' | 'empty' | 'losing' | 'unknown';

export interface PartitionLag {
  readonly partition: string | null;
  readonly committed: string | null;
  readonly end: string | null;
  readonly start: string | null;
  /** Messages waiting; null: unknown. */
  readonly lag: number | null;
  readonly inFlight: number | null;
  /** How far behind, by the clock of the oldest message that waits; 0 where none waits, null where unknown. */
  readonly timeLagMs: number | null;
  readonly clock: Clock | null;
  /** The oldest message's time is ahead of this machine's clock: the age means nothing. */
  readonly skewed: boolean;
  /** Until the oldest waiting message is removed by retention; null: never, or unknown. */
  readonly untilLossMs: number | null;
  readonly status: LagStatus;
  readonly owner: string | null;
}

export interface GroupLag {
  readonly group: string | null;
  readonly channel: string;
  readonly kind: string;
  readonly state: string | null;
  readonly status: LagStatus;
  readonly lag: number | null;
  /** The lag is the difference of positions: an upper bound. */
  readonly atMost: boolean;
  readonly inFlight: number | null;
  readonly timeLagMs: number | null;
  readonly drainMs: number | null;
  readonly rateIn: number | null;
  readonly rateOut: number | null;
  readonly members: number | null;
  readonly untilLossMs: number | null;
  readonly partitions: readonly PartitionLag[];
  readonly unknown: readonly string[];
}

export interface LagReport {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly groups: readonly GroupLag[];
}

export interface LagOptions {
  /** Groups, or channels where the channel itself is consumed; null: all. */
  readonly names: readonly string[] | null;
  readonly channels: readonly string[] | null;
  /** Take a second sample after so many milliseconds, for the rates; null: one sample. */
  readonly sampleMs: number | null;
  /** Whether names are groups or the channels themselves, as the system declares. */
  readonly group: 'group' | 'channel';
  readonly now: () => number;
}

/** Clocks differ by a little everywhere; more than this ahead is worth a word. */
const toleratedSkewMs = 1_000;
/** A group is losing when less than this share of the retention is left. */
const losingShare = 0.1;

/** How far every group is behind, in messages and in time. Joins nothing, changes nothing. */
export async function readLag(
  backlog: Backlog,
  options: LagOptions,
  signal: AbortSignal,
): Promise<LagReport> {
  const request =
    options.group === 'group'
      ? { groups: options.names, channels: options.channels }
      : { groups: null, channels: options.names ?? options.channels };
  const first = await backlog.read(request, signal);
  const firstAt = options.now();
  if (options.sampleMs === null)
    return { at: firstAt, groups: first.map((entry) => groupLag(entry, null, firstAt)) };
  await sleep(options.sampleMs, undefined, { signal });
  const second = await backlog.read(request, signal);
  const at = options.now();
  const seconds = (at - firstAt) / 1_000;
  const earlier = new Map(first.map((entry) => [nameOf(entry), entry]));
  return {
    at,
    groups: second.map((entry) =>
      groupLag(entry, { before: earlier.get(nameOf(entry)) ?? null, seconds }, at),
    ),
  };
}

function nameOf({ group, channel }: GroupBacklog): string {
  return JSON.stringify([group, channel]);
}

interface Sample {
  readonly before: GroupBacklog | null;
  readonly seconds: number;
}

function groupLag(entry: GroupBacklog, sample: Sample | null, now: number): GroupLag {
  const partitions = entry.partitions.map((partition) => partitionLag(partition, entry, now));
  const lag = sumKnown(partitions.map((partition) => partition.lag));
  const rates = ratesOf(entry, sample);
  return {
    group: entry.group,
    channel: entry.channel,
    kind: entry.kind,
    state: entry.state,
    status: worst(partitions.map(({ status }) => status)),
    lag,
    atMost: entry.approximate,
    inFlight: sumKnown(partitions.map(({ inFlight }) => inFlight)),
    timeLagMs: largest(partitions.map(({ timeLagMs }) => timeLagMs)),
    drainMs: drainTime(lag, rates),
    ...rates,
    members: entry.members,
    untilLossMs: smallest(partitions.map(({ untilLossMs }) => untilLossMs)),
    partitions,
    unknown: entry.unknown,
  };
}

function partitionLag(partition: PartitionBacklog, entry: GroupBacklog, now: number): PartitionLag {
  const { oldest, retentionMs, waiting } = partition;
  const age = oldest === null ? null : now - oldest.at;
  const skewed = age !== null && age < -toleratedSkewMs;
  const timeLagMs = waiting === 0 ? 0 : age === null || skewed ? null : Math.max(0, age);
  const untilLossMs =
    retentionMs === null || timeLagMs === null || waiting === 0 ? null : Math.max(0, retentionMs - timeLagMs);
  return {
    partition: partition.partition,
    committed: partition.committed,
    end: partition.end,
    start: partition.start,
    lag: waiting,
    inFlight: partition.inFlight,
    timeLagMs,
    clock: oldest?.clock ?? null,
    skewed,
    untilLossMs,
    status: statusOf(waiting, entry.members, untilLossMs, retentionMs),
    owner: partition.owner,
  };
}

/** A group with no members but no backlog is idle, not stopped; whether one with members keeps up needs more samples. */
function statusOf(
  waiting: number | null,
  members: number | null,
  untilLossMs: number | null,
  retentionMs: number | null,
): LagStatus {
  if (untilLossMs !== null && retentionMs !== null && untilLossMs < retentionMs * losingShare)
    return 'losing';
  if (waiting === 0) return members === 0 ? 'idle' : 'ok';
  if (members === 0 && waiting !== null) return 'empty';
  return 'unknown';
}

const severity: readonly LagStatus[] = ['idle', 'ok', 'unknown', 'empty', 'losing'];

function worst(statuses: readonly LagStatus[]): LagStatus {
  return statuses.reduce<LagStatus>(
    (one, other) => (severity.indexOf(other) > severity.indexOf(one) ? other : one),
    'idle',
  );
}

function ratesOf(
  entry: GroupBacklog,
  sample: Sample | null,
): { rateIn: number | null; rateOut: number | null } {
  const { before, seconds } = sample ?? { before: null, seconds: 0 };
  if (before !== null && seconds > 0) {
    const rateIn = moved(before, entry, ({ end }) => end);
    const rateOut = moved(before, entry, ({ committed }) => committed);
    if (rateIn !== null && rateOut !== null) return { rateIn: rateIn / seconds, rateOut: rateOut / seconds };
  }
  return {
    rateIn: sumKnown(entry.partitions.map(({ rateIn }) => rateIn)),
    rateOut: sumKnown(entry.partitions.map(({ rateOut }) => rateOut)),
  };
}

/** How far a position moved between two samples over all partitions; null where positions are no numbers. */
function moved(
  before: GroupBacklog,
  after: GroupBacklog,
  position: (partition: PartitionBacklog) => string | null,
): number | null {
  const earlier = new Map(before.partitions.map((partition) => [partition.partition, position(partition)]));
  let sum = 0;
  for (const partition of after.partitions) {
    const from = earlier.get(partition.partition) ?? null;
    const to = position(partition);
    if (from === null || to === null || !/^-?\d+$/.test(from) || !/^-?\d+$/.test(to)) return null;
    sum += Number(BigInt(to) - BigInt(from));
  }
  return sum;
}

/** Backlog over (rate out − rate in); null where it is unknown or never falls. */
function drainTime(
  lag: number | null,
  { rateIn, rateOut }: { rateIn: number | null; rateOut: number | null },
): number | null {
  if (lag === 0) return 0;
  if (lag === null || rateIn === null || rateOut === null || rateOut <= rateIn) return null;
  return Math.round((lag / (rateOut - rateIn)) * 1_000);
}

/** null as soon as one is unknown: a sum without it would look like less. */
function sumKnown(values: readonly (number | null)[]): number | null {
  return values.reduce<number | null>(
    (sum, value) => (sum === null || value === null ? null : sum + value),
    0,
  );
}

function largest(values: readonly (number | null)[]): number | null {
  return values.includes(null) || values.length === 0 ? null : Math.max(...values.map((value) => value ?? 0));
}

function smallest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.min(...known);
}

export interface Thresholds {
  readonly maxLag: number | null;
  readonly maxAgeMs: number | null;
  readonly maxDrainMs: number | null;
  readonly failOn: readonly LagStatus[];
}

export interface Breach {
  readonly group: string;
  readonly channel: string;
  readonly what: 'lag' | 'age' | 'drain' | 'status';
  /** null: unknown, which is a breach of a limit that cannot be shown to hold. */
  readonly value: number | string | null;
  readonly limit: number | string;
}

/** What is over a threshold. A value that is unknown counts as over: "fine" is only said of what is known. */
export function breaches(report: LagReport, thresholds: Thresholds): Breach[] {
  return report.groups.flatMap((group) => {
    const of = { group: group.group ?? group.channel, channel: group.channel };
    const found: Breach[] = [];
    const check = (what: 'lag' | 'age' | 'drain', value: number | null, limit: number | null): void => {
      if (limit !== null && (value === null || value > limit)) found.push({ ...of, what, value, limit });
    };
    check('lag', group.lag, thresholds.maxLag);
    check('age', group.timeLagMs, thresholds.maxAgeMs);
    check('drain', group.drainMs, thresholds.maxDrainMs);
    if (thresholds.failOn.includes(group.status))
      found.push({ ...of, what: 'status', value: group.status, limit: 'ok' });
    return found;
  });
}

/** Throws `UnreachableError` where nothing at all could be read of what was asked for. */
export function assertSomethingRead(report: LagReport): void {
  const nothing =
    report.groups.length > 0 &&
    report.groups.every(
      ({ partitions }) =>
        partitions.length > 0 && partitions.every(({ end, lag }) => end === null && lag === null),
    );
  if (nothing)
    throw new UnreachableError(
      `no partition could be read: ${report.groups.flatMap(({ unknown }) => unknown).join('; ')}`,
    );
}
