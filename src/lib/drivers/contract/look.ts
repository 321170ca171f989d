/** Looking at messages without taking them, and what that costs. */
import type { Message } from '../../message/message.ts';
import type { PositionKind, Positions } from '../../message/position.ts';

/** What a look costs: nothing, a counted delivery, hidden for a while, or a temporary subscription. */
export type LookCost = 'free' | 'delivery' | 'lease' | 'subscription';

export interface LookTraits {
  /** All that can occur; `appraise` says which one it is for a channel. */
  readonly costs: readonly LookCost[];
  /** With `offset` comes `after`: offsets are opaque, so whoever saw one can only begin there or go on behind it. */
  readonly positions: readonly PositionKind[];
  readonly partitions: boolean;
  /** Offsets are marks that cannot be counted from: there is no ±N. */
  readonly uncountable?: true;
  /** So many of one message group can be seen: they hide what lies behind them. Absent: all. */
  readonly groupDepth?: number;
}

export interface LookRequest {
  readonly channel: string;
  readonly from: Positions;
  /** Exclusive. null: the end as it is now, unless `follow`. */
  readonly until: Positions | null;
  readonly follow: boolean;
  /** null: all. */
  readonly partitions: readonly string[] | null;
  /** At most so many are taken; null: no bound. Required where the look costs something. */
  readonly limit: number | null;
  /** Show what aborted transactions wrote, too. */
  readonly uncommitted: boolean;
}

/** What a look at this channel would cost, asked before it is done. */
export interface Appraisal {
  readonly cost: LookCost;
  readonly waiting: number | null;
  readonly consumers: number | null;
  readonly deadLetterChannel: boolean;
  /** Deliveries after which the broker drops or moves the message; null: no limit, or unknown. */
  readonly deliveryLimit: number | null;
  /** Milliseconds after which the broker takes back what is claimed and not settled; null: never, or it can be extended. */
  readonly longestHoldMs: number | null;
}

export interface LookReport {
  readonly looked: number;
  /** Milliseconds for which what was looked at was hidden from consumers; null where it was not. */
  readonly hiddenMs: number | null;
  /** The highest delivery count after this look. */
  readonly deliveryCount: number | null;
}

export interface Looking {
  /** One batch for each network answer. Leaving the loop early gives back what was taken. */
  readonly batches: AsyncIterable<readonly Message[]>;
  /** How many there can be at most between the two positions; null where unknown. */
  readonly expected: number | null;
  /** Valid after the loop ended. */
  report(): LookReport;
}

export interface Look {
  appraise(channel: string, signal: AbortSignal): Promise<Appraisal>;
  /** Throws `NotFoundError`, `UsageError` for a position that this system does not know. Joins no group, commits nothing. */
  open(request: LookRequest, signal: AbortSignal): Promise<Looking>;
}
