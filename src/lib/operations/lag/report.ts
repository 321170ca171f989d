import type { Clock } from '../../drivers/driver.ts';
import type { LagSample, LagStatus, Verdict } from './status.ts';

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
  /** Removed before they were read; null: unknown. */
  readonly lost: number | null;
  readonly status: LagStatus;
  /** The rule that gave the status, with its figures. */
  readonly rule: string;
  readonly samplesNeeded: number;
  readonly commitTimes: Verdict['commitTimes'];
  readonly owner: string | null;
  /** The window that the rule was applied to, the oldest first; only where an explanation was asked for. */
  readonly samples?: readonly LagSample[];
}

export interface GroupLag {
  readonly group: string | null;
  readonly channel: string;
  readonly kind: string;
  readonly state: string | null;
  readonly status: LagStatus;
  /** Why, of the worst partition. */
  readonly rule: string;
  readonly samplesNeeded: number;
  readonly commitTimes: Verdict['commitTimes'];
  readonly lag: number | null;
  /** The lag is the difference of positions: an upper bound. */
  readonly atMost: boolean;
  readonly inFlight: number | null;
  readonly timeLagMs: number | null;
  readonly drainMs: number | null;
  /** Messages a second. */
  readonly rateIn: number | null;
  readonly rateOut: number | null;
  /** Messages a second by which the lag grows over the window; null: too few samples. */
  readonly slope: number | null;
  readonly members: number | null;
  readonly untilLossMs: number | null;
  readonly lost: number | null;
  /** What keeps messages longer, where that is about to matter: a setting and a value. */
  readonly remedy: { readonly channel: string; readonly setting: string; readonly value: string } | null;
  readonly partitions: readonly PartitionLag[];
  readonly unknown: readonly string[];
  readonly unreachable: readonly string[];
  /** Lags of earlier looks, the oldest first, the last is the present; null: unknown. For a picture of the trend. */
  readonly history: readonly (number | null)[];
  /** At each of these looks. */
  readonly arrivals: readonly Arrivals[];
}

/** How many messages had ever come in at a time: only differences say something. null: unknown. */
export interface Arrivals {
  readonly at: number;
  readonly total: number | null;
}

export interface LagReport {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly groups: readonly GroupLag[];
  /** Why earlier samples could not be read, or these could not be kept; null: all is well. */
  readonly samplesProblem: string | null;
}
