import { hostname } from 'node:os';
import { FailedError } from '../../errors.ts';
import { GroupMember } from './group-member.ts';
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from './protocol/membership/consumer-protocol.ts';
import type { Membership } from './protocol/membership/membership.ts';
import type { TopicMetadata } from './protocol/metadata.ts';
import { rangeAssignment } from './range-assignment.ts';
import type { Session } from './session.ts';

/** Which partitions of a topic a claim may take from, and under which membership it commits. */
export interface Holding {
  /** Those held now, with the version since which they are held without a break. */
  readonly partitions: ReadonlyMap<number, number>;
  /** With what to commit; null: as nobody's member. */
  readonly membership: Membership | null;
  /** Counts up at each change. */
  readonly version: number;
  /** Resolves at the next change. */
  changed(): Promise<void>;
  /** Throws what ended it. */
  check(): void;
  leave(): Promise<void>;
}

/** Counts the changes and tells who waits for one. */
class Changes {
  version = 0;
  #waiting = Promise.withResolvers<void>();

  /** What is held now, with the version since when. */
  next(partitions: readonly number[], before: ReadonlyMap<number, number>): ReadonlyMap<number, number> {
    this.version += 1;
    this.#waiting.resolve();
    this.#waiting = Promise.withResolvers<void>();
    return new Map(partitions.map((partition) => [partition, before.get(partition) ?? this.version]));
  }

  wait(): Promise<void> {
    return this.#waiting.promise;
  }
}

/** Partitions that a consumer group assigned to us. */
export class GroupHolding implements Holding {
  readonly #changes = new Changes();
  #partitions: ReadonlyMap<number, number> = new Map();
  #member: GroupMember | null = null;

  static async join(
    session: Session,
    group: string,
    topic: TopicMetadata,
    signal: AbortSignal,
  ): Promise<GroupHolding> {
    const holding = new GroupHolding();
    holding.#member = await GroupMember.join(
      session,
      {
        group,
        protocolType: 'consumer',
        protocol: 'range',
        metadata: encodeSubscription([topic.topic]),
        assign: async (members) => {
          const subscriptions = new Map(
            members.map(({ member, metadata }) => [member, decodeSubscription(metadata)]),
          );
          const names = [...new Set([...subscriptions.values()].flat())];
          const { topics } = await session.metadata(names, signal);
          const counts = new Map(topics.map((each) => [each.topic, each.partitions.length]));
          return new Map(
            [...rangeAssignment(subscriptions, counts)].map(([member, assignment]) => [
              member,
              encodeAssignment(assignment),
            ]),
          );
        },
        onAssigned: (assignment) => {
          holding.#hold(decodeAssignment(assignment).get(topic.topic) ?? []);
        },
        onLost: () => {
          holding.#hold([]);
        },
      },
      signal,
    );
    return holding;
  }

  get partitions(): ReadonlyMap<number, number> {
    return this.#partitions;
  }

  get membership(): Membership | null {
    return this.#member?.membership ?? null;
  }

  get version(): number {
    return this.#changes.version;
  }

  changed(): Promise<void> {
    return this.#changes.wait();
  }

  check(): void {
    const failure = this.#member?.failure ?? null;
    if (failure !== null) throw failure;
  }

  async leave(): Promise<void> {
    await this.#member?.leave();
  }

  #hold(partitions: readonly number[]): void {
    this.#partitions = this.#changes.next(partitions, this.#partitions);
  }
}

/**
 * All partitions of a topic for one holder at a time: the leader of a group of its own, `mqctl-claim.<topic>`, which ends by itself
 * with its holder. Two who record what is resolved would overwrite each other.
 */
export class ExclusiveHolding implements Holding {
  readonly membership = null;
  readonly #changes = new Changes();
  #partitions: ReadonlyMap<number, number> = new Map();
  #member: GroupMember | null = null;

  /** `wait`: as long as somebody else holds it; else throws `FailedError` with code `HELD`. */
  static async join(
    session: Session,
    topic: TopicMetadata,
    wait: boolean,
    signal: AbortSignal,
  ): Promise<ExclusiveHolding> {
    const holding = new ExclusiveHolding();
    const all = topic.partitions.map(({ partition }) => partition);
    let holder = '';
    const self = `a process on ${hostname()} (pid ${String(process.pid)})`;
    holding.#member = await GroupMember.join(
      session,
      {
        group: `mqctl-claim.${topic.topic}`,
        protocolType: 'mqctl-claim',
        protocol: 'one',
        metadata: new Uint8Array(0),
        assign: async (members, leader) =>
          new Map(members.map(({ member }) => [member, Buffer.from(member === leader ? '' : self)])),
        onAssigned: (assignment) => {
          holder = Buffer.from(assignment).toString();
          holding.#hold(holder === '' ? all : []);
        },
        onLost: () => {
          holding.#hold([]);
        },
      },
      signal,
    );
    if (holder !== '' && !wait) {
      await holding.leave();
      throw new FailedError(`the dead letters of "${topic.topic}" are being worked on by ${holder}`, {
        code: 'HELD',
        hint: 'wait until that run ends',
      });
    }
    return holding;
  }

  get partitions(): ReadonlyMap<number, number> {
    return this.#partitions;
  }

  get version(): number {
    return this.#changes.version;
  }

  changed(): Promise<void> {
    return this.#changes.wait();
  }

  check(): void {
    const failure = this.#member?.failure ?? null;
    if (failure !== null) throw failure;
  }

  async leave(): Promise<void> {
    await this.#member?.leave();
  }

  #hold(partitions: readonly number[]): void {
    // Still the leader after somebody came or went: nothing changed.
    if (partitions.length === this.#partitions.size && this.#changes.version > 0) return;
    this.#partitions = this.#changes.next(partitions, this.#partitions);
  }
}
