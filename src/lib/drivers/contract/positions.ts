/** Where groups stand, and putting them elsewhere. */
import type { PositionKind, Positions } from '../../message/position.ts';
import type { GroupMember } from './groups.ts';

export interface PositionsTraits {
  /** What `plan` understands. */
  readonly kinds: readonly PositionKind[];
  /** Whether a partition in which nothing was committed can be made so again. */
  readonly unset: boolean;
  /** What putting a position back cannot restore: what was settled out of order behind it. Absent: it restores all. */
  readonly undo?: 'watermark';
}

export interface CommittedPosition {
  readonly channel: string;
  readonly partition: string | null;
  /** Next to read; null: nothing committed. */
  readonly committed: string | null;
  readonly start: string | null;
  readonly end: string | null;
  readonly metadata: string | null;
}

/** Where a group shall stand in one channel: in all of its partitions, or in those that are named. */
export interface PositionTarget {
  readonly channel: string;
  readonly to: Positions;
}

export interface PlannedPosition {
  readonly channel: string;
  readonly partition: string | null;
  /** What is committed now, with its metadata; null: nothing. */
  readonly before: string | null;
  readonly metadata: string | null;
  /** Next to be read then; between the first and the end of what is kept. */
  readonly after: string;
  /** What was asked for, where it lies outside of what is kept: `after` is the nearest that is there. */
  readonly asked: string | null;
  readonly start: string | null;
  readonly end: string | null;
  /** Whether messages are read once more or never; `none`: it stands there already; `unknown`: nothing is committed now. */
  readonly effect: 'again' | 'skipped' | 'none' | 'unknown';
  /** How many, at most (there may be gaps); null: unknown. */
  readonly messages: number | null;
  /** The times of the first and the last of them, milliseconds since 1970; null: unknown or none. */
  readonly firstAt: number | null;
  readonly lastAt: number | null;
}

export interface PositionPlan {
  readonly group: string;
  readonly kind: string;
  readonly positions: readonly PlannedPosition[];
  /** Why it cannot be set now: it has members, or this kind of group takes no positions. null: it can. */
  readonly refusal: {
    readonly code: 'ACTIVE' | 'UNSUPPORTED';
    readonly reason: string;
    readonly hint: string;
    readonly members: readonly GroupMember[];
  } | null;
  /** How much of what it was can be put back: all, all but what was settled out of order, or nothing. */
  readonly undo: 'exact' | 'watermark' | 'none';
  /** What may surprise, a sentence each. */
  readonly notes: readonly string[];
}

export interface PositionChange {
  readonly channel: string;
  readonly partition: string | null;
  /** As `read` or `plan` gave it; null: nothing committed (where `unset` is declared). */
  readonly position: string | null;
  readonly metadata: string | null;
}

export type PositionOutcome =
  | { readonly status: 'set' }
  | { readonly status: 'refused'; readonly reason: string }
  /** No answer came: it may be set or not. Setting it again is safe. */
  | { readonly status: 'unknown'; readonly reason: string };

/** Where groups stand, and putting them elsewhere. Nothing here ever joins a group. */
export interface GroupPositions {
  /** `channels`: only of these has it to be told; absent: of all. Throws `NotFoundError`. */
  read(
    group: string,
    signal: AbortSignal,
    channels?: readonly string[],
  ): Promise<readonly CommittedPosition[]>;
  /**
   * What setting would do; changes nothing, whatever the group's state. Each channel once; without targets it only tells whether
   * the group may be set. A partition in which the place that is meant does not exist (`current` or `group:` where nothing is
   * committed) is left out and told in the notes. Throws `NotFoundError` for a group, channel or partition that is not there,
   * `UsageError` for a position that makes no sense here.
   */
  plan(
    request: { readonly group: string; readonly targets: readonly PositionTarget[] },
    signal: AbortSignal,
  ): Promise<PositionPlan>;
  /**
   * Sets exactly these, without bringing them into range, after checking the group's state once more. One outcome for each, in
   * their order. Throws `FailedError` with code `ACTIVE` where it has members: then nothing was set.
   */
  set(
    group: string,
    changes: readonly PositionChange[],
    signal: AbortSignal,
  ): Promise<readonly PositionOutcome[]>;
}
