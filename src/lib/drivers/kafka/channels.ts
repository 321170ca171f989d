import { globMatches } from '../../message/glob.ts';
import type { ChannelSummary } from '../driver.ts';
import { partitionBounds, placeKey } from './partition-bounds.ts';
import type { Bounds } from './partition-bounds.ts';
import type { TopicMetadata } from './protocol/metadata.ts';
import type { Session } from './session.ts';

/** All topics of the cluster by name, with an upper bound of what each holds. */
export async function* kafkaChannels(
  session: Session,
  request: { readonly match: string | null; readonly internal: boolean },
  signal: AbortSignal,
): AsyncGenerator<ChannelSummary> {
  const { topics } = await session.metadata(null, signal);
  const wanted = topics
    .filter(({ topic, internal }) => (request.internal || !internal) && globMatches(request.match, topic))
    .sort((one, other) => (one.topic < other.topic ? -1 : 1));
  const places = wanted.flatMap(({ topic, partitions }) =>
    partitions.map(({ partition }) => ({ topic, partition })),
  );
  const { bounds } = await partitionBounds(session, places, wanted, signal);
  for (const topic of wanted) yield summaryOf(topic, bounds);
}

/** Offsets between start and end; null when one of them is unknown. */
export function summaryOf(topic: TopicMetadata, bounds: ReadonlyMap<string, Bounds>): ChannelSummary {
  let messages: number | null = 0;
  for (const { partition } of topic.partitions) {
    const { start = null, end = null } = bounds.get(placeKey({ topic: topic.topic, partition })) ?? {};
    messages = messages === null || start === null || end === null ? null : messages + Number(end - start);
  }
  return {
    channel: topic.topic,
    type: 'topic',
    partitions: topic.partitions.length,
    messages,
    // Compaction, aborted transactions and their markers leave offsets without a message.
    approximate: true,
    consumers: null,
    bytes: null,
  };
}
