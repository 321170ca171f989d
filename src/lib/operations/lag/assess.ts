import type { GroupBacklog, PartitionBacklog } from '../../drivers/driver.ts';
import { numbersEach } from '../../store/lag-samples.ts';
import type { GroupHistory } from './group-history.ts';
import type { GroupLag, PartitionLag } from './report.ts';
import { evaluate, lagSlope, lagStatuses, worstStatus, type LagSample, type LagStatus } from './status.ts';

export interface Assessment {
  readonly now: number;
  /** How long the channel can be told to keep messages; null: it cannot. */
  readonly retentionSetting: string | null;
  /** Give the samples with each partition. */
  readonly explain: boolean;
}

/** Clocks differ by a little everywhere; more than this ahead is worth a word. */
const toleratedSkewMs = 1_000;
/** What moved within less says little of a rate. */
const shortestRateMs = 1_000;
/** Where removal is by size: this share of what is kept, from its start. */
const nearStartShare = 0.1;

export interface Assessed {
  readonly entry: GroupBacklog;
  /** For the verdict. */
  readonly history: GroupHistory;
  /** For the rates. */
  readonly recent: GroupHistory;
}

/** What the broker answered about one group, with what earlier looks saw, as figures and a verdict. Pure. */
export function assessGroup({ entry, history, recent }: Assessed, assessment: Assessment): GroupLag {
  const partitions = entry.partitions.map((each) => assessPartition(each, entry, history, assessment));
  const lag = sumKnown(partitions.map((partition) => partition.lag));
  const rates = ratesOf(entry, recent);
  const status = worstStatus(partitions.map((partition) => partition.status));
  const worst = partitions.find((partition) => partition.status === status);
  const untilLossMs = smallest(partitions.map((partition) => partition.untilLossMs));
  const totals = history.totals;
  return {
    group: entry.group,
    channel: entry.channel,
    kind: entry.kind,
    state: entry.state,
    status,
    rule: worst === undefined ? 'it has no partition' : ruleOf(worst, partitions.length),
    samplesNeeded: Math.max(0, ...partitions.map(({ samplesNeeded }) => samplesNeeded)),
    commitTimes: worst?.commitTimes ?? null,
    lag,
    atMost: entry.approximate,
    inFlight: sumKnown(partitions.map(({ inFlight }) => inFlight)),
    timeLagMs: largest(partitions.map(({ timeLagMs }) => timeLagMs)),
    drainMs: drainTime(lag, rates),
    ...rates,
    slope: lagSlope(totals),
    members: entry.members,
    untilLossMs,
    lost: sumKnown(partitions.map(({ lost }) => lost)),
    remedy: status === 'losing' ? remedyFor(entry, assessment.retentionSetting) : null,
    partitions,
    unknown: entry.unknown,
    unreachable: entry.unreachable,
    history: totals.map((total) => total.lag),
    arrivals: history.arrivals,
  };
}

/** The rule speaks of one partition: which, where there are several. */
function ruleOf({ partition, rule }: PartitionLag, partitions: number): string {
  return partitions === 1 ? rule : `${rule} (partition ${partition})`;
}

function assessPartition(
  partition: PartitionBacklog,
  entry: GroupBacklog,
  history: GroupHistory,
  { now, explain }: Assessment,
): PartitionLag {
  const { oldest, retentionMs, waiting } = partition;
  const age = oldest === null ? null : now - oldest.at;
  const skewed = age !== null && age < -toleratedSkewMs;
  const timeLagMs = waiting === 0 ? 0 : age === null || skewed ? null : Math.max(0, age);
  const untilLossMs =
    retentionMs === null || timeLagMs === null || waiting === 0 ? null : Math.max(0, retentionMs - timeLagMs);
  const moves = waiting !== 0 && entry.members !== 0;
  const samples = moves || explain ? history.samplesOf(partition.partition) : [presentSample(partition, now)];
  const { status, rule, samplesNeeded, commitTimes } = evaluate({
    samples,
    now,
    members: entry.members,
    untilLossMs,
    retentionMs,
    lost: partition.lost ?? 0,
    nearStart: entry.boundedBySize && standsNearStart(partition),
    rateOut: partition.rateOut,
  });
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
    lost: partition.lost,
    status,
    rule,
    samplesNeeded,
    commitTimes,
    owner: partition.owner,
    ...(explain ? { samples } : {}),
  };
}

/** Where the verdict needs no history. */
function presentSample({ waiting }: PartitionBacklog, at: number): LagSample {
  return { at, committed: null, end: null, lag: waiting, committedAt: null };
}

/** Only once something was removed: what begins at 0 was never full. */
function standsNearStart({ committed, start, end }: PartitionBacklog): boolean {
  if (committed === null || start === null || end === null) return false;
  const [from, next, until] = [Number(start), Number(committed), Number(end)];
  return from > 0 && until > from && next - from < (until - from) * nearStartShare;
}

/** Twice as long as now. */
function remedyFor(entry: GroupBacklog, setting: string | null): GroupLag['remedy'] {
  const retentionMs = smallest(entry.partitions.map((partition) => partition.retentionMs));
  if (setting === null || retentionMs === null || retentionMs === 0) return null;
  return { channel: entry.channel, setting, value: String(retentionMs * 2) };
}

/** By the positions of the first and the last look; else what the broker knows. */
function ratesOf(
  entry: GroupBacklog,
  history: GroupHistory,
): { rateIn: number | null; rateOut: number | null } {
  return {
    rateIn: movedSince(history, 1) ?? sumKnown(entry.partitions.map(({ rateIn }) => rateIn)),
    rateOut: movedSince(history, 0) ?? sumKnown(entry.partitions.map(({ rateOut }) => rateOut)),
  };
}

/** How far a position (0: committed, 1: end) moved over all partitions, messages a second; null where one is unknown. */
function movedSince({ looks }: GroupHistory, position: 0 | 1): number | null {
  const [first, last] = [looks[0], looks.at(-1)];
  if (first === undefined || last === undefined || last.partitions.length === 0) return null;
  if (last.at - first.at < shortestRateMs) return null;
  const earlier = new Map(first.partitions.map((partition, place) => [partition, place]));
  let sum = 0;
  for (const [place, partition] of last.partitions.entries()) {
    const from = first.numbers[(earlier.get(partition) ?? NaN) * numbersEach + position];
    const to = last.numbers[place * numbersEach + position];
    if (from === undefined || to === undefined || Number.isNaN(to - from)) return null;
    sum += to - from;
  }
  return sum / ((last.at - first.at) / 1_000);
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

/** The worst first, then the one with the largest lag. */
export function byWorst(one: GroupLag, other: GroupLag): number {
  const rank = ({ status }: { status: LagStatus }): number => lagStatuses.indexOf(status);
  return rank(other) - rank(one) || (other.lag ?? Infinity) - (one.lag ?? Infinity);
}

/** null as soon as one is unknown: a sum without it would look like less. */
function sumKnown(values: readonly (number | null)[]): number | null {
  return values.reduce<number | null>(
    (sum, value) => (sum === null || value === null ? null : sum + value),
    0,
  );
}

function largest(values: readonly (number | null)[]): number | null {
  return values.includes(null) || values.length === 0
    ? null
    : values.reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
}

function smallest(values: readonly (number | null)[]): number | null {
  return values.reduce<number | null>(
    (least, value) => (value === null ? least : Math.min(least ?? value, value)),
    null,
  );
}
