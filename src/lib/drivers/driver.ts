/**
 * The driver contract: types only.
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
import type { DeadLetter, Message, OutgoingMessage } from '../message/message.ts';
import type { PositionKind, Positions } from '../message/position.ts';

// ---------------------------------------------------------------------------------------------------------------------
// Declared data

export type DeliveryGuarantee = 'at-most-once' | 'at-least-once' | 'transactional';

/** What a look costs: nothing, a counted delivery, hidden for a while, or a temporary subscription. */
export type LookCost = 'free' | 'delivery' | 'lease' | 'subscription';

export interface PublishTraits {
  readonly deliveries: readonly DeliveryGuarantee[];
  /** The unit within which what was sent first is read first. */
  readonly orderUnit: 'partition' | 'key' | 'message-group' | 'channel' | 'none';
  /** Whether a null value can be told from an empty one (a tombstone). */
  readonly nullValue: boolean;
  /** false: a message without content is refused. */
  readonly emptyValue?: false;
  readonly key: boolean;
  /** Every message has a key, text of at most so many characters: the driver makes one where none is given. */
  readonly keyText?: { readonly maxCharacters: number };
  readonly partition: boolean;
  readonly timestamp: boolean;
  /** `text`: values of one line of text without blanks around; others are rejected. */
  readonly headers: 'bytes' | 'typed' | 'text' | 'none';
  /** `token`: names have letters, digits, `_`, `-` and single dots between them. Absent: any text. */
  readonly headerNames?: 'token';
  readonly repeatedHeaders: boolean;
  /** `text`: binary needs an encoding. */
  readonly payload: 'bytes' | 'text';
  readonly compressions: readonly string[];
  /** The properties that it publishes again exactly. */
  readonly properties: readonly string[];
  /** Properties that it takes and does not give back. */
  readonly sentOnly?: readonly string[];
  /** Channels whose name begins so pass a message on by its property `routingKey`; null: there are none. */
  readonly routing: { readonly prefix: string } | null;
  /** Whether a message can be refused because nothing would receive it (RabbitMQ's `mandatory`). */
  readonly unroutable: boolean;
  readonly dedupeWindowMs: number | null;
  /** The property by which the system knows a message that it has already, within that window: a redrive gives it an id of its own. */
  readonly dedupeProperty?: string;
  /** The property by which those who read a channel choose what they get of it (a subject): `Driver.readersOf` is there. */
  readonly addressedBy?: string;
}

export interface RequestTraits {
  /** What is certain of a request that nobody answered. */
  readonly delivery: DeliveryGuarantee;
  /** Whether several may answer one request. */
  readonly severalReplies: boolean;
}

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

export interface ResolutionTraits {
  /**
   * How a single dead letter goes away. `removed`: it is taken out of the channel.
   * `recorded`: the channel cannot forget it, so a watermark and a set beside it say what was resolved.
   */
  readonly by: 'removed' | 'recorded';
  /** A dead letter stands for a message that stays where it was, and can be deleted with it (`ClaimRequest.originals`). */
  readonly originals?: 'stay';
  /** Dead letters are known only from when something captures them: `DeadLetters.capture` is there. */
  readonly capture?: true;
}

export interface ServerMoveTraits {
  /** What it cannot do that a redrive of ours can, a sentence each: told before it begins. */
  readonly limits: readonly string[];
}

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

export interface GroupsTraits {
  /** Why a group cannot be deleted and what to do instead; null: it can. */
  readonly undeletable: string | null;
  /** Where applications of this system keep their own places, which are not looked at there: one sentence, told of a group that is missing. */
  readonly elsewhere?: string;
}

export interface PositionsTraits {
  /** What `plan` understands. */
  readonly kinds: readonly PositionKind[];
  /** Whether a partition in which nothing was committed can be made so again. */
  readonly unset: boolean;
  /** What putting a position back cannot restore: what was settled out of order behind it. Absent: it restores all. */
  readonly undo?: 'watermark';
}

export interface AdminTraits {
  /** What `create --type` takes; the first is the default. */
  readonly types: readonly string[];
  readonly partitions: boolean;
  readonly deadLetter: boolean;
  readonly purge: boolean;
  /** Whether a channel can be cut off at a position; else all that waits goes at once. */
  readonly purgeThrough: boolean;
  /** Examples of settings for the help, `name=value`. */
  readonly settings: readonly string[];
  /** Why no setting can be changed later and what to do instead; null: some can. */
  readonly unalterable: string | null;
}

export interface FacetTraits {
  readonly publish: PublishTraits;
  readonly requests: RequestTraits;
  readonly look: LookTraits;
  readonly claim: ClaimTraits;
  readonly backlog: BacklogTraits;
  readonly groups: GroupsTraits;
  readonly positions: PositionsTraits;
  readonly deadLetters: ResolutionTraits;
  readonly serverMove: ServerMoveTraits;
  readonly atomicMove: { readonly scope: string };
  readonly lease: { readonly scope: 'broker' | 'machine' };
  readonly admin: AdminTraits;
  readonly cluster: Readonly<Record<never, never>>;
}

export type FacetName = keyof FacetTraits;

/** What a scheme has, as data: nothing is loaded to read it. */
export interface Declaration {
  /** `Apache Kafka`. */
  readonly system: string;
  /** URL schemes without the colon, the plain one first. */
  readonly schemes: readonly string[];
  /** An address to show in help and errors. */
  readonly exampleUrl: string;
  /** What the field calls a channel here. */
  readonly channelWord: 'topic' | 'queue' | 'stream' | 'subject' | 'channel';
  readonly facets: { readonly [Name in FacetName]?: FacetTraits[Name] };
  /** For a facet that is absent: what to use instead, one sentence. */
  readonly instead: { readonly [Name in FacetName]?: string };
  /** Keys of a context that this system reads beside `url`. */
  readonly contextKeys: readonly string[];
}

// ---------------------------------------------------------------------------------------------------------------------
// Opening

/** Where and how to log in; secrets are resolved already. Made by `config`, from a URL or a context. */
export interface Connection {
  /** Without user and password. */
  readonly url: string;
  readonly username: string | null;
  readonly password: string | null;
  readonly tls: {
    /** PEM texts, not paths. */
    readonly ca: string | null;
    readonly certificate: string | null;
    readonly key: string | null;
    readonly keyPassphrase: string | null;
    readonly serverName: string | null;
    /** Do not check the server's certificate. */
    readonly insecure: boolean;
  } | null;
  readonly sasl: {
    readonly mechanism: string;
    /** Mechanism's own fields: `token`, `region`, `accessKeyId`, … */
    readonly fields: Readonly<Record<string, string>>;
  } | null;
  readonly managementUrl: string | null;
  /** Advertised `host:port` → reachable `host:port`, for tunnels. */
  readonly addressMap: ReadonlyMap<string, string>;
  /** The system's own settings, unread by anyone else. */
  readonly settings: Readonly<Record<string, string>>;
  /** The channel that keeps which dead letters are resolved, where `deadLetters.by` is `recorded`; null or absent: the driver's own place. */
  readonly resolvedTopic?: string | null;
}

export interface Environment {
  /** Lines for `--debug`; never with a secret. */
  readonly log: (line: string) => void;
  /** For each network operation. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** The folder for state that outlives a run: the embedded broker's own file, leases of this machine. */
  readonly stateFolder: string;
}

/** Connects and logs in. Throws `UnreachableError`. */
export type OpenDriver = (connection: Connection, environment: Environment) => Promise<Driver>;

// ---------------------------------------------------------------------------------------------------------------------
// The core

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

export interface ChannelSummary {
  readonly channel: string;
  /** `topic`, `classic`, `quorum`, `stream`, `exchange`… */
  readonly type: string;
  readonly partitions: number | null;
  /** What is stored or waiting; an upper bound where `approximate`. */
  readonly messages: number | null;
  readonly approximate: boolean;
  readonly consumers: number | null;
  readonly bytes: number | null;
}

export interface PartitionDescription {
  readonly partition: string;
  readonly start: string | null;
  readonly end: string | null;
  readonly leader: string | null;
  readonly replicas: readonly string[];
  readonly inSync: readonly string[];
}

export interface SubscriptionDescription {
  readonly id: string;
  /** `sqs`, `lambda`, `https`… */
  readonly protocol: string;
  readonly endpoint: string;
  /** Its filter and the like, as the system has them. */
  readonly settings: Readonly<Record<string, string>>;
  /** Where what could not be delivered goes, and how many wait there; null: it is dropped. */
  readonly deadLetter: { readonly channel: string; readonly messages: number | null } | null;
}

export interface ChannelDescription extends ChannelSummary {
  readonly partitionList: readonly PartitionDescription[];
  /** How many messages ever came in, where there are no partitions whose ends tell it. It may begin anew. */
  readonly arrived?: number;
  /** Name and value as the broker has them; defaults left out where the broker says which they are. */
  readonly settings: Readonly<Record<string, string>>;
  readonly bindings: readonly {
    readonly source: string;
    readonly routingKey: string;
    readonly arguments: Readonly<Record<string, string>>;
  }[];
  /** Who gets what is sent to it, where the system calls that a subscription; left out where it has none. */
  readonly subscriptions?: readonly SubscriptionDescription[];
  /** Where it keeps nothing itself: the channels that get what is sent to it, each a copy (an exchange's bindings). */
  readonly passesOnTo?: readonly string[];
  /** Groups or subscriptions that read it; null where unknown. */
  readonly groups: readonly string[] | null;
  readonly deadLetter: { readonly channel: string; readonly how: string } | null;
  /** Whether this channel is a declared dead-letter target. */
  readonly deadLetterOf: readonly string[];
  /** What could not be asked, and why: `rates: the management API is not reachable`. */
  readonly unknown: readonly string[];
}

// ---------------------------------------------------------------------------------------------------------------------
// Publish

export interface PublishRequest {
  readonly channel: string;
  readonly delivery: DeliveryGuarantee;
  readonly compression: string | null;
}

export type Outcome =
  | {
      readonly status: 'accepted';
      readonly partition: string | null;
      readonly offset: string | null;
      readonly id: string | null;
      /** Known to be a duplicate of what was sent before, which the system has and therefore did not keep. */
      readonly suppressed?: true;
    }
  | { readonly status: 'rejected'; readonly reason: string; readonly retriable: boolean }
  /** No answer came: it may be there or not. */
  | { readonly status: 'unknown'; readonly reason: string };

export interface PublishLimits {
  /** Bytes of one message; null where unknown or unlimited. */
  readonly messageBytes: number | null;
  readonly headers: number | null;
  /** Messages whose time is longer ago are soon deleted; null: kept for ever, or unknown. Milliseconds. */
  readonly retentionMs: number | null;
}

export interface Publish {
  /** Throws `NotFoundError` where the channel is missing: nothing is ever created by publishing. */
  open(request: PublishRequest, signal: AbortSignal): Promise<Publisher>;
  limits(channel: string, signal: AbortSignal): Promise<PublishLimits>;
}

export interface Publisher {
  /**
   * One outcome for each message, in their order. May be called again before the last answer came: the order of calls
   * is the order on the wire. Rejections are outcomes; it throws only when nothing of the batch was sent.
   * In a transaction `accepted` holds once `commit` returned.
   */
  send(messages: readonly OutgoingMessage[]): Promise<readonly Outcome[]>;
  /** Transactions only: makes all that was sent visible, or throws. */
  commit(): Promise<void>;
  /** Transactions only: nothing that was sent becomes visible. */
  abort(): Promise<void>;
  /** The broker asked to wait (blocked connection, quota); null when it did not. */
  readonly blocked: string | null;
  close(): Promise<void>;
}

// ---------------------------------------------------------------------------------------------------------------------
// Requests

export interface RequestToSend {
  readonly channel: string;
  readonly message: OutgoingMessage;
  /** Ends after so many replies; null: when none came for `gapMs`. More than 1 only where `severalReplies` is declared. */
  readonly replies: number | null;
  /** Ends when after a reply no other came for so many milliseconds. */
  readonly gapMs: number;
}

export interface Reply {
  readonly message: Message;
  /** Whoever answered says that it failed, in the system's own way of saying so; null: it does not. */
  readonly error: string | null;
}

/** Messages that are answered by whoever gets them. */
export interface Requests {
  /** Who else keeps or sees what is sent there, a sentence each; empty: nobody. Throws `UsageError` where no request can be sent. */
  appraise(channel: string, signal: AbortSignal): Promise<readonly string[]>;
  /**
   * Sends it once, and gives the replies as they come, at least one. Throws `FailedError` with code `NO_RESPONDERS` where nobody
   * listens there, `NO_REPLY` where no reply came in time (it may have been received), `REJECTED` where it was not sent.
   */
  send(request: RequestToSend, signal: AbortSignal): AsyncIterable<Reply>;
}

// ---------------------------------------------------------------------------------------------------------------------
// Look

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

// ---------------------------------------------------------------------------------------------------------------------
// Claim

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

// ---------------------------------------------------------------------------------------------------------------------
// Backlog, groups, positions

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

export interface GroupSummary {
  readonly group: string;
  readonly kind: string;
  readonly state: string | null;
  readonly members: number | null;
}

export interface GroupMember {
  readonly id: string;
  readonly client: string | null;
  readonly host: string | null;
  readonly partitions: readonly { readonly channel: string; readonly partition: string | null }[];
  readonly inFlight: number | null;
  readonly prefetch: number | null;
}

export interface GroupDescription extends GroupSummary {
  readonly coordinator: string | null;
  readonly channels: readonly string[];
  readonly memberList: readonly GroupMember[];
  readonly unknown: readonly string[];
}

export interface Groups {
  list(request: { readonly match: string | null }, signal: AbortSignal): Promise<readonly GroupSummary[]>;
  /** Throws `NotFoundError`. */
  describe(group: string, signal: AbortSignal): Promise<GroupDescription>;
  /**
   * With everything that it has committed; its messages stay. Throws `NotFoundError`, `FailedError` with code `ACTIVE` where it
   * has members, `UnsupportedError` where `undeletable` is declared.
   */
  delete(group: string, signal: AbortSignal): Promise<void>;
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

// ---------------------------------------------------------------------------------------------------------------------
// Dead letters

export interface DeadLetterPair {
  readonly source: string;
  readonly deadLetter: string;
  /** What declares it: `x-dead-letter-exchange`, `policy orders-dlx`, `errors.deadletterqueue.group.enable`… */
  readonly how: string;
}

/** Which dead letters of a channel are done with, where the channel cannot forget them. */
export interface ResolvedState {
  /** `fresh`: nobody worked here yet. `forgotten`: the record was lost, so resolved and unresolved cannot be told apart. */
  readonly memory: 'fresh' | 'kept' | 'forgotten';
  /** Milliseconds since 1970 at which the broker may drop the record; null: never, or unknown. */
  readonly expiresAt: number | null;
  readonly unresolved: number | null;
  /** Of each partition, the offset before which everything is resolved. */
  readonly doneBefore: ReadonlyMap<string, string>;
  /** How many lie before that, at most. */
  readonly doneCount: number;
  isResolved(reference: MessageReference): boolean;
}

/** What has to be there for dead letters to be known at all. */
export interface DeadLetterCapture {
  /** What would be made, a line each; null: it is there. */
  missing(signal: AbortSignal): Promise<readonly string[] | null>;
  /** Makes it. Throws `FailedError` with code `EXISTS` where it is there. */
  install(signal: AbortSignal): Promise<void>;
}

export interface DeadLetters {
  /** Only where `capture` is declared. */
  readonly capture?: DeadLetterCapture;
  /** What the broker declares. Conventions of names are the engine's. */
  pairs(signal: AbortSignal): Promise<readonly DeadLetterPair[]>;
  /** The system's own words on why it died; null where it has none. Frameworks' headers are the engine's. */
  read(message: Message): DeadLetter | null;
  /** By which key it first went its way, as the system noted it; null: it did not. Only where `publish.routing` is declared. */
  routingKey?(message: Message): string | null;
  /** Where the dead letters of this message came from, if this system's facts say so. */
  readonly volatileHeaders: readonly string[];
  readonly volatileProperties: readonly string[];
  /** Only where `by` is `recorded`. */
  resolved?(channel: string, signal: AbortSignal): Promise<ResolvedState>;
  /**
   * Records these as resolved without moving them, and that something is remembered here: with none, the record is begun.
   * Only where `by` is `recorded`. Throws `FailedError` where the record has no more room.
   */
  resolve?(channel: string, references: readonly MessageReference[], signal: AbortSignal): Promise<void>;
}

export interface ServerMoveRequest {
  readonly channel: string;
  /** null: each where it came from. */
  readonly to: string | null;
  /** null: as fast as the server does. */
  readonly ratePerSecond: number | null;
}

export interface ServerMoveProgress {
  readonly state: 'running' | 'done' | 'failed' | 'cancelled';
  /** Both approximate. */
  readonly moved: number;
  readonly toMove: number | null;
  readonly reason: string | null;
}

/** The system moves all dead letters of a channel by itself. */
export interface ServerMove {
  /** Resolves with the task's name. Throws `NotFoundError`, `UsageError` where there is nothing that it would move. */
  start(request: ServerMoveRequest, signal: AbortSignal): Promise<string>;
  /** Of the newest task; null where the system has forgotten it. */
  progress(channel: string, signal: AbortSignal): Promise<ServerMoveProgress | null>;
  /** What was moved stays moved. */
  cancel(channel: string, task: string, signal: AbortSignal): Promise<void>;
}

export interface AtomicMoveRequest {
  readonly source: string;
  readonly destination: Driver;
  readonly channel: string;
  /** Stable over the runs of one redrive, so that a new run fences the old one. */
  readonly name: string;
}

/** `gone`: it is no longer in the channel (purged, expired, taken by someone else), and nobody can say whether it was moved. */
export type Recovered = 'moved' | 'not-moved' | 'gone';

export interface MoveItem {
  readonly source: Message;
  readonly outgoing: OutgoingMessage;
}

/** Publish and settle in one step: exactly once. */
export interface AtomicMove {
  /** All or nothing for the batch where it throws; else one outcome for each. */
  move(items: readonly MoveItem[], signal: AbortSignal): Promise<readonly Outcome[]>;
  /**
   * After a crash: what became of the last `move`? Fences the run before, so the answer stays true. Asked about earlier
   * ones, `gone` may be the answer for what was moved.
   */
  recover(sources: readonly MessageReference[], signal: AbortSignal): Promise<readonly Recovered[]>;
  close(): Promise<void>;
}

export interface LeaseHolder {
  readonly who: string;
  readonly host: string;
  readonly since: number;
}

/** One operator for each dead-letter channel. */
export interface Lease {
  /** Throws `FailedError` with code `HELD` that says who holds it, where, since when; `takeOver` ends that lease. */
  acquire(channel: string, holder: LeaseHolder, takeOver: boolean, signal: AbortSignal): Promise<HeldLease>;
}

export interface HeldLease {
  /** Aborts when the lease was lost. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

// ---------------------------------------------------------------------------------------------------------------------
// Admin and cluster

export interface CreateRequest {
  readonly channel: string;
  readonly type: string | null;
  readonly partitions: number | null;
  readonly settings: Readonly<Record<string, string>>;
  readonly deadLetter: string | null;
}

export interface ChannelSetting {
  /** As the system writes it: it may have been asked for in another form. */
  readonly name: string;
  /** Set for this very channel; null: it was not set, and gets what holds for others. */
  readonly own: string | null;
  /** What applies now; null: nothing does, or the system keeps it secret. */
  readonly effective: string | null;
  /** Why it cannot be changed, one sentence; null: it can. */
  readonly fixed: string | null;
}

export interface AlterRequest {
  readonly channel: string;
  /** null takes the channel's own value away: as if it was never set. */
  readonly changes: readonly { readonly name: string; readonly value: string | null }[];
  /** Only ask whether they would be taken, as far as the system can tell without doing it. */
  readonly checkOnly: boolean;
}

export interface Admin {
  /** Throws `FailedError` with code `EXISTS`, `UsageError` for a type or setting it does not know. */
  create(request: CreateRequest, signal: AbortSignal): Promise<void>;
  delete(channel: string, signal: AbortSignal): Promise<void>;
  /** Removes what waits now; resolves with how many, null where the broker does not say. */
  purge(channel: string, signal: AbortSignal): Promise<number | null>;
  /**
   * Removes what lies up to the offset given for each partition, that one included, and nothing behind it; a partition that
   * is not named keeps all. Only where `purgeThrough` is declared. Resolves with how many, null where the broker does not say.
   */
  purgeThrough?(
    channel: string,
    through: ReadonlyMap<string, string>,
    signal: AbortSignal,
  ): Promise<number | null>;
  /** Those that are named, in that order. Throws `NotFoundError`, `UsageError` for a name that the system does not know. */
  settings(
    channel: string,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly ChannelSetting[]>;
  /**
   * All changes or none; they hold when it resolves. Throws `NotFoundError`, `UsageError` for a value that is not taken,
   * `UnsupportedError` for a setting that is `fixed`.
   */
  alter(request: AlterRequest, signal: AbortSignal): Promise<void>;
}

export interface ClusterNode {
  readonly node: string;
  readonly address: string | null;
  readonly version: string | null;
  /** `controller`, `leader`, … */
  readonly role: string | null;
  readonly running: boolean;
}

export interface ClusterStatus {
  readonly system: string;
  readonly version: string | null;
  readonly cluster: string | null;
  readonly nodes: readonly ClusterNode[];
  /** What is wrong, a sentence each; empty: well. */
  readonly problems: readonly string[];
  readonly facts: Readonly<Record<string, string>>;
  readonly unknown: readonly string[];
}

export interface Cluster {
  status(signal: AbortSignal): Promise<ClusterStatus>;
}
