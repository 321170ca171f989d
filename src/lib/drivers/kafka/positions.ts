import { FailedError } from '../../errors.ts';
import type {
  CommittedPosition,
  GroupPositions,
  PositionChange,
  PositionOutcome,
  PositionPlan,
  PositionTarget,
} from '../driver.ts';
import { committedOffsets } from './committed-offsets.ts';
import { namedGroups } from './group-directory.ts';
import { partitionBounds, placeKey } from './partition-bounds.ts';
import type { PartitionPlace } from './partition-bounds.ts';
import { planPositions } from './position-plan.ts';
import { setPositions } from './position-set.ts';
import type { TopicMetadata } from './protocol/metadata.ts';
import type { Session } from './session.ts';

/**
 * Where groups stand: in every partition of the topics in which they committed something. Asks the coordinator, joins
 * nothing: kafkajs' own way of setting offsets joins, and makes a KIP-848 group a classic one.
 */
export class KafkaPositions implements GroupPositions {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async read(group: string, signal: AbortSignal): Promise<readonly CommittedPosition[]> {
    const known = await namedGroups(this.#session, [group], signal);
    const { offsets, silent } = await committedOffsets(this.#session, known, signal);
    const committed = offsets.get(group);
    if (committed === undefined) {
      throw (
        silent.get(group) ??
        new FailedError(`the coordinator of group "${group}" said nothing about it`, { retriable: true })
      );
    }
    const names = [...new Set(committed.map(({ topic }) => topic))];
    const { topics } = await this.#session.metadata(names, signal);
    const places = withUncommitted(committed, topics);
    const { bounds } = await partitionBounds(this.#session, places, topics, signal);
    return places
      .sort((one, other) => compare(one.topic, other.topic) || one.partition - other.partition)
      .map((each) => {
        const { start = null, end = null } = bounds.get(placeKey(each)) ?? {};
        return {
          channel: each.topic,
          partition: String(each.partition),
          committed: text(each.committed),
          start: text(start),
          end: text(end),
          metadata: each.metadata,
        };
      });
  }

  plan(
    { group, targets }: { readonly group: string; readonly targets: readonly PositionTarget[] },
    signal: AbortSignal,
  ): Promise<PositionPlan> {
    return planPositions(this.#session, group, targets, signal);
  }

  set(
    group: string,
    changes: readonly PositionChange[],
    signal: AbortSignal,
  ): Promise<readonly PositionOutcome[]> {
    return setPositions(this.#session, group, changes, signal);
  }
}

interface Place extends PartitionPlace {
  readonly committed: bigint | null;
  readonly metadata: string | null;
}

function withUncommitted(committed: readonly Place[], topics: readonly TopicMetadata[]): Place[] {
  const known = new Set(committed.map(placeKey));
  const others = topics.flatMap(({ topic, partitions }) =>
    partitions.map(({ partition }) => ({ topic, partition, committed: null, metadata: null })),
  );
  return [...committed, ...others.filter((place) => !known.has(placeKey(place)))];
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function text(offset: bigint | null): string | null {
  return offset === null ? null : String(offset);
}
