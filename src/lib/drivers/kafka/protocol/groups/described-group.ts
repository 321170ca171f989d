/** What the four requests that describe groups have in common. */
export interface DescribedGroup {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly group: string;
  readonly state: string;
  readonly members: readonly DescribedMember[];
  /** Topics that members subscribe to, as far as the answer says. */
  readonly subscribed: readonly string[];
}

export interface DescribedMember {
  readonly id: string;
  /** Static membership (KIP-345). */
  readonly instance: string | null;
  readonly client: string;
  readonly host: string;
  readonly assignment: readonly AssignedTopic[];
}

export interface AssignedTopic {
  readonly topic: string;
  readonly partitions: readonly number[];
}
