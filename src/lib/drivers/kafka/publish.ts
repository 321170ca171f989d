import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { UsageError } from '../../errors.ts';
import type { Publish, Publisher, PublishLimits, PublishRequest } from '../driver.ts';
import { protocolFailure } from './failures.ts';
import type { Producer } from './partition-outbox.ts';
import { compressionNames, loadCodec } from './protocol/compression.ts';
import type { Compression } from './protocol/compression.ts';
import { isRetriable } from './protocol/error-codes.ts';
import { describeConfigs } from './protocol/describe-configs.ts';
import { batchHeaderBytes } from './protocol/record-batch.ts';
import { initProducerId } from './protocol/transactions/init-producer-id.ts';
import { KafkaPublisher } from './publisher.ts';
import type { PublisherOptions } from './publisher.ts';
import type { Session } from './session.ts';
import { topicRetention } from './topic-retention.ts';
import { Transactions } from './transaction.ts';

/** What Kafka's `max.message.bytes` is unless somebody set it. */
const usualMaxBatchBytes = 1_048_588;
/** How long a transaction of `produce` may take; when a run is killed, readers of committed records wait that long. */
const transactionTimeoutMs = 60_000;
const pauseMs = 100;

export class KafkaPublish implements Publish {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async open(request: PublishRequest, signal: AbortSignal): Promise<Publisher> {
    const compression = compressionOf(request.compression);
    const topic = await this.#session.topic(request.channel, signal);
    const transactions =
      request.delivery === 'transactional'
        ? await Transactions.open(this.#session, `mqctl-${randomUUID()}`, transactionTimeoutMs, signal)
        : null;
    const atMostOnce = request.delivery === 'at-most-once';
    return this.#publisher({ topic, compression, atMostOnce, transactions, partial: false }, signal);
  }

  /** Writes in transactions that somebody else ends; what is rejected does not keep the rest from being committed. */
  async openIn(transactions: Transactions, channel: string, signal: AbortSignal): Promise<KafkaPublisher> {
    const topic = await this.#session.topic(channel, signal);
    return this.#publisher(
      { topic, compression: 'none', atMostOnce: false, transactions, partial: true },
      signal,
    );
  }

  async #publisher(
    options: Pick<PublisherOptions, 'topic' | 'compression' | 'atMostOnce' | 'transactions' | 'partial'>,
    signal: AbortSignal,
  ): Promise<KafkaPublisher> {
    const { topic, compression, atMostOnce, transactions } = options;
    const maxBatchBytes = (await maxMessageBytes(this.#session, topic.topic, signal)) ?? usualMaxBatchBytes;
    const codec = await loadCodec(compression);
    const newProducer = (): Promise<Producer> => newProducerId(this.#session);
    const producer = transactions?.identity ?? (atMostOnce ? null : await newProducer());
    return new KafkaPublisher(
      this.#session,
      { ...options, codec, maxBatchBytes, newProducer },
      producer,
      signal,
    );
  }

  async limits(channel: string, signal: AbortSignal): Promise<PublishLimits> {
    await this.#session.topic(channel, signal);
    const bytes = await maxMessageBytes(this.#session, channel, signal);
    // The limit is that of a batch; the largest record framing (lengths, offset, time) beside key, value and headers.
    const framing = batchHeaderBytes + 36;
    const retention = (await topicRetention(this.#session, [channel], signal)).get(channel);
    return {
      messageBytes: bytes === null ? null : Math.max(0, bytes - framing),
      headers: null,
      retentionMs: retention?.retentionMs ?? null,
    };
  }
}

function compressionOf(name: string | null): Compression {
  const compression = compressionNames.find((each) => each === (name ?? 'none'));
  if (compression === undefined) {
    throw new UsageError(`Kafka has no compression "${String(name)}"`, {
      hint: `known are ${compressionNames.join(', ')}`,
    });
  }
  return compression;
}

/** `max.message.bytes` of the topic; null where this login may not see it. */
async function maxMessageBytes(session: Session, topic: string, signal: AbortSignal): Promise<number | null> {
  const [answer] = await session.sendToAny(
    describeConfigs,
    { resource: 'topic', names: [topic], settings: ['max.message.bytes'] },
    { signal },
  );
  const value = Number(answer?.settings[0]?.value ?? Number.NaN);
  return Number.isSafeInteger(value) ? value : null;
}

/** A fresh cluster loads its coordinators first: asked again until the time-out. */
async function newProducerId(session: Session): Promise<Producer> {
  const deadline = Date.now() + session.environment.timeoutMs;
  for (;;) {
    const { errorCode, producerId, epoch } = await session.sendToAny(initProducerId, {
      transactionalId: null,
      timeoutMs: transactionTimeoutMs,
    });
    if (errorCode === 0) return { producerId, epoch };
    if (!isRetriable(errorCode) || Date.now() > deadline) {
      const subject = { doing: 'get a producer id from', kind: 'cluster', name: session.target } as const;
      throw protocolFailure(errorCode, { ...subject, where: session.target });
    }
    await sleep(pauseMs);
  }
}
