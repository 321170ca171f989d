import { MqctlError } from '../../errors.ts';
import { chunks, eachInFlight } from './in-flight.ts';
import { placeKey } from './partition-bounds.ts';
import type { PartitionPlace } from './partition-bounds.ts';
import { describeProducers } from './protocol/describe-producers.ts';
import type { Session } from './session.ts';

/** Of one request: a leader answers for all of its partitions at once. */
const partitionsAtOnce = 20_000;

/**
 * Those in which somebody wrote with transactions of late (until the broker forgets an idle producer, a day by default): their
 * offsets are more than their messages. What a broker does not tell is left out. Keys are those of `placeKey`.
 */
export async function transactionalPartitions(
  session: Session,
  places: readonly PartitionPlace[],
  leaders: ReadonlyMap<string, number>,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const byLeader = Map.groupBy(places, (place) => leaders.get(placeKey(place)) ?? -1);
  const requests = [...byLeader].flatMap(([leader, ofLeader]) =>
    leader < 0 ? [] : chunks(ofLeader, partitionsAtOnce).map((part) => ({ leader, part })),
  );
  await eachInFlight(requests, async ({ leader, part }) => {
    const topics = [...Map.groupBy(part, ({ topic }) => topic)].map(([topic, list]) => ({
      topic,
      partitions: list.map(({ partition }) => partition),
    }));
    try {
      if ((await session.versionAt(leader, describeProducers, signal)) === null) return;
      for (const { topic, partition, producers } of await session.send(leader, describeProducers, topics, {
        signal,
      }))
        if (producers.some(({ coordinatorEpoch, openSince }) => coordinatorEpoch >= 0 || openSince >= 0n))
          found.add(placeKey({ topic, partition }));
    } catch (error) {
      if (!(error instanceof MqctlError)) throw error;
    }
  });
  return found;
}
