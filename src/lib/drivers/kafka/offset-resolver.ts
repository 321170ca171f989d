import { NotFoundError, UsageError } from '../../errors.ts';
import type { Position, Positions } from '../../message/position.ts';
import { committedOffsets } from './committed-offsets.ts';
import { protocolFailure } from './failures.ts';
import { namedGroups } from './group-directory.ts';
import { eachInFlight } from './in-flight.ts';
import { errorCodes } from './protocol/error-codes.ts';
import { listOffsets, offsetMarks } from './protocol/list-offsets.ts';
import type { TopicMetadata } from './protocol/metadata.ts';
import type { Session } from './session.ts';

export interface Edges {
  readonly start: number;
  /** One past the last record that may be seen. */
  readonly end: number;
}

/** Turns positions into offsets of one topic's partitions, within the edges that were read when it was made. */
export class OffsetResolver {
  readonly #session: Session;
  readonly #topic: TopicMetadata;
  readonly #signal: AbortSignal;
  readonly edges: ReadonlyMap<number, Edges>;

  private constructor(
    session: Session,
    topic: TopicMetadata,
    edges: ReadonlyMap<number, Edges>,
    signal: AbortSignal,
  ) {
    this.#session = session;
    this.#topic = topic;
    this.edges = edges;
    this.#signal = signal;
  }

  /** `readCommitted`: the end is the last stable offset. Throws `FailedError` for a partition without a leader. */
  static async open(
    session: Session,
    topic: TopicMetadata,
    partitions: readonly number[],
    readCommitted: boolean,
    signal: AbortSignal,
  ): Promise<OffsetResolver> {
    const ask = (at: bigint): Promise<ReadonlyMap<number, number>> =>
      offsetsAt(
        session,
        topic,
        new Map(partitions.map((partition) => [partition, at])),
        readCommitted,
        signal,
      );
    const [starts, ends] = await Promise.all([ask(offsetMarks.earliest), ask(offsetMarks.latest)]);
    const edges = new Map(
      partitions.map((partition) => {
        const start = starts.get(partition) ?? 0;
        return [partition, { start, end: Math.max(start, ends.get(partition) ?? 0) }] as const;
      }),
    );
    return new OffsetResolver(session, topic, edges, signal);
  }

  /**
   * The offset in each partition, within its edges; where `positions` names partitions, in those alone. A group that stands
   * nowhere in a partition has not begun there: its start. Throws `UsageError`, `NotFoundError`.
   */
  async resolve(positions: Positions): Promise<ReadonlyMap<number, number>> {
    const places = await this.places(positions, null);
    return new Map(
      [...places].map(([partition, place]) => {
        const { start, end } = this.edges.get(partition) ?? { start: 0, end: 0 };
        return [partition, Math.min(Math.max(place ?? start, start), end)];
      }),
    );
  }

  /**
   * What the positions mean to the letter, also outside of the edges. null: the group that is named, or whose current place is
   * meant, has committed nothing there. `current`: where that group stands; null: nobody's place is meant.
   * Throws `UsageError`, `NotFoundError`.
   */
  async places(
    positions: Positions,
    current: ReadonlyMap<number, number> | null,
  ): Promise<ReadonlyMap<number, number | null>> {
    const wanted = new Map<number, Position>();
    if ('every' in positions) {
      for (const partition of this.edges.keys()) wanted.set(partition, positions.every);
    } else {
      for (const [name, position] of positions.byPartition) {
        const partition = partitionOf(this.#topic, name, this.#session.target);
        if (this.edges.has(partition)) wanted.set(partition, position);
      }
    }
    const times = await this.#times(wanted);
    const committed = await this.#committed(wanted);
    const offsets = new Map<number, number | null>();
    const shifted = (base: number | undefined, shift: bigint): number | null =>
      base === undefined ? null : base + Number(shift);
    for (const [partition, position] of wanted) {
      const { start, end } = this.edges.get(partition) ?? { start: 0, end: 0 };
      const place = (): number | null => {
        switch (position.kind) {
          case 'start':
            return start + Number(position.shift);
          case 'end':
            return end + Number(position.shift);
          case 'offset':
            return offsetNumber(position.offset);
          case 'after':
            return offsetNumber(position.offset) + 1;
          case 'time':
            return times.get(partition) ?? end;
          case 'group':
            return shifted(committed.get(position.group)?.get(partition), position.shift);
          case 'current':
            if (current !== null) return shifted(current.get(partition), position.shift);
            throw new UsageError('"current" is where the group that is reset stands: it has no meaning here');
          case 'id':
            throw new UsageError(`Kafka knows no position "${position.kind}" here`, {
              hint: 'use start, end, an offset, a time (@…) or group:NAME',
            });
        }
      };
      offsets.set(partition, place());
    }
    return offsets;
  }

  async #times(wanted: ReadonlyMap<number, Position>): Promise<ReadonlyMap<number, number>> {
    const at = new Map<number, bigint>();
    for (const [partition, position] of wanted) {
      if (position.kind === 'time') at.set(partition, BigInt(Math.max(0, Math.trunc(position.time))));
    }
    if (at.size === 0) return new Map();
    const found = await offsetsAt(this.#session, this.#topic, at, false, this.#signal);
    return new Map([...found].filter(([, offset]) => offset >= 0));
  }

  async #committed(
    wanted: ReadonlyMap<number, Position>,
  ): Promise<ReadonlyMap<string, ReadonlyMap<number, number>>> {
    const names = [...wanted.values()].flatMap((position) =>
      position.kind === 'group' ? [position.group] : [],
    );
    if (names.length === 0) return new Map();
    const groups = await namedGroups(this.#session, names, this.#signal);
    const { offsets, silent } = await committedOffsets(this.#session, groups, this.#signal);
    for (const failure of silent.values()) throw failure;
    return new Map(
      [...offsets].map(([group, places]) => [
        group,
        new Map(
          places
            .filter(({ topic, committed }) => topic === this.#topic.topic && committed !== null)
            .map(({ partition, committed }) => [partition, Number(committed ?? 0n)] as const),
        ),
      ]),
    );
  }
}

/** A partition by its name as `describe` prints it. Throws `NotFoundError`. */
export function partitionOf(topic: TopicMetadata, name: string, where: string): number {
  const found = topic.partitions.find(({ partition }) => String(partition) === name);
  if (found === undefined) throw new NotFoundError('partition', name, `topic "${topic.topic}" of ${where}`);
  return found.partition;
}

function offsetNumber(text: string): number {
  const offset = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(offset))
    throw new UsageError(`"${text}" is no offset of Kafka`, { hint: 'offsets are whole numbers from 0' });
  return offset;
}

/** ListOffsets at the leaders; −1: no record has that time or a later one. A leader that has just changed is asked once more. */
async function offsetsAt(
  session: Session,
  topic: TopicMetadata,
  at: ReadonlyMap<number, bigint>,
  readCommitted: boolean,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, number>> {
  const found = new Map<number, number>();
  let current = topic;
  for (let attempt = 0; ; attempt += 1) {
    const missing = [...at.keys()].filter((partition) => !found.has(partition));
    if (missing.length === 0) return found;
    if (attempt > 0) current = await session.topic(topic.topic, signal);
    let failure = 0;
    const leaders = Map.groupBy(missing, (partition) => leaderOf(current, partition));
    await eachInFlight([...leaders], async ([leader, partitions]) => {
      if (leader < 0) {
        failure = errorCodes.LEADER_NOT_AVAILABLE;
        return;
      }
      const places = partitions.map((partition) => ({
        partition,
        at: at.get(partition) ?? offsetMarks.latest,
      }));
      const request = { readCommitted, topics: [{ topic: topic.topic, partitions: places }] };
      for (const { partition, errorCode, offset } of await session.send(leader, listOffsets, request, {
        signal,
      })) {
        if (errorCode === 0) found.set(partition, Number(offset));
        else failure = errorCode;
      }
    });
    if (failure !== 0 && attempt > 0) {
      throw protocolFailure(failure, {
        doing: 'find the offsets of',
        kind: 'topic',
        name: topic.topic,
        where: session.target,
      });
    }
  }
}

function leaderOf(topic: TopicMetadata, partition: number): number {
  return topic.partitions.find((each) => each.partition === partition)?.leader ?? -1;
}
