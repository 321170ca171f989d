/** A channel: listed in a line, and described in full. */

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
