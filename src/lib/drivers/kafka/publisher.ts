import { setTimeout as sleep } from 'node:timers/promises';
import { errorText, FailedError, mayPassLater, PartialError, UnreachableError } from '../../errors.ts';
import type { OutgoingMessage } from '../../message/message.ts';
import type { Outcome, Publisher } from '../driver.ts';
import { PartitionOutbox } from './partition-outbox.ts';
import type { OutboxBatch, Producer } from './partition-outbox.ts';
import { Placement } from './placement.ts';
import { lostProducer, refusedBatch, undecided } from './produce-errors.ts';
import type { Codec, Compression } from './protocol/compression.ts';
import { errorCodes, errorName, isRetriable } from './protocol/error-codes.ts';
import type { TopicMetadata } from './protocol/metadata.ts';
import { produce } from './protocol/produce.ts';
import type { ProducedPartition } from './protocol/produce.ts';
import { encodeBatch } from './protocol/record-encoder.ts';
import type { Session } from './session.ts';
import { abandon, notShown } from './transaction.ts';
import type { Transactions } from './transaction.ts';
import { fencedCodes } from './transaction-requests.ts';

export interface PublisherOptions {
  readonly topic: TopicMetadata;
  readonly compression: Compression;
  readonly codec: Codec | null;
  /** `max.message.bytes` of the topic. */
  readonly maxBatchBytes: number;
  /** One try, and the leader's word is enough. Else all replicas, and the same batch again until the time-out. */
  readonly atMostOnce: boolean;
  readonly transactions: Transactions | null;
  /** A transaction that holds what was accepted, though something was rejected. */
  readonly partial: boolean;
  /** A new producer id; not asked where there is a transaction or at most one try. */
  readonly newProducer: () => Promise<Producer>;
}

const noProducer: Producer = { producerId: -1n, epoch: -1 };
/** Larger ones gain nothing. */
const fullBatchBytes = 1_000_000;
const pauseMs = 100;
/** What was begun is brought to its end, whatever the user pressed. */
const uninterrupted = new AbortController().signal;

let lanes = 0;

/**
 * Writes to one topic: batches by partition, several on their way to each, order kept. An unanswered batch is sent again with
 * the same sequence, so that the broker knows it if it has it already (KIP-98); after the time-out it is `unknown`.
 */
export class KafkaPublisher implements Publisher {
  readonly #session: Session;
  readonly #options: PublisherOptions;
  readonly #signal: AbortSignal;
  readonly #lane = `produce-${String((lanes += 1))}`;
  readonly #outboxes = new Map<number, PartitionOutbox>();
  readonly #placement: Placement;
  #leaders: ReadonlyMap<number, number> = new Map();
  #producer: Producer | null;
  #askingProducer = false;
  #recovery: Promise<void> | null = null;
  #settled: PromiseWithResolvers<void> | null = null;
  #throttledUntil = 0;
  #failure: string | null = null;
  #closed = false;

  /** `producer` is the first producer id; null at most once. */
  constructor(session: Session, options: PublisherOptions, producer: Producer | null, signal: AbortSignal) {
    this.#session = session;
    this.#options = options;
    this.#signal = signal;
    this.#producer = producer ?? noProducer;
    this.#placement = new Placement(options);
    this.#learn(options.topic);
    signal.addEventListener('abort', this.#interrupt, { once: true });
  }

  get blocked(): string | null {
    const rest = this.#throttledUntil - Date.now();
    return rest > 0 ? `a quota of the broker holds this client back for ${String(rest)} ms` : null;
  }

  async send(messages: readonly OutgoingMessage[]): Promise<readonly Outcome[]> {
    if (this.#closed) throw new FailedError('the publisher is closed');
    this.#signal.throwIfAborted();
    if (messages.length === 0) return [];
    this.#followEpoch();
    const outcomes: Outcome[] = [];
    const { promise, resolve } = Promise.withResolvers<readonly Outcome[]>();
    let waiting = messages.length;
    messages.forEach((message, index) => {
      this.#enqueue(message, (outcome) => {
        outcomes[index] = outcome;
        waiting -= 1;
        if (waiting === 0) resolve(outcomes);
      });
    });
    this.#pump();
    return promise;
  }

  async commit(): Promise<void> {
    const transactions = this.#transactions();
    await this.#drained();
    if (this.#failure !== null) {
      await transactions.end(false, uninterrupted);
      throw new FailedError(`nothing was committed: ${this.#failure}`, {
        hint: 'nothing is visible; run it again',
      });
    }
    await transactions.end(true, uninterrupted);
    if (!(await transactions.shown(uninterrupted)))
      throw new PartialError(notShown(this.#session, true).message, {
        hint: 'it is committed: do not send it again; a partition may be without a leader: see "mqctl status"',
      });
  }

  async abort(): Promise<void> {
    const transactions = this.#transactions();
    await this.#drained();
    await abandon(transactions);
    this.#failure = null;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#drained();
    this.#signal.removeEventListener('abort', this.#interrupt);
    try {
      if (this.#options.transactions !== null) await abandon(this.#options.transactions);
    } finally {
      this.#session.closeLane(this.#lane);
    }
  }

  #transactions(): Transactions {
    const { transactions } = this.#options;
    if (transactions === null) throw new FailedError('this publisher has no transaction');
    return transactions;
  }

  /** A transactional id may have another epoch after a transaction: sequences begin anew with it. */
  #followEpoch(): void {
    const { transactions } = this.#options;
    if (transactions === null || !this.#idle || transactions.identity === this.#producer) return;
    this.#producer = transactions.identity;
    this.#outboxes.clear();
  }

  #enqueue(message: OutgoingMessage, settle: (outcome: Outcome) => void): void {
    const place = this.#transactionFailure() ?? this.#placement.of(message);
    if (typeof place === 'string') {
      settle(this.#refused(place));
      return;
    }
    let outbox = this.#outboxes.get(place.partition);
    if (outbox === undefined) {
      outbox = new PartitionOutbox(place.partition, () => this.#currentProducer());
      this.#outboxes.set(place.partition, outbox);
    }
    outbox.push({ record: place.record, bytes: place.bytes, settle });
  }

  /** Why nothing more is taken into this transaction; null: it is. */
  #transactionFailure(): string | null {
    const { transactions, partial } = this.#options;
    return this.#failure === null || transactions === null || partial
      ? null
      : `the transaction has failed already: ${this.#failure}`;
  }

  #currentProducer(): Producer | null {
    if (this.#producer === null && !this.#askingProducer) {
      this.#askingProducer = true;
      this.#options.newProducer().then(
        (producer) => {
          this.#askingProducer = false;
          this.#producer = producer;
          this.#pump();
        },
        (failure: unknown) => {
          this.#askingProducer = false;
          this.#rejectUnsent(errorText(failure));
        },
      );
    }
    return this.#producer;
  }

  /** Sends all that may go out now: one request for each leader. */
  #pump(): void {
    const maxBytes = Math.min(fullBatchBytes, this.#options.maxBatchBytes);
    for (const outbox of this.#outboxes.values()) {
      for (const batch of outbox.renewed())
        this.#settleAll(batch, true, 'the broker lost track of this producer', false);
    }
    for (;;) {
      const requests = new Map<number, { outbox: PartitionOutbox; batch: OutboxBatch }[]>();
      for (const outbox of this.#outboxes.values()) {
        const leader = this.#leaders.get(outbox.partition) ?? -1;
        if (leader < 0) {
          if (!outbox.idle) this.#recover();
          continue;
        }
        // Not before the pause is over: else it would be sent again and again without one, and never be too old.
        if (outbox.recovering && this.#recovery !== null) continue;
        const batch = outbox.take(maxBytes, Date.now() + this.#session.environment.timeoutMs);
        if (batch === null) continue;
        const request = requests.get(leader) ?? [];
        request.push({ outbox, batch });
        requests.set(leader, request);
      }
      if (requests.size === 0) break;
      for (const [leader, batches] of requests) void this.#request(leader, batches);
    }
    if (this.#settled !== null && this.#idle) this.#settled.resolve();
  }

  get #idle(): boolean {
    return this.#outboxes.values().every((outbox) => outbox.idle);
  }

  /** Never rejects: every outcome reaches its message. */
  async #request(
    leader: number,
    batches: readonly { outbox: PartitionOutbox; batch: OutboxBatch }[],
  ): Promise<void> {
    const { topic, transactions, atMostOnce, compression, codec } = this.#options;
    const { timeoutMs } = this.#session.environment;
    let sent = false;
    try {
      if (transactions !== null) {
        const partitions = batches.map(({ outbox }) => outbox.partition);
        await transactions.addPartitions(topic.topic, partitions, uninterrupted);
      }
      const now = Date.now();
      const partitions = batches.map(({ outbox, batch }) => ({
        partition: outbox.partition,
        batch: encodeBatch(
          batch.items.map(({ record }) => record),
          {
            compression,
            codec,
            producerId: batch.producer.producerId,
            producerEpoch: batch.producer.epoch,
            baseSequence: batch.producer.producerId < 0n ? -1 : batch.baseSequence,
            transactional: transactions !== null,
            now,
          },
        ),
      }));
      await this.#session.reach(leader, { lane: this.#lane });
      sent = true;
      const answer = await this.#session.send(
        leader,
        produce,
        {
          transactionalId: transactions?.identity.transactionalId ?? null,
          acks: atMostOnce ? 1 : -1,
          // The leader is to give up before we do: its answer says more than none.
          timeoutMs: Math.ceil(timeoutMs * 0.75),
          topic: topic.topic,
          partitions,
        },
        { lane: this.#lane },
      );
      if (answer.throttleMs > 0) this.#throttledUntil = Date.now() + answer.throttleMs;
      const answers = new Map(answer.partitions.map((each) => [each.partition, each]));
      for (const { outbox, batch } of batches) this.#answered(outbox, batch, answers.get(outbox.partition));
    } catch (thrown) {
      for (const { outbox, batch } of batches) this.#unanswered(outbox, batch, thrown, sent);
    }
    this.#pump();
  }

  #answered(outbox: PartitionOutbox, batch: OutboxBatch, answer: ProducedPartition | undefined): void {
    if (answer === undefined) {
      this.#unanswered(outbox, batch, new UnreachableError('the answer leaves this partition out'), true);
      return;
    }
    const code = answer.errorCode;
    if (code === 0 || code === errorCodes.DUPLICATE_SEQUENCE_NUMBER) {
      for (const earlier of outbox.accepted(batch)) settleAccepted(outbox, earlier, -1n);
      settleAccepted(outbox, batch, code === 0 ? answer.baseOffset : -1n);
      return;
    }
    const reason = `${errorName(code)}${answer.errorMessage === null ? '' : `: ${answer.errorMessage}`}`;
    if (refusedBatch.has(code)) {
      this.#split(outbox, batch, answer, reason);
    } else if (lostProducer.has(code) && !this.#options.atMostOnce && this.#options.transactions === null) {
      this.#lost(outbox, batch, reason);
    } else if (fencedCodes.has(code) && this.#options.transactions !== null) {
      outbox.dropped(batch);
      this.#settleAll(batch, false, this.#options.transactions.fenced().message, false);
    } else if (lostProducer.has(code) && this.#options.transactions !== null) {
      // The broker does not know what it has of this transaction: it is to be ended, and begun again.
      outbox.dropped(batch);
      this.#settleAll(batch, true, reason, true);
    } else if (isRetriable(code) && !this.#options.atMostOnce) {
      batch.uncertain ||= undecided.has(code);
      outbox.failed(batch);
      this.#recover(reason);
    } else {
      outbox.dropped(batch);
      this.#settleAll(batch, undecided.has(code) || batch.uncertain, reason, isRetriable(code));
    }
  }

  #unanswered(outbox: PartitionOutbox, batch: OutboxBatch, thrown: unknown, sent: boolean): void {
    const reason = errorText(thrown);
    batch.uncertain ||= sent;
    if (outbox.isWritten(batch)) {
      outbox.dropped(batch);
      settleAccepted(outbox, batch, -1n);
      return;
    }
    // A coordinator that is still loading has answered, and would take it a moment later.
    const passes = mayPassLater(thrown);
    if (passes && !this.#options.atMostOnce) {
      outbox.failed(batch);
      this.#recover(reason);
    } else {
      outbox.dropped(batch);
      this.#settleAll(batch, batch.uncertain, reason, passes);
    }
  }

  /** Only the records at fault are rejected: by name where the broker says which, else by halves. */
  #split(outbox: PartitionOutbox, batch: OutboxBatch, answer: ProducedPartition, reason: string): void {
    const { items } = batch;
    const [only] = items;
    if (items.length === 1 && only !== undefined) {
      outbox.dropped(batch);
      only.settle(this.#refused(answer.refused[0]?.reason ?? reason));
      return;
    }
    const named = new Map(answer.refused.map((each) => [each.index, each.reason]));
    if (named.size > 0) {
      outbox.failed(batch, [items.filter((_, index) => !named.has(index))]);
      for (const [index, why] of named) items[index]?.settle(this.#refused(why ?? reason));
      return;
    }
    const middle = Math.ceil(items.length / 2);
    outbox.failed(batch, [items.slice(0, middle), items.slice(middle)]);
  }

  /** The broker forgot the producer, or an earlier batch is missing and will be sent again before this one. */
  #lost(outbox: PartitionOutbox, batch: OutboxBatch, reason: string): void {
    if (outbox.isFirst(batch)) {
      this.#producer = null;
      outbox.renew();
    }
    outbox.failed(batch);
    this.#recover(reason);
  }

  /** Waits a little, looks for the leaders, gives up what is too old, and goes on. */
  #recover(reason = 'the partition has no leader'): void {
    this.#recovery ??= this.#recoverOnce(reason).finally(() => {
      this.#recovery = null;
      this.#pump();
    });
  }

  async #recoverOnce(reason: string): Promise<void> {
    await sleep(pauseMs);
    let why = reason;
    try {
      this.#learn(await this.#session.topic(this.#options.topic.topic));
    } catch (thrown) {
      why = errorText(thrown);
    }
    const now = Date.now();
    for (const outbox of this.#outboxes.values()) {
      const over = outbox.expired(now);
      for (const batch of over) this.#settleAll(batch, batch.uncertain, why, true);
      const stuck = outbox.stuckFor(now) > this.#session.environment.timeoutMs;
      if (over.length > 0 || stuck) {
        for (const item of outbox.unsent()) item.settle(this.#refused(`not sent: ${why}`, true));
      }
      if (
        over.some(({ uncertain }) => uncertain) &&
        !this.#options.atMostOnce &&
        this.#options.transactions === null
      ) {
        this.#producer = null;
        outbox.renew();
      }
    }
  }

  #settleAll(batch: OutboxBatch, uncertain: boolean, reason: string, retriable: boolean): void {
    if (uncertain) this.#failure ??= reason;
    for (const item of batch.items) {
      item.settle(uncertain ? { status: 'unknown', reason } : this.#refused(reason, retriable));
    }
  }

  #refused(reason: string, retriable = false): Outcome {
    this.#failure ??= reason;
    return { status: 'rejected', reason, retriable };
  }

  #rejectUnsent(reason: string): void {
    for (const outbox of this.#outboxes.values()) {
      for (const item of outbox.unsent()) item.settle(this.#refused(`not sent: ${reason}`, true));
    }
    this.#pump();
  }

  readonly #interrupt = (): void => {
    this.#rejectUnsent('interrupted');
  };

  #learn(topic: TopicMetadata): void {
    this.#leaders = new Map(topic.partitions.map(({ partition, leader }) => [partition, leader]));
    this.#placement.learn(topic);
  }

  async #drained(): Promise<void> {
    if (this.#idle) return;
    this.#settled ??= Promise.withResolvers<void>();
    await this.#settled.promise;
    this.#settled = null;
  }
}

function settleAccepted(outbox: PartitionOutbox, batch: OutboxBatch, baseOffset: bigint): void {
  const partition = String(outbox.partition);
  const base = Number(baseOffset);
  batch.items.forEach((item, index) => {
    item.settle({ status: 'accepted', partition, offset: base < 0 ? null : String(base + index), id: null });
  });
}
