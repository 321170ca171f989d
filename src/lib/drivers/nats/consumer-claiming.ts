/** Messages claimed through a consumer: each is acknowledged, given back, or handed out anew when its time is over. */
import type { ConsumerInfo } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Message } from '../../message/message.ts';
import type { ClaimBatch, Claimed, Claiming, SettleOutcome } from '../driver.ts';
import { isConnectionLoss, plain } from './failures.ts';
import type { Delivery, StoredMessage } from './message-codec.ts';
import { answerDelivery, Pull } from './pull.ts';
import type { Delivered } from './pull.ts';
import type { Session } from './session.ts';
import { millisecondsOf } from './nanoseconds.ts';

/** One answer for each; null stands for nothing that anyone should see: it is settled unseen. */
export type Taken = (
  all: readonly StoredMessage[],
  deliveries: readonly Delivery[],
  signal: AbortSignal,
) => Promise<readonly (Message | null)[]>;

export interface ConsumerClaimRequest {
  readonly consumer: ConsumerInfo;
  readonly follow: boolean;
  readonly window: number;
  /** The consumer's count of deliveries is the messages' own. */
  readonly countsDeliveries: boolean;
  readonly toMessages: Taken;
  /** Takes the message out of the stream; null: acknowledging is all. Answers false where it was gone. */
  readonly remove: ((seq: number) => Promise<boolean>) | null;
  /** The stream itself removes what is acknowledged: then `remove` may find it gone. */
  readonly removedByAck: boolean;
  /** Done last. */
  readonly leave: (() => Promise<void>) | null;
}

interface Held {
  readonly reply: string;
  readonly seq: number;
  /** By this process's clock: the server's is over no earlier, but for what the delivery took. */
  until: number;
}

/** Before the end of its time somebody else may have it by the server's clock: a fifth of it, at most so long. */
const marginMs = 200;

export class ConsumerClaiming implements Claiming {
  readonly batches: AsyncIterable<ClaimBatch>;
  readonly leaseMs: number;
  readonly #session: Session;
  readonly #connection: NatsConnection;
  readonly #request: ConsumerClaimRequest;
  readonly #pull: Pull;
  readonly #held = new Map<string, Held>();
  #closing: Promise<void> | null = null;
  #watching: NodeJS.Timeout | undefined;

  private constructor(
    session: Session,
    connection: NatsConnection,
    request: ConsumerClaimRequest,
    signal: AbortSignal,
  ) {
    this.#session = session;
    this.#connection = connection;
    this.#request = request;
    const { config } = request.consumer;
    // With a backoff each delivery has a time of its own: the shortest holds for all.
    this.leaseMs = millisecondsOf(Math.min(...(config.backoff ?? []), config.ack_wait ?? 30e9));
    this.#pull = new Pull(session, connection, {
      stream: request.consumer.stream_name,
      consumer: request.consumer.name,
      window: request.window,
      follow: request.follow,
      batchAtMost: config.max_batch ?? 0,
    });
    this.batches = this.#batches(signal);
  }

  static async open(
    session: Session,
    request: ConsumerClaimRequest,
    signal: AbortSignal,
  ): Promise<ConsumerClaiming> {
    return new ConsumerClaiming(session, await session.connection(signal), request, signal);
  }

  async settle(claims: readonly string[]): Promise<readonly SettleOutcome[]> {
    const outcomes = await Promise.all(claims.map((claim) => this.#settleOne(claim)));
    this.#pull.freed(this.#forget(claims));
    return outcomes;
  }

  /** Not delivered again: the server tells it in an advisory. */
  async reject(claims: readonly string[], reason: string): Promise<readonly SettleOutcome[]> {
    const outcomes = await Promise.all(
      claims.map(async (claim): Promise<SettleOutcome> => {
        const held = this.#held.get(claim);
        if (held === undefined || this.#isOver(held)) return 'lost';
        try {
          const word = `+TERM ${plain(reason)}` as const;
          await answerDelivery(this.#connection, held.reply, word, this.#session.timeoutMs);
          return 'settled';
        } catch {
          return 'unknown';
        }
      }),
    );
    this.#pull.freed(this.#forget(claims));
    return outcomes;
  }

  async release(claims: readonly string[]): Promise<void> {
    const held = claims.flatMap((claim) => this.#held.get(claim) ?? []);
    this.#pull.freed(this.#forget(claims));
    await this.#giveBack(held);
  }

  /** And what has come and was not taken yet: whoever works on these takes it next. */
  async extend(claims: readonly string[]): Promise<void> {
    const at = performance.now();
    const held = claims.flatMap((claim) => this.#held.get(claim) ?? []);
    await Promise.all([
      ...held.map(async (one) => {
        if (await this.#keep(one)) one.until = at + this.leaseMs;
      }),
      ...this.#pull.arrived.map(async (one) => {
        if (await this.#keep(this.#heldOf(one))) one.heldSince = at;
      }),
    ]);
    this.#watch();
  }

  /** Whether it was still ours to keep. */
  async #keep(held: Held): Promise<boolean> {
    if (this.#isOver(held)) return false;
    await answerDelivery(this.#connection, held.reply, '+WPI', this.#session.timeoutMs);
    return true;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const unseen = await this.#pull.stop();
    const held = [...this.#held.values(), ...unseen.map((one) => this.#heldOf(one))];
    this.#held.clear();
    this.#watch();
    if (held.length > 0) await this.#forgetWaiting();
    await this.#giveBack(held);
    await this.#request.leave?.();
  }

  /**
   * The server goes on to offer messages to a request that nobody listens to any more, and puts what it offered in vain behind
   * the others. Being asked about the consumer, it drops such requests.
   */
  async #forgetWaiting(): Promise<void> {
    const { stream_name: stream, name } = this.#request.consumer;
    const signal = AbortSignal.timeout(this.#session.timeoutMs);
    await this.#session
      .ask(`consumer "${name}"`, ({ consumers }) => consumers.info(stream, name), signal)
      .catch(() => undefined);
  }

  /** The first one first, so that they come again in their order. What is somebody else's by now is left alone. */
  async #giveBack(all: readonly Held[]): Promise<void> {
    if (this.#connection.isClosed()) return;
    try {
      await Promise.all(
        all
          .filter((held) => !this.#isOver(held))
          .map(({ reply }) => answerDelivery(this.#connection, reply, '-NAK', this.#session.timeoutMs)),
      );
    } catch (error) {
      // Then they come again when their time is over.
      if (!isConnectionLoss(error)) throw error;
    }
  }

  async #settleOne(claim: string): Promise<SettleOutcome> {
    const held = this.#held.get(claim);
    if (held === undefined || this.#isOver(held)) return 'lost';
    const { remove, removedByAck } = this.#request;
    try {
      // First: of what is deleted unacknowledged the server says that it was terminated, as if it were a dead letter.
      await answerDelivery(this.#connection, held.reply, '+ACK', this.#session.timeoutMs);
      const there = remove === null || (await remove(held.seq));
      return there || removedByAck ? 'settled' : 'lost';
    } catch {
      return 'unknown';
    }
  }

  #isOver({ until }: Held): boolean {
    return performance.now() > until - this.#margin() / 2;
  }

  #forget(claims: readonly string[]): number {
    const count = claims.filter((claim) => this.#held.delete(claim)).length;
    this.#watch();
    return count;
  }

  #heldOf({ reply, seq, heldSince }: Delivered): Held {
    return { reply, seq, until: heldSince + this.leaseMs };
  }

  /** When the time of the first one is nearly over, and nobody takes any more, nothing more is asked for. */
  #watch(): void {
    clearTimeout(this.#watching);
    const first = Math.min(...[...this.#held.values()].map(({ until }) => until));
    if (first === Infinity) return;
    this.#watching = setTimeout(
      () => this.#pull.pause(),
      Math.max(0, first - this.#margin() - performance.now()),
    );
    this.#watching.unref();
  }

  #margin(): number {
    return Math.min(marginMs, this.leaseMs / 5);
  }

  async *#batches(signal: AbortSignal): AsyncGenerator<ClaimBatch> {
    for (;;) {
      const arrived = await this.#pull.next(signal);
      if (arrived === null) return;
      const again = new Set(arrived.map(({ seq }) => seq));
      const over = [...this.#held].filter(([, { seq }]) => again.has(seq)).map(([claim]) => claim);
      if (over.length > 0) {
        this.#pull.freed(this.#forget(over));
        yield { kind: 'lost', claims: over, reason: 'its time was over, and it was delivered again' };
      }
      const items = await this.#take(arrived, signal);
      if (items.length > 0) yield { kind: 'claimed', items };
    }
  }

  async #take(arrived: readonly Delivered[], signal: AbortSignal): Promise<Claimed[]> {
    const { countsDeliveries, toMessages } = this.#request;
    for (const delivered of arrived) this.#held.set(delivered.reply, this.#heldOf(delivered));
    this.#watch();
    const messages = await toMessages(
      arrived.map(({ seq, message, time }) => ({
        seq,
        time,
        subject: message.subject,
        headers: message.headers ?? null,
        data: message.data,
      })),
      arrived.map(({ count }) =>
        countsDeliveries ? { count, redelivered: count > 1 } : { count: null, redelivered: null },
      ),
      signal,
    );
    const items: Claimed[] = [];
    const nothing: string[] = [];
    for (const [index, { reply }] of arrived.entries()) {
      const message = messages[index] ?? null;
      if (message === null) nothing.push(reply);
      else items.push({ claim: reply, message });
    }
    if (nothing.length > 0) await this.settle(nothing);
    return items;
  }
}
