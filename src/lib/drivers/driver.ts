/**
 * The driver contract: types only. What each facet is lies in `contract/`, a file each; everyone else imports it from here.
 *
 * A driver is a small core plus facets. A facet that is absent is a verb that the system has not got. What a scheme
 * has is declared as data (`Declaration`, in `drivers/X/declaration.ts`), so that a command can refuse with exit 5
 * before the driver's code is loaded; `test/contract` proves on the real server that declared = implemented.
 *
 * Rules for every method:
 * - Takes an AbortSignal and honours it; every network wait ends within `Environment.timeoutMs`, except where waiting
 *   for messages is the point (`follow`).
 * - An abort ends the batches of a look or a claim (by ending or by throwing the signal's reason, both are taken as the end);
 *   `settle`, `release` and `close` still work after it, so that what was written out can be settled.
 * - Prints nothing, asks nothing, retries only what is safe to repeat.
 * - Throws the errors of `errors.ts`; never with a secret. The broker's own words come after ours.
 * - Batches cross the boundary, not single messages.
 *
 * How systems beyond the first three fit (walked through before this was fixed):
 * - SQS: no free look, `cost: 'lease'` (ReceiveMessage hides and counts; visibility 0 gives back). Claim ids are receipt
 *   handles, `extend` is ChangeMessageVisibility, settle is DeleteMessage with an answer for each. Outcomes of a batch send
 *   are read entry by entry. Backlog is approximate: `approximate: true`. No positions.
 * - JetStream: looks free by sequence. A dead letter is (stream, consumer, sequence) known by a captured advisory: the
 *   driver presents the advisories of one consumer as the channel `STREAM/CONSUMER/dead`; settle deletes the advisory.
 *   Several consumers of one stream are `group`s.
 * - Redis Streams: ids are positions (`id`), partition null. Claim with a group is XREADGROUP, without one a range that
 *   settle removes; `AtomicMove` is MULTI with XADD and XDEL, `recover` asks whether the entry is still there. `lag` nil
 *   is `waiting: null`.
 * - Pulsar: ids are positions; subscriptions are groups; a look is a Reader (`subscription` cost where only that is
 *   there); partitions of a partitioned topic are channels' partitions; times reset a cursor.
 * - Pub/Sub: a look costs a `lease` or a temporary `subscription`; several subscriptions of one topic are groups of one channel;
 *   settle answers only with exactly-once delivery, else `sent`; positions are times and snapshots, never offsets.
 *
 * Setting the position of a group (`GroupPositions`), system by system: positions are opaque text that `read` gave and `set`
 * takes back, so they may be numbers (Kafka, JetStream by making the consumer anew), ids (Redis XGROUP SETID, Pulsar's cursor) or a
 * snapshot (Pub/Sub, whose `read` makes one to come back to). What a position cannot hold (Pulsar's single acknowledgements, Redis'
 * pending list, a share group's records in flight) makes `undo` a `watermark`; a system that cannot tell where it was says `none`.
 */
import type { Admin } from './contract/admin.ts';
import type { AtomicMove } from './contract/atomic-move.ts';
import type { Backlog } from './contract/backlog.ts';
import type { ChannelDescription, ChannelSummary } from './contract/channels.ts';
import type { Claim } from './contract/claim.ts';
import type { Cluster } from './contract/cluster.ts';
import type { Connection, Environment } from './contract/connection.ts';
import type { DeadLetters } from './contract/dead-letters.ts';
import type { FacetName } from './contract/declaration.ts';
import type { Groups } from './contract/groups.ts';
import type { Lease } from './contract/lease.ts';
import type { Look } from './contract/look.ts';
import type { GroupPositions } from './contract/positions.ts';
import type { Publish } from './contract/publish.ts';
import type { Requests } from './contract/requests.ts';
import type { ServerMove } from './contract/server-move.ts';

export type * from './contract/admin.ts';
export type * from './contract/atomic-move.ts';
export type * from './contract/backlog.ts';
export type * from './contract/channels.ts';
export type * from './contract/claim.ts';
export type * from './contract/cluster.ts';
export type * from './contract/connection.ts';
export type * from './contract/dead-letters.ts';
export type * from './contract/declaration.ts';
export type * from './contract/groups.ts';
export type * from './contract/lease.ts';
export type * from './contract/look.ts';
export type * from './contract/positions.ts';
export type * from './contract/publish.ts';
export type * from './contract/requests.ts';
export type * from './contract/server-move.ts';

/** Connects and logs in. Throws `UnreachableError`. */
export type OpenDriver = (connection: Connection, environment: Environment) => Promise<Driver>;

export interface Driver {
  /** For people: `kafka://localhost:9092`, without secrets. */
  readonly target: string;
  /** Empty when nothing matches; `match` is a glob over names. Internal channels only when asked for. */
  channels(
    request: { readonly match: string | null; readonly internal: boolean },
    signal: AbortSignal,
  ): AsyncIterable<ChannelSummary>;
  /** Throws `NotFoundError`. */
  describe(channel: string, signal: AbortSignal): Promise<ChannelDescription>;
  /**
   * Who gets what is sent to this channel with one of these addresses: of `ChannelDescription.groups` those that would. Only
   * where `addressedBy` is declared. Throws `NotFoundError`.
   */
  readersOf?(channel: string, addresses: readonly string[], signal: AbortSignal): Promise<readonly string[]>;
  /** Idempotent. Says nothing is done that is not. */
  close(): Promise<void>;

  readonly publish?: Publish;
  readonly requests?: Requests;
  readonly look?: Look;
  readonly claim?: Claim;
  readonly backlog?: Backlog;
  readonly groups?: Groups;
  readonly positions?: GroupPositions;
  readonly deadLetters?: DeadLetters;
  readonly serverMove?: ServerMove;
  /** An atomic move into `destination`, or null where these two cannot. */
  readonly atomicMove?: (request: AtomicMoveRequest, signal: AbortSignal) => Promise<AtomicMove | null>;
  /**
   * Whether a move from `source` into each of these channels of its own can be atomic, asked for a plan: opens and changes
   * nothing. Absent: it always can.
   */
  readonly movesAtomically?: (
    source: string,
    channels: readonly string[],
    signal: AbortSignal,
  ) => Promise<boolean>;
  readonly lease?: Lease;
  readonly admin?: Admin;
  readonly cluster?: Cluster;
}

export interface AtomicMoveRequest {
  readonly source: string;
  readonly destination: Driver;
  readonly channel: string;
  /** Stable over the runs of one redrive, so that a new run fences the old one. */
  readonly name: string;
}

/** Facets that a driver has as an object of its own; the others are declared data about these. */
export type DriverFacet = FacetName & keyof Driver;

/** A driver that has these facets: whoever connected has checked it. */
export type DriverWith<Name extends DriverFacet> = Driver & {
  readonly [Facet in Name]-?: NonNullable<Driver[Facet]>;
};
