import type { DeadLetter, Message } from '../../message/message.ts';
import type { DeadLetterPair, DeadLetters, MessageReference, ResolvedState } from '../driver.ts';
import { allGroups, describeAll } from './group-directory.ts';
import { mayHaveGaps } from './offset-gaps.ts';
import { OffsetResolver } from './offset-resolver.ts';
import { describeConfigs } from './protocol/describe-configs.ts';
import { ResolvedRecord } from './resolved-record.ts';
import { ResolvedSet } from './resolved-set.ts';
import type { Session } from './session.ts';

/** Of a share group (KIP-1191). */
const deadLetterSetting = 'errors.deadletterqueue.topic.name';
/** Headers with which the broker says whence a dead letter came (KIP-1191). */
const headerPrefix = '__dlq.errors.';

export class KafkaDeadLetters implements DeadLetters {
  readonly volatileHeaders: readonly string[] = [];
  readonly volatileProperties: readonly string[] = [];
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Those that share groups declare: Kafka ties no other topic to a dead-letter topic. */
  async pairs(signal: AbortSignal): Promise<readonly DeadLetterPair[]> {
    const { groups } = await allGroups(this.#session, signal);
    const shares = groups.filter(({ kind }) => kind === 'share');
    if (shares.length === 0) return [];
    const names = shares.map(({ group }) => group);
    const answers = await this.#session.sendToAny(
      describeConfigs,
      { resource: 'group', names, settings: [deadLetterSetting] },
      { signal },
    );
    const { described } = await describeAll(this.#session, shares, signal);
    return answers.flatMap(({ name: group, settings }) => {
      const deadLetter = settings.find(({ name }) => name === deadLetterSetting)?.value ?? '';
      if (deadLetter === '') return [];
      const sources = described.get(group)?.subscribed ?? [];
      return sources.map((source) => ({
        source,
        deadLetter,
        how: `${deadLetterSetting} of share group ${group}`,
      }));
    });
  }

  read(message: Message): DeadLetter | null {
    const found = new Map<string, string>();
    for (const { name, value } of message.headers) {
      if (name.startsWith(headerPrefix) && value instanceof Uint8Array) {
        found.set(name.slice(headerPrefix.length), Buffer.from(value).toString());
      }
    }
    const channel = found.get('topic') ?? null;
    if (channel === null) return null;
    return {
      reason: found.get('reason') ?? null,
      class: null,
      message: found.get('message') ?? null,
      attempts: null,
      origin: { channel, partition: found.get('partition') ?? null, offset: found.get('offset') ?? null },
      consumer: found.get('group') ?? null,
      at: message.timestamp,
    };
  }

  /** Throws `NotFoundError`. Commits that are `forgotten` cannot be told from none here: who has a journal can. */
  async resolved(channel: string, signal: AbortSignal): Promise<ResolvedState> {
    const topic = await this.#session.topic(channel, signal);
    const partitions = topic.partitions.map(({ partition }) => partition);
    const record = new ResolvedRecord(this.#session, topic);
    const [{ edges }, sets] = await Promise.all([
      OffsetResolver.open(this.#session, topic, partitions, true, signal),
      record.read(signal),
    ]);
    let unresolved = 0;
    let doneCount = 0;
    const open = new Map<number, number>();
    const doneBefore = new Map<string, string>();
    for (const [partition, { start, end }] of edges) {
      const watermark = Math.min(end, Math.max(start, sets.get(partition)?.watermark ?? start));
      doneBefore.set(partition.toString(), watermark.toString());
      doneCount += watermark - start;
      const left = sets.get(partition)?.missingBetween(start, end) ?? end - start;
      unresolved += left;
      if (left > 0) open.set(partition, watermark);
    }
    const approximate = await mayHaveGaps(this.#session, topic, open, signal);
    return {
      memory: record.forgotten ? 'forgotten' : sets.size === 0 ? 'fresh' : 'kept',
      expiresAt: record.expiresAt,
      unresolved,
      ...(approximate && { approximate }),
      doneBefore,
      doneCount,
      isResolved: ({ partition, offset }) => {
        if (partition === null || offset === null) return false;
        return sets.get(Number(partition))?.has(Number(offset)) ?? false;
      },
    };
  }

  /** A record of every partition, kept as long as the topic keeps its records. */
  async resolve(
    channel: string,
    references: readonly MessageReference[],
    signal: AbortSignal,
  ): Promise<void> {
    const topic = await this.#session.topic(channel, signal);
    const partitions = topic.partitions.map(({ partition }) => partition);
    const record = new ResolvedRecord(this.#session, topic);
    const [{ edges }, kept] = await Promise.all([
      OffsetResolver.open(this.#session, topic, partitions, true, signal),
      record.read(signal),
    ]);
    const sets = new Map(
      [...edges].map(([partition, { start }]) => [partition, kept.get(partition) ?? new ResolvedSet(start)]),
    );
    for (const { partition, offset } of references) sets.get(Number(partition))?.add(Number(offset));
    try {
      await record.write(sets, null, signal);
    } finally {
      await record.close();
    }
  }
}
