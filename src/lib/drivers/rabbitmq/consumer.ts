/**
 * What is delivered to one channel of its own: what came and was not taken yet, and how it ended. A consumer brings it; where
 * leaving would make the queue delete itself (`auto-delete`), each message is got by itself instead.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel } from 'amqplib';
import { FailedError } from '../../errors.ts';
import { rawDelivery } from './amqp-client.ts';
import type { AmqpConnection, RawDelivery } from './amqp-client.ts';
import { withinTime } from './amqp-queues.ts';
import { channelFailure, lostConnection, serverWords } from './failures.ts';
import type { Session } from './session.ts';

export interface ConsumerRequest {
  readonly queue: string;
  /** How many the broker delivers before it waits for acknowledgements, 1 to 65,535. */
  readonly prefetch: number;
  readonly arguments?: Readonly<Record<string, unknown>>;
}

interface QueueState {
  readonly messageCount: number;
  readonly consumerCount: number;
}

export class Consumer {
  readonly #session: Session;
  readonly #connection: AmqpConnection;
  readonly #channel: Channel;
  readonly #queue: string;
  readonly #pulls: boolean;
  /** Of those that are there, or were asked for: all but the last one are leaving. */
  readonly #tags = new Set<string>();
  #consumers = 0;
  #prefetch = 0;
  #waiting: RawDelivery[] = [];
  #received = 0;
  #ended: Error | null = null;
  #closing = false;
  /** Acknowledgements sent since the broker last answered on this channel. */
  #unanswered = 0;
  #change = Promise.withResolvers<void>();

  private constructor(
    session: Session,
    connection: AmqpConnection,
    channel: Channel,
    queue: string,
    pulls: boolean,
  ) {
    this.#session = session;
    this.#connection = connection;
    this.#channel = channel;
    this.#queue = queue;
    this.#pulls = pulls;
    let refusal: unknown = null;
    channel.on('error', (error) => (refusal = error));
    channel.once('close', () => {
      if (this.#closing) this.#end(new FailedError('closed'));
      else if (refusal === null) this.#end(lostConnection(session.target, connection.problem));
      else this.#end(this.#refused(refusal));
    });
  }

  /** Throws `NotFoundError`, `DeniedError`, `FailedError` where the broker refuses. */
  static async open(session: Session, request: ConsumerRequest, signal: AbortSignal): Promise<Consumer> {
    const { queue } = request;
    const connection = await session.connection('read', signal);
    const channel = await session.channelOn(connection, signal);
    const consumer = new Consumer(session, connection, channel, queue, false);
    try {
      await consumer.#consume(request, signal);
      return consumer;
    } catch (error) {
      consumer.#closing = true;
      channel.close().catch(() => undefined);
      if (signal.aborted) throw error;
      throw channelFailure(error, { kind: 'queue', name: queue }, session.target);
    }
  }

  /** No consumer at all: `ready` gets a message each time that it is asked. */
  static async pulling(session: Session, queue: string, signal: AbortSignal): Promise<Consumer> {
    const connection = await session.connection('read', signal);
    const channel = await session.channelOn(connection, signal);
    return new Consumer(session, connection, channel, queue, true);
  }

  /**
   * Lets so many more come, whatever is held already: RabbitMQ counts what is held for each consumer, so this is another one.
   * Resolves when it is there; `left` when the first one has gone, which until then brings something only where something is
   * settled.
   */
  async more(prefetch: number, signal: AbortSignal): Promise<{ readonly left: Promise<void> }> {
    if (this.#pulls) return { left: Promise.resolve() };
    const before = [...this.#tags];
    await this.#consume({ queue: this.#queue, prefetch }, signal);
    return { left: this.#leave(before) };
  }

  async #consume(request: ConsumerRequest, signal: AbortSignal): Promise<void> {
    const { timeoutMs } = this.#session;
    const { prefetch } = request;
    if (prefetch !== this.#prefetch) await withinTime(this.#channel.prefetch(prefetch), timeoutMs, signal);
    this.#prefetch = prefetch;
    this.#consumers += 1;
    // Ascending as texts: a quorum queue may take back what several consumers held in the order of their names.
    const consumerTag = `mqctl-${this.#consumers.toString().padStart(tagDigits, '0')}`;
    this.#tags.add(consumerTag);
    const consuming = this.#channel.consume(request.queue, (message: unknown) => this.#arrived(message), {
      consumerTag,
      arguments: request.arguments ?? {},
    });
    await withinTime(consuming, timeoutMs, signal);
  }

  async #leave(tags: readonly string[]): Promise<void> {
    for (const tag of tags) {
      this.#tags.delete(tag);
      await withinTime(this.#channel.cancel(tag), this.#session.timeoutMs, never);
    }
  }

  /** Why nothing more comes and nothing can be settled; null: it works. */
  get ended(): Error | null {
    return this.#ended;
  }

  get received(): number {
    return this.#received;
  }

  /** How many came and were not taken yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Acknowledgements that nothing proves yet to have arrived. */
  get unanswered(): number {
    return this.#unanswered;
  }

  /** What has come since the last time. */
  take(): readonly RawDelivery[] {
    const taken = this.#waiting;
    this.#waiting = [];
    return taken;
  }

  /** Waits until something came, it ended, `wake` was called, the signal, or so long. */
  async wait(ms: number | null, signal: AbortSignal): Promise<void> {
    if (this.#waiting.length > 0 || this.#ended !== null || signal.aborted) return;
    const stop = Promise.withResolvers<void>();
    const timer = ms === null ? undefined : setTimeout(stop.resolve, ms);
    const abort = () => {
      stop.resolve();
    };
    signal.addEventListener('abort', abort, { once: true });
    await Promise.race([this.#change.promise, stop.promise]);
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }

  wake(): void {
    const { resolve } = this.#change;
    this.#change = Promise.withResolvers();
    resolve();
  }

  /**
   * How many wait in the queue; one that had to be got is not counted as waiting. The answer comes after everything that the
   * broker had given to this channel when it was asked the time before: so two calls without a delivery between them prove
   * that none is on its way.
   */
  async ready(signal: AbortSignal): Promise<number> {
    const before = this.#unanswered;
    const waiting = this.#pulls ? await this.#pull(signal) : (await this.#state(signal)).messageCount;
    this.#unanswered -= before;
    return waiting;
  }

  async #pull(signal: AbortSignal): Promise<number> {
    const getting = this.#channel.get(this.#queue, { noAck: false });
    const answer: unknown = await withinTime(getting, this.#session.timeoutMs, signal);
    if (answer === false) return 0;
    this.#arrived(answer);
    return 1;
  }

  /** `multiple`: and all before it. */
  ack(deliveryTag: number, multiple: boolean): void {
    this.#unanswered += 1;
    this.#channel.ack(settling(deliveryTag), multiple);
  }

  giveBack(deliveryTag: number, multiple: boolean): void {
    this.#channel.nack(settling(deliveryTag), multiple, true);
  }

  /**
   * Runs `giveBack`, which gives `count` messages back. A queue has them back a while later: resolves when so many more are
   * ready, as far as that can be seen beside others who take from it.
   */
  async untilBack(count: number, giveBack: () => void): Promise<void> {
    const { messageCount: before } = await this.#state(never);
    giveBack();
    await this.#untilReady(before, count, () => this.#state(never));
  }

  /** The same, and closed: the channel's end gives back whatever it held. */
  async closeUntilBack(count: number): Promise<void> {
    const { messageCount: before } = await this.#state(never);
    await this.close();
    const other = await this.#session.channelOn(this.#connection, never);
    try {
      await this.#untilReady(before, count, () =>
        withinTime(other.checkQueue(this.#queue), this.#session.timeoutMs, never),
      );
    } finally {
      other.close().catch(() => undefined); // nothing depends on it
    }
  }

  async #untilReady(before: number, count: number, state: () => Promise<QueueState>): Promise<void> {
    let most = before;
    for (let waited = 0; ; waited += backPauseMs) {
      const { messageCount, consumerCount } = await state();
      if (messageCount >= before + count) return;
      if (messageCount > most) waited = 0;
      most = Math.max(most, messageCount);
      // A consumer that has just left is still counted for a moment.
      if (waited >= (consumerCount > 0 ? besideOthersMs : backPatienceMs)) return;
      await sleep(backPauseMs);
    }
  }

  #state(signal: AbortSignal): Promise<QueueState> {
    return withinTime(this.#channel.checkQueue(this.#queue), this.#session.timeoutMs, signal);
  }

  /** Stops delivering; what is on its way has come when this resolves. */
  async cancel(): Promise<void> {
    if (this.#ended === null) await this.#leave([...this.#tags]);
  }

  /** The broker has handled everything that was sent when this resolves. Throws where that is not certain. */
  async close(): Promise<void> {
    if (this.#ended !== null) return;
    this.#closing = true;
    await withinTime(this.#channel.close(), this.#session.timeoutMs, never);
    this.#unanswered = 0;
  }

  #arrived(message: unknown): void {
    const delivery = rawDelivery(message);
    if (delivery === null) {
      this.#tags.clear();
      this.#end(
        new FailedError(`queue "${this.#queue}" at ${this.#session.target} was deleted, or has no leader`),
      );
      this.#channel.close().catch(() => undefined);
      return;
    }
    this.#received += 1;
    this.#waiting.push(delivery);
    if (this.#waiting.length === 1) this.wake();
  }

  #refused(refusal: unknown): Error {
    const words = serverWords(refusal);
    if (/delivery acknowledgement .*timed out/i.test(words))
      return new FailedError(`RabbitMQ took the messages back: ${words}`, {
        hint: 'settle sooner, take fewer at once (--prefetch), or raise consumer_timeout at the broker',
        code: 'CONSUMER_TIMEOUT',
      });
    return channelFailure(refusal, { kind: 'queue', name: this.#queue }, this.#session.target);
  }

  #end(reason: Error): void {
    this.#ended ??= reason;
    this.wake();
  }
}

const tagDigits = 6;
const backPauseMs = 10;
/** So long without one more of them, and somebody else has got the rest. */
const backPatienceMs = 2_000;
const besideOthersMs = 200;

/** Leaving works after an abort, too; only the time-out bounds it. */
const never = new AbortController().signal;

/** What amqplib reads of a message to settle it. */
function settling(deliveryTag: number): Parameters<Channel['ack']>[0] {
  return { ...settled, fields: { ...settled.fields, deliveryTag } };
}

const settled: Parameters<Channel['ack']>[0] = {
  content: Buffer.alloc(0),
  fields: { deliveryTag: 0, redelivered: false, exchange: '', routingKey: '' },
  properties: {
    contentType: undefined,
    contentEncoding: undefined,
    headers: undefined,
    deliveryMode: undefined,
    priority: undefined,
    correlationId: undefined,
    replyTo: undefined,
    expiration: undefined,
    messageId: undefined,
    timestamp: undefined,
    type: undefined,
    userId: undefined,
    appId: undefined,
    clusterId: undefined,
  },
};
