import { eachInFlight } from './in-flight.ts';
import { describeProducers } from './protocol/describe-producers.ts';
import { errorCodes, errorName, isRetriable } from './protocol/error-codes.ts';
import { stableOffsetFetch } from './protocol/groups/offset-fetch.ts';
import type { Session } from './session.ts';

export interface GroupPart {
  readonly topic: string;
  readonly partitions: readonly number[];
}

/** What a transaction writes to. */
export interface TransactionReach {
  /** By topic. */
  readonly partitions: ReadonlyMap<string, readonly number[]>;
  /** Of which it commits the offsets, by group. */
  readonly groups: ReadonlyMap<string, GroupPart>;
}

export interface MissingMarks extends TransactionReach {
  /** A broker that would know did not say: to be asked again. */
  readonly untold: boolean;
}

/**
 * Where the last transaction of a producer has no mark (KIP-664), although its coordinator holds that it is complete. A coordinator
 * of Kafka 4 leaves out a partition that has no leader just then, as one that was deleted: it stays open there, readers of
 * committed records do not get past it, and the next mark of this producer decides it, whichever that is.
 *
 * What this login may not see is taken for marked.
 */
export class TransactionMarks {
  readonly #session: Session;
  readonly #producerId: bigint;
  /** By topic and partition; null: the topic is gone, and with it whoever would read it. */
  #leaders = new Map<string, ReadonlyMap<number, number> | null>();

  constructor(session: Session, producerId: bigint) {
    this.#session = session;
    this.#producerId = producerId;
  }

  /** Throws `UnreachableError`. */
  async missing(reach: TransactionReach, signal: AbortSignal): Promise<MissingMarks> {
    let found: MissingMarks | null = null;
    try {
      found = await this.#ask(reach, signal);
      return found;
    } finally {
      // A leader that moved, or does not answer, is looked for before it is asked again.
      if (found === null || found.untold) this.#leaders.clear();
    }
  }

  async #ask({ partitions, groups }: TransactionReach, signal: AbortSignal): Promise<MissingMarks> {
    const open = new Map<string, number[]>();
    let untold = false;
    const topics = [...partitions.keys()];
    if (topics.some((topic) => !this.#leaders.has(topic))) await this.#learn(topics, signal);
    const places = [...partitions].flatMap(([topic, list]) => {
      const leaders = this.#leaders.get(topic);
      if (leaders === null) return [];
      return list.map((partition) => ({ topic, partition, leader: leaders?.get(partition) ?? -1 }));
    });
    const leaders = [...Map.groupBy(places, (place) => place.leader)];
    await eachInFlight(leaders, async ([leader, ofLeader]) => {
      if (leader < 0) {
        untold = true;
        return;
      }
      if ((await this.#session.versionAt(leader, describeProducers, signal)) === null) return;
      const request = [...Map.groupBy(ofLeader, ({ topic }) => topic)].map(([topic, list]) => ({
        topic,
        partitions: list.map(({ partition }) => partition),
      }));
      const answer = await this.#session.send(leader, describeProducers, request, {
        signal,
        lane: 'transactions',
      });
      for (const { topic, partition, errorCode, producers } of answer) {
        if (errorCode !== 0)
          untold = this.#isUntold(errorCode, `partition ${topic}-${String(partition)}`) || untold;
        else if (
          producers.some(({ producerId, openSince }) => producerId === this.#producerId && openSince >= 0n)
        )
          open.set(topic, [...(open.get(topic) ?? []), partition]);
      }
    });
    const unstable = new Map<string, GroupPart>();
    await eachInFlight([...groups], async ([group, part]) => {
      const stability = await this.#stabilityOf(group, part, signal);
      if (stability === 'unstable') unstable.set(group, part);
      untold ||= stability === 'untold';
    });
    return { partitions: open, groups: unstable, untold };
  }

  /** Offsets that this producer, or another one, has not committed yet. */
  async #stabilityOf(
    group: string,
    part: GroupPart,
    signal: AbortSignal,
  ): Promise<'stable' | 'unstable' | 'untold'> {
    if ((await this.#session.versionAtAny(stableOffsetFetch, signal)) === null) return 'stable';
    const answers = await this.#session.sendToCoordinator(
      'group',
      group,
      stableOffsetFetch,
      { group, ...part },
      {
        signal,
        lane: 'transactions',
      },
    );
    for (const { errorCode, offsets } of answers) {
      if (errorCode !== 0) {
        this.#session.forgetCoordinator('group', group);
        return this.#isUntold(errorCode, `group ${group}`) ? 'untold' : 'stable';
      }
      if (offsets.some((each) => each.errorCode === errorCodes.UNSTABLE_OFFSET_COMMIT)) return 'unstable';
    }
    return 'stable';
  }

  #isUntold(errorCode: number, where: string): boolean {
    if (isRetriable(errorCode)) return true;
    this.#session.environment.log(
      `kafka ${where}: whether its transaction was ended is not told: ${errorName(errorCode)}`,
    );
    return false;
  }

  async #learn(topics: readonly string[], signal: AbortSignal): Promise<void> {
    const answer = await this.#session.metadata(topics, signal);
    for (const { topic, errorCode, partitions } of answer.topics)
      this.#leaders.set(
        topic,
        errorCode === errorCodes.UNKNOWN_TOPIC_OR_PARTITION
          ? null
          : new Map(partitions.map(({ partition, leader }) => [partition, leader])),
      );
  }
}
