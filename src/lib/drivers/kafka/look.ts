import { UsageError } from '../../errors.ts';
import type { Message } from '../../message/message.ts';
import type { Appraisal, Look, Looking, LookReport, LookRequest } from '../driver.ts';
import { OffsetResolver, partitionOf } from './offset-resolver.ts';
import type { Session } from './session.ts';
import { TopicReader } from './topic-reader.ts';

/** Reads by partition and offset: joins no group, commits nothing, so it costs nothing. */
export class KafkaLook implements Look {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async appraise(channel: string, signal: AbortSignal): Promise<Appraisal> {
    const topic = await this.#session.topic(channel, signal);
    const partitions = topic.partitions.map(({ partition }) => partition);
    const { edges } = await OffsetResolver.open(this.#session, topic, partitions, true, signal);
    const waiting = [...edges.values()].reduce((sum, { start, end }) => sum + end - start, 0);
    return {
      cost: 'free',
      waiting,
      consumers: null,
      deadLetterChannel: false,
      deliveryLimit: null,
      longestHoldMs: null,
    };
  }

  async open(request: LookRequest, signal: AbortSignal): Promise<Looking> {
    if (request.follow && request.until !== null) {
      throw new UsageError('following has no end', { hint: 'leave out --follow or --until' });
    }
    const topic = await this.#session.topic(request.channel, signal);
    const partitions =
      request.partitions === null
        ? topic.partitions.map(({ partition }) => partition)
        : request.partitions.map((name) => partitionOf(topic, name, this.#session.target));
    const resolver = await OffsetResolver.open(
      this.#session,
      topic,
      partitions,
      !request.uncommitted,
      signal,
    );
    const from = await resolver.resolve(request.from);
    const until = request.until === null ? new Map<number, number>() : await resolver.resolve(request.until);
    const ranges = new Map(
      [...from].map(([partition, first]) => {
        const end = request.follow
          ? Infinity
          : (until.get(partition) ?? resolver.edges.get(partition)?.end ?? first);
        return [partition, { from: first, until: Math.max(first, end) }] as const;
      }),
    );
    const between = [...ranges.values()].reduce((sum, range) => sum + range.until - range.from, 0);
    let looked = 0;
    const reader = new TopicReader(
      this.#session,
      { topic: request.channel, ranges, committedOnly: !request.uncommitted },
      signal,
    );
    const limit = request.limit ?? Infinity;
    async function* batches(): AsyncGenerator<readonly Message[]> {
      if (limit <= 0) return;
      for await (const batch of reader.batches()) {
        const taken = looked + batch.length > limit ? batch.slice(0, limit - looked) : batch;
        looked += taken.length;
        yield taken;
        if (looked >= limit) return;
      }
    }
    return {
      batches: batches(),
      expected: request.follow ? null : between,
      report: (): LookReport => ({ looked, hiddenMs: null, deliveryCount: null }),
    };
  }
}
