/** What waits to be read, by whom, for how long. */
import type { Positions } from '../../message/position.ts';

export interface BacklogTraits {
  readonly group: 'group' | 'channel';
  /** Which rates are known without an earlier look: what comes in, or what goes out, too. */
  readonly rates: 'none' | 'in' | 'both';
  /** Whether `lastCommits` is there. */
  readonly commitTimes: boolean;
  /** Whether `redeliveries` is there: the broker counts what it delivers again; `pending`: of what is in flight, and forgets it then. */
  readonly redeliveries: boolean | 'pending';
  /** The setting of a channel that says how long it keeps messages, in milliseconds; null: none is there, or it cannot be set. */
  readonly retentionSetting: string | null;
  /** The age of the oldest waiting message is known, by which clock. */
  readonly oldest: 'message' | 'broker' | 'none';
  /** How many wait is not known, only for how long: `waiting` is null, or 0. */
  readonly uncounted?: true;
  /** It tells how far behind a position is that no group holds. */
  readonly ofPositions?: true;
}

export type Clock = 'create' | 'append' | 'broker';

export interface PartitionBacklog {
  readonly partition: string | null;
  /** Next to read. null: nothing committed. */
  readonly committed: string | null;
  readonly start: string | null;
  readonly end: string | null;
  /** Waiting to be read; an upper bound where `approximate`. null: unknown. */
  readonly waiting: number | null;
  readonly inFlight: number | null;
  /** Where `inFlight` is unknown: how many of those this very driver holds. Absent: unknown, too. */
  readonly heldHere?: number;
  /** The time of the oldest message that waits, and who set it. null: unknown or none waits. */
  readonly oldest: { readonly at: number; readonly clock: Clock } | null;
  /** Member that holds it. */
  readonly owner: string | null;
  /** Messages a second of late, where the broker knows. */
  readonly rateIn: number | null;
  readonly rateOut: number | null;
  /** How many messages ever came in, by the broker's count: where there is no `end` to tell it by. It may begin anew. */
  readonly arrived?: number | null;
  /** Removed before this group had read them. null: unknown. */
  readonly lost: number | null;
  /** Milliseconds that the channel keeps messages; null: for ever, or unknown. */
  readonly retentionMs: number | null;
}

export interface GroupBacklog {
  /** null where the channel itself is what is consumed (a queue). */
  readonly group: string | null;
  readonly channel: string;
  /** `classic`, `consumer`, `share`, `queue`, `stream`… */
  readonly kind: string;
  readonly state: string | null;
  readonly members: number | null;
  readonly partitions: readonly PartitionBacklog[];
  /** The difference of positions is more than the messages there (gaps), or the broker only estimates. */
  readonly approximate: boolean;
  /** The channel removes its oldest messages by its size, too, not by their age alone. */
  readonly boundedBySize: boolean;
  /** The broker counts at intervals, and has not counted what is new: asked again in a moment, it tells more. */
  readonly notYetCounted: boolean;
  /** What this system or its configuration does not tell, and why. */
  readonly unknown: readonly string[];
  /** What should have been told: a broker did not answer, a partition has no leader. */
  readonly unreachable: readonly string[];
}

/** The last time at which a group settled anything of a partition. */
export interface LastCommit {
  readonly group: string;
  readonly channel: string;
  readonly partition: string | null;
  /** Milliseconds since 1970, by the broker's clock. */
  readonly at: number;
}

export interface LastCommits {
  /** Of what is not here, nothing was committed since the time that was asked for. */
  readonly commits: readonly LastCommit[];
  /** Groups of which it cannot be told, with the reason. */
  readonly unknown: ReadonlyMap<string, string>;
}

/** Of the deliveries of late, how many were of messages that had been delivered before. */
export interface Redeliveries {
  readonly channel: string;
  /** null: the broker has counted nothing there yet. */
  readonly delivered: number | null;
  readonly again: number | null;
  /** So far back it counts, in milliseconds; null: the deliveries of what is in flight now (`redeliveries: 'pending'`). */
  readonly windowMs: number | null;
}

export interface Backlog {
  /**
   * Reads without joining. Both null: everything. The number of requests grows with brokers and groups, not partitions.
   * Throws `NotFoundError` for a group or channel that is named and missing.
   */
  read(
    request: { readonly groups: readonly string[] | null; readonly channels: readonly string[] | null },
    signal: AbortSignal,
  ): Promise<readonly GroupBacklog[]>;
  /** As `read`, of somebody who would go on from there. Only where `ofPositions` is declared. Throws `NotFoundError`, `UsageError`. */
  readFrom?(channel: string, from: Positions, signal: AbortSignal): Promise<GroupBacklog>;
  /** When groups last committed, since a time. Joins nothing. Only where `commitTimes` is declared. */
  lastCommits?(
    request: { readonly groups: readonly string[]; readonly since: number },
    signal: AbortSignal,
  ): Promise<LastCommits>;
  /** One for each channel, in their order; looks count, too. Only where `redeliveries` is declared. Throws `NotFoundError`. */
  redeliveries?(channels: readonly string[], signal: AbortSignal): Promise<readonly Redeliveries[]>;
}
