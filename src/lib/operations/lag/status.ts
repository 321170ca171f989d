/**
 * The verdict on one partition of one group: pure, from a window of samples.
 *
 * The reference is Burrow's evaluation (github.com/linkedin/Burrow, wiki "Consumer Lag Evaluation Rules"; REWIND as it is
 * since version 1.4). Where it is known to be wrong, this differs:
 * - One single fall hides a growing lag there: here the slope over the whole window counts.
 * - It alarms at a lag of a few messages that never falls: here what is worked off within seconds is no alarm.
 * - It calls a group that has no member stopped, though nothing waits: here that is idle.
 * - It is silent about too few samples: here that is unknown, and how many are missing is said.
 */

export const lagStatuses = [
  'idle',
  'ok',
  'unknown',
  'warn',
  'stalled',
  'stall',
  'stop',
  'empty',
  'rewind',
  'losing',
] as const;

/** From the harmless to the worst: a group is as bad as its worst partition. */
export type LagStatus = (typeof lagStatuses)[number];

/** What one look saw of a partition. Numbers of messages; null: unknown. */
export interface LagSample {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Next to read, as a number; null where positions are no numbers or there are none. */
  readonly committed: number | null;
  /** One past the last; null as above. */
  readonly end: number | null;
  /** Messages that wait. */
  readonly lag: number | null;
  /** When the group last committed here, as known at this look; null: commit times are unknown. */
  readonly committedAt: number | null;
}

export interface Evidence {
  /** The oldest first, the last of them is the present. */
  readonly samples: readonly LagSample[];
  /** Milliseconds since 1970; commits are as old as this says. */
  readonly now: number;
  readonly members: number | null;
  /** Milliseconds until retention removes what waits; null: never, or unknown. */
  readonly untilLossMs: number | null;
  readonly retentionMs: number | null;
  /** So many were removed before they were read. */
  readonly lost: number;
  /** What waits is about to reach the bound by size: removal is by size, and the group stands near the first that is kept. */
  readonly nearStart: boolean;
  /** The broker's own rate of settling, messages a second, where it knows; for systems without positions. */
  readonly rateOut: number | null;
}

export interface Verdict {
  readonly status: LagStatus;
  /** Which rule, and the figures that it was applied to, one sentence. */
  readonly rule: string;
  /** So many more samples are needed; 0 where the verdict stands. */
  readonly samplesNeeded: number;
  /** Whether commit times went into it; null where they do not matter. */
  readonly commitTimes: 'known' | 'unknown' | null;
}

/** A verdict on movement takes so many looks. */
export const fewestSamples = 3;
/** And so long a window: Java's consumers commit every five seconds. */
export const shortestWindowMs = 10_000;
/** Lag at or under this anywhere in the window: it was caught up. */
const allowance = 0;
/** What is worked off so soon is no alarm, though it may never fall. */
const trivialDrainMs = 30_000;
/** A group is losing when less than this share of the retention is left. */
const losingShare = 0.1;

/** The status of a partition by the first rule that fits: those that Burrow publishes, mended as docs/lag.md says. */
export function evaluate(evidence: Evidence): Verdict {
  const { samples, members, lost } = evidence;
  const current = samples.at(-1);
  const lag = current?.lag ?? null;
  if (lost > 0 && lag !== 0) return verdict('losing', `${plural(lost, 'message')} removed before being read`);
  if (lag !== 0) {
    const losing = losingRule(evidence);
    if (losing !== null) return verdict('losing', losing);
  }
  if (current === undefined || lag === null)
    return verdict('unknown', 'what waits is unknown', { samplesNeeded: 0 });
  if (lag === 0)
    return members === 0
      ? verdict('idle', 'nothing waits, and nobody works')
      : verdict('ok', 'nothing waits');
  if (members === 0)
    return verdict('empty', `${plural(lag, 'message')} waiting, and the group has no member`);
  return movement(evidence, current, lag);
}

/** The worst of several; `idle` where there are none. */
export function worstStatus(statuses: readonly LagStatus[]): LagStatus {
  return statuses.reduce<LagStatus>(
    (worst, status) => (lagStatuses.indexOf(status) > lagStatuses.indexOf(worst) ? status : worst),
    'idle',
  );
}

/** Messages a second by which the lag grows over the window (least squares); null where it cannot be told. */
export function lagSlope(samples: readonly LagSample[]): number | null {
  const points = samples.flatMap(({ at, lag }) => (lag === null ? [] : [{ at: at / 1_000, lag }]));
  if (points.length < 2) return null;
  const meanAt = mean(points.map(({ at }) => at));
  const meanLag = mean(points.map(({ lag }) => lag));
  const spread = points.reduce((sum, { at }) => sum + (at - meanAt) ** 2, 0);
  if (spread === 0) return null;
  return points.reduce((sum, { at, lag }) => sum + (at - meanAt) * (lag - meanLag), 0) / spread;
}

/** Messages a second by which a position moved from the first to the last look; null where it cannot be told. */
function positionRate(
  samples: readonly LagSample[],
  position: (sample: LagSample) => number | null,
): number | null {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined || last.at <= first.at) return null;
  const [from, to] = [position(first), position(last)];
  return from === null || to === null ? null : (to - from) / ((last.at - first.at) / 1_000);
}

function losingRule({ untilLossMs, retentionMs, nearStart }: Evidence): string | null {
  if (untilLossMs !== null && retentionMs !== null && untilLossMs < retentionMs * losingShare)
    return `less than ${(losingShare * 100).toString()} % of the retention is left for the oldest`;
  return nearStart ? 'the group stands at the first that are kept, and removal is by size' : null;
}

/** Something waits and someone works: does it go on? */
function movement(evidence: Evidence, current: LagSample, lag: number): Verdict {
  const { samples, now, rateOut } = evidence;
  const needed = Math.max(0, fewestSamples - samples.length);
  if (needed > 0)
    return verdict('unknown', `${plural(needed, 'more sample')} needed`, { samplesNeeded: needed });
  const first = samples[0] ?? current;
  const span = current.at - first.at;
  if (span < shortestWindowMs)
    return verdict(
      'unknown',
      `1 more sample needed: ${seconds(span)} are too short a window, it takes ${seconds(shortestWindowMs)}`,
      { samplesNeeded: 1 },
    );
  const furthest = samples.reduce<number | null>(
    (most, { committed }) => (committed === null ? most : Math.max(most ?? committed, committed)),
    null,
  );
  if (furthest !== null && current.committed !== null && current.committed < furthest)
    return verdict(
      'rewind',
      `the position went back from ${furthest.toString()} to ${current.committed.toString()} and has not recovered`,
    );
  const caughtUp = samples.findLast((sample) => sample.lag !== null && sample.lag <= allowance);
  if (caughtUp !== undefined)
    return verdict('ok', `it was caught up ${seconds(now - caughtUp.at)} ago, within the window`);
  const silent = current.committedAt === null ? null : now - current.committedAt;
  if (silent !== null && silent > span)
    return verdict('stop', `no commit for ${seconds(silent)}, longer than the window of ${seconds(span)}`, {
      commitTimes: 'known',
    });
  const stands = standing(samples, rateOut);
  if (stands === null)
    return verdict('unknown', 'neither positions nor the rate at which it works are known');
  return stands ? standsStill(current, span, silent) : slow(samples, lag, rateOut);
}

/** Whether nothing was worked off over the window; null: cannot be told. */
function standing(samples: readonly LagSample[], rateOut: number | null): boolean | null {
  const positions = samples.map(({ committed }) => committed);
  if (!positions.includes(null)) return new Set(positions).size === 1;
  if (rateOut !== null) return rateOut === 0 && (lagSlope(samples) ?? 0) >= 0;
  return null;
}

/** `silent`: since the last commit; null: unknown. */
function standsStill({ committed }: LagSample, span: number, silent: number | null): Verdict {
  return silent === null
    ? verdict('stalled', `the position stood still for ${seconds(span)} while messages wait`, {
        commitTimes: committed === null ? null : 'unknown',
      })
    : verdict('stall', `commits come, the last ${seconds(silent)} ago, but the position stands still`, {
        commitTimes: 'known',
      });
}

function slow(samples: readonly LagSample[], lag: number, knownRateOut: number | null): Verdict {
  const slope = lagSlope(samples) ?? 0;
  const rateOut = positionRate(samples, ({ committed }) => committed) ?? knownRateOut;
  const figures = `the lag ${slope > 0 ? 'grows' : slope < 0 ? 'falls' : 'stays'}${
    slope === 0 ? '' : ` by ${Math.abs(slope).toFixed(Math.abs(slope) < 10 ? 2 : 0)} messages a second`
  } over the window`;
  if (slope < 0) return verdict('ok', figures);
  if (rateOut !== null && rateOut > 0 && (lag / rateOut) * 1_000 <= trivialDrainMs)
    return verdict(
      'ok',
      `${figures}, but what waits is worked off in ${seconds((lag / rateOut) * 1_000)} at the present rate`,
    );
  return verdict('warn', figures);
}

function verdict(
  status: LagStatus,
  rule: string,
  more: Partial<Pick<Verdict, 'samplesNeeded' | 'commitTimes'>> = {},
): Verdict {
  return { status, rule, samplesNeeded: 0, commitTimes: null, ...more };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function plural(count: number, noun: string): string {
  return `${count.toString()} ${noun}${count === 1 ? '' : 's'}`;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(milliseconds < 10_000 ? 1 : 0)} s`;
}
