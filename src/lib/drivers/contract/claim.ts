/** Taking messages, and settling, releasing or rejecting what was taken. */
import type { Message } from '../../message/message.ts';
import type { Positions } from '../../message/position.ts';

export interface ClaimTraits {
  /** `required`: only through a group. `none`: the channel itself holds what was settled. */
  readonly group: 'required' | 'optional' | 'none';
  /** How one settles: one by one, or up to a position (then settling 7 settles what came before it in that partition). */
  readonly settle: 'each' | 'up-to';
  /** Whether the server answers that it settled. `sent` becomes true by a clean close. */
  readonly answer: 'settled' | 'sent';
  /** How long a claim lasts unless extended; null: as long as the connection. */
  readonly leaseMs: number | null;
  /** Whether giving back counts as an attempt. */
  readonly releaseCounts: boolean;
  /**
   * Whether single messages can be claimed by reference; else a selection is found front to back, the rest held. `channel`: only
   * from the channel itself, for a group not.
   */
  readonly select: boolean | 'channel';
  /** How many may be held at once; null: no limit of the system's. */
  readonly holdLimit: number | null;
  /** The system remembers nobody's place: what a group has settled is kept in this machine's state folder. */
  readonly memory?: 'machine';
  /** Where a message can be refused for good, so that the system makes a dead letter of it: `Claiming.reject` is there. */
  readonly rejects?: readonly ('group' | 'channel')[];
}

export interface MessageReference {
  readonly partition: string | null;
  readonly offset: string | null;
  readonly id: string | null;
}

export interface ClaimRequest {
  readonly channel: string;
  /** null: from the channel itself (a queue), or for a dead-letter channel, from what is unresolved. */
  readonly group: string | null;
  /** Where a group without a position begins. */
  readonly from: Positions | null;
  /** Only these, in the order given; those that are not there come as `missing`. Where `select` is declared, else null. */
  readonly select: AsyncIterable<MessageReference> | null;
  /** Go on waiting for new ones; else end when the channel is empty. */
  readonly follow: boolean;
  /** How many may be claimed and not yet settled or released. */
  readonly window: number;
  /** null: this system's default. */
  readonly leaseMs: number | null;
  /**
   * What becomes, with what is settled, of the messages that it stands for, where a dead letter stands for one that stays where
   * it was. Undefined: they stay.
   */
  readonly originals?: 'delete';
}

/** A claimed message. `claim` is opaque and valid until settled, released or lost. */
export interface Claimed {
  readonly claim: string;
  readonly message: Message;
}

export type SettleOutcome = 'settled' | 'sent' | 'lost' | 'unknown';

export type ClaimBatch =
  | { readonly kind: 'claimed'; readonly items: readonly Claimed[] }
  /** They belong to someone else now (a rebalance, a lease that ran out): settling them would be a lie. */
  | { readonly kind: 'lost'; readonly claims: readonly string[]; readonly reason: string }
  /** Asked for by reference and not there (any more). */
  | { readonly kind: 'missing'; readonly references: readonly MessageReference[] };

export interface Claim {
  /**
   * Where what is rejected goes; null: nobody would hear of it again. Only where `rejects` is declared. Throws `NotFoundError`
   * for the channel.
   */
  rejectsTo?(channel: string, group: string | null, signal: AbortSignal): Promise<string | null>;
  open(request: ClaimRequest, signal: AbortSignal): Promise<Claiming>;
}

export interface Claiming {
  readonly batches: AsyncIterable<ClaimBatch>;
  /** How long these claims last unless extended, where that is not what was asked for: a consumer has a time of its own. */
  readonly leaseMs?: number;
  /** One outcome for each, in their order. Where settling is `up-to`, only call it front to back. */
  settle(claims: readonly string[]): Promise<readonly SettleOutcome[]>;
  /** Refuses them for good: they are not delivered again. One outcome for each. Only where `rejects` is declared. */
  reject?(claims: readonly string[], reason: string): Promise<readonly SettleOutcome[]>;
  /** Gives them back at once, all in one step where that costs less. */
  release(claims: readonly string[]): Promise<void>;
  extend(claims: readonly string[]): Promise<void>;
  /** Releases what is neither settled nor released, then leaves cleanly. Throws when what was `sent` is not certain. */
  close(): Promise<void>;
}
