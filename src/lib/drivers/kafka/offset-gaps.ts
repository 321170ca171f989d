import { placeKey } from './partition-bounds.ts';
import type { TopicMetadata } from './protocol/metadata.ts';
import { recordTimes } from './record-times.ts';
import type { Session } from './session.ts';
import { topicRetention } from './topic-retention.ts';
import { transactionalPartitions } from './transactional-partitions.ts';

/**
 * Whether from these offsets on, by partition, there may be fewer records than offsets: a topic that is compacted, and what
 * transactions have written, whose marks are offsets, too.
 */
export async function mayHaveGaps(
  session: Session,
  topic: TopicMetadata,
  from: ReadonlyMap<number, number>,
  signal: AbortSignal,
): Promise<boolean> {
  if (from.size === 0) return false;
  const places = [...from].map(([partition, offset]) => ({
    topic: topic.topic,
    partition,
    offset: BigInt(offset),
  }));
  const leaders = new Map(
    topic.partitions.map(({ partition, leader }) => [placeKey({ topic: topic.topic, partition }), leader]),
  );
  const [retention, { times }, transactional] = await Promise.all([
    topicRetention(session, [topic.topic], signal),
    recordTimes(session, places, leaders, signal),
    transactionalPartitions(session, places, leaders, signal),
  ]);
  return (
    retention.get(topic.topic)?.compacted === true ||
    transactional.size > 0 ||
    [...times.values()].some((time) => time?.transactional === true)
  );
}
