import { setTimeout as sleep } from 'node:timers/promises';
import { FailedError, NotFoundError, UsageError } from '../../errors.ts';
import type { Admin, AlterRequest, ChannelSetting, CreateRequest } from '../driver.ts';
import { protocolFailure } from './failures.ts';
import { OffsetResolver } from './offset-resolver.ts';
import { createTopics } from './protocol/create-topics.ts';
import { deleteRecords } from './protocol/delete-records.ts';
import { deleteTopics } from './protocol/delete-topics.ts';
import { errorCodes, errorName } from './protocol/error-codes.ts';
import type { TopicMetadata } from './protocol/metadata.ts';
import type { Session } from './session.ts';
import { alterTopic, replicationSetting, topicSettings } from './topic-settings.ts';

const pauseMs = 50;

const wrongRequest: ReadonlySet<number> = new Set([
  errorCodes.INVALID_TOPIC_EXCEPTION,
  errorCodes.INVALID_PARTITIONS,
  errorCodes.INVALID_REPLICATION_FACTOR,
  errorCodes.INVALID_CONFIG,
  errorCodes.INVALID_REQUEST,
]);

export class KafkaAdmin implements Admin {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async create(request: CreateRequest, signal: AbortSignal): Promise<void> {
    const { channel, type, partitions, settings, deadLetter } = request;
    if (type !== null && type !== 'topic')
      throw new UsageError(`Kafka has no channel type "${type}"`, { hint: 'leave --type out' });
    if (deadLetter !== null) {
      throw new UsageError('Kafka ties no dead-letter topic to a topic', {
        hint: 'create it as a topic of its own',
      });
    }
    const { [replicationSetting]: replication, ...configs } = settings;
    const { errorCode, errorMessage } = await this.#session.sendToController(
      createTopics,
      {
        topic: channel,
        partitions: partitions ?? -1,
        replicationFactor: replication === undefined ? -1 : wholeNumber(replicationSetting, replication),
        settings: configs,
        timeoutMs: this.#session.environment.timeoutMs,
      },
      { signal },
    );
    if (errorCode === errorCodes.TOPIC_ALREADY_EXISTS) {
      throw new FailedError(`topic "${channel}" exists already at ${this.#session.target}`, {
        code: 'EXISTS',
      });
    }
    if (wrongRequest.has(errorCode)) {
      throw new UsageError(`topic "${channel}" cannot be created: ${errorMessage ?? errorName(errorCode)}`);
    }
    if (errorCode !== 0) throw this.#failure('create', channel, errorCode, errorMessage);
    await this.#until(signal, async () => {
      const { topics } = await this.#session.metadata([channel], signal);
      return topics.every(
        (topic) => topic.errorCode === 0 && topic.partitions.every(({ leader }) => leader >= 0),
      );
    });
  }

  async delete(channel: string, signal: AbortSignal): Promise<void> {
    const request = { topic: channel, timeoutMs: this.#session.environment.timeoutMs };
    const { errorCode, errorMessage } = await this.#session.sendToController(deleteTopics, request, {
      signal,
    });
    if (errorCode === errorCodes.INVALID_TOPIC_EXCEPTION)
      throw new NotFoundError('topic', channel, this.#session.target);
    if (errorCode === errorCodes.TOPIC_DELETION_DISABLED) {
      throw new FailedError(`${this.#session.target} deletes no topics`, {
        hint: 'the broker has delete.topic.enable=false',
      });
    }
    if (errorCode !== 0) throw this.#failure('delete', channel, errorCode, errorMessage);
    await this.#until(signal, async () => {
      const { topics } = await this.#session.metadata([channel], signal);
      return topics.every((topic) => topic.errorCode !== 0);
    });
  }

  /** Offsets, of which some may have had no message (any more): an upper bound. */
  async purge(channel: string, signal: AbortSignal): Promise<number> {
    const topic = await this.#session.topic(channel, signal);
    const partitions = topic.partitions.map(({ partition }) => partition);
    const { edges } = await OffsetResolver.open(this.#session, topic, partitions, false, signal);
    await trim(
      this.#session,
      topic,
      new Map([...edges].map(([partition, { end }]) => [partition, end])),
      signal,
    );
    return [...edges.values()].reduce((sum, { start, end }) => sum + end - start, 0);
  }

  settings(
    channel: string,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly ChannelSetting[]> {
    return topicSettings(this.#session, channel, names, signal);
  }

  /** Brokers learn of it one by one: it is done when the one that we ask says so. */
  async alter(request: AlterRequest, signal: AbortSignal): Promise<void> {
    await alterTopic(this.#session, request, signal);
    if (request.checkOnly) return;
    const names = request.changes.map(({ name }) => name);
    await this.#until(signal, async () => {
      const now = await topicSettings(this.#session, request.channel, names, signal);
      return request.changes.every(({ value }, index) => now[index]?.own === value);
    });
  }

  /** Up to the offsets, which may have had no message (any more): how many that were is not said. */
  async purgeThrough(
    channel: string,
    through: ReadonlyMap<string, string>,
    signal: AbortSignal,
  ): Promise<null> {
    const topic = await this.#session.topic(channel, signal);
    const before = new Map(
      [...through].map(([partition, offset]) => [Number(partition), Number(offset) + 1] as const),
    );
    await trim(this.#session, topic, before, signal);
    return null;
  }

  #failure(doing: string, name: string, code: number, words: string | null): Error {
    return protocolFailure(code, { doing, kind: 'topic', name, where: this.#session.target }, words);
  }

  /** The brokers learn of it one by one: wait until the one that we ask has, but not longer than the time-out. */
  async #until(signal: AbortSignal, done: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + this.#session.environment.timeoutMs;
    while (!(await done()) && Date.now() < deadline) await sleep(pauseMs, undefined, { signal });
  }
}

/** Removes what lies before the given offset of each partition. Throws `FailedError` where the topic is only compacted. */
async function trim(
  session: Session,
  topic: TopicMetadata,
  before: ReadonlyMap<number, number>,
  signal: AbortSignal,
): Promise<void> {
  const leaders = Map.groupBy(
    topic.partitions.filter(({ partition }) => before.has(partition)),
    ({ leader }) => leader,
  );
  for (const [leader, list] of leaders) {
    const partitions = list.map(({ partition }) => ({ partition, before: before.get(partition) ?? 0 }));
    const request = { topic: topic.topic, partitions, timeoutMs: session.environment.timeoutMs };
    const answers = await session.send(leader, deleteRecords, request, { signal });
    const failure = answers.find(({ errorCode }) => errorCode !== 0);
    if (failure === undefined) continue;
    if (failure.errorCode === errorCodes.POLICY_VIOLATION) {
      throw new FailedError(`topic "${topic.topic}" keeps what it has: it is compacted, not deleted from`, {
        hint: 'cleanup.policy must contain "delete"',
      });
    }
    const subject = {
      doing: 'remove records of',
      kind: 'topic',
      name: topic.topic,
      where: session.target,
    } as const;
    throw protocolFailure(failure.errorCode, subject);
  }
}

function wholeNumber(name: string, text: string): number {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isInteger(number) || number > 32_767)
    throw new UsageError(`"${name}" is no whole number: "${text}"`);
  return number;
}
