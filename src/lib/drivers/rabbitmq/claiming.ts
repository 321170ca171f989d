/**
 * Messages that are held: delivered, and neither acknowledged nor given back.
 *
 * RabbitMQ answers no acknowledgement, so settling says `sent`. It handles what comes on a channel in order: an answer to
 * anything that was sent later proves it, at the latest the handshake of `close`.
 */
import { FailedError } from '../../errors.ts';
import type { ClaimBatch, ClaimRequest, Claimed, Claiming, SettleOutcome } from '../driver.ts';
import { Consumer } from './consumer.ts';
import { toMessage } from './delivery.ts';
import type { Session } from './session.ts';

/** How long the broker may still be about to deliver what it counts as ready; it grows with each look. */
const firstPauseMs = 5;
const longestPauseMs = 500;

/**
 * A window is let in by portions, so that the bodies of a large one are never in memory together: the next portion comes when
 * all of the one before is held, so that there are never more than two of them.
 */
const wholeWindow = 500;
const smallestPortion = 10;
const usualPortion = 2_000;
const unknownPortion = 100;
const portionBytes = 8 * 1024 * 1024;
/** A quorum queue keeps the order of what up to 32 consumers give back (seen on 4.0): so larger windows have larger portions. */
const usuallyMostPortions = 30;
/**
 * Each portion is another consumer, which a quorum queue has to agree on with its replicas. So while what is held is being
 * settled, and the consumer of now brings more in its place, the window is not topped up by less than this part of it.
 */
const worthwhilePart = 1 / 4;
/** So long nothing settled, and what is held is taken to be held to the end. */
const stalledMs = 500;

export interface HoldRequest extends Pick<ClaimRequest, 'channel' | 'window' | 'follow'> {
  /** Without a consumer, whose leaving would be noticed. */
  readonly oneByOne: boolean;
  /** What is held in the end goes back with the channel, in one step: see `goesBackByClosing`. */
  readonly closeToGiveBack: boolean;
}

function firstPortion({ window }: HoldRequest): number {
  return window <= wholeWindow ? window : unknownPortion;
}

export class QueueClaiming implements Claiming {
  readonly batches: AsyncIterable<ClaimBatch>;
  readonly #session: Session;
  readonly #consumer: Consumer;
  readonly #queue: string;
  readonly #request: HoldRequest;
  readonly #signal: AbortSignal;
  readonly #endCounting: () => void;
  /** Delivery tags, in the order of delivery, which is theirs. */
  readonly #held = new Set<number>();
  /** To be given back when nothing is taken any more. */
  readonly #unwanted = new Set<number>();
  /** How many the consumer of now may hold, and holds: those whose tag is higher than every end. */
  #portion: number;
  #inPortion = 0;
  /** The last tag of each portion before it. */
  readonly #ends: number[] = [];
  #bytes = 0;
  #settledAt = performance.now();
  /** Until the next consumer is there; null: none is on its way. */
  #arriving: Promise<void> | null = null;
  /** While two consumers are there, nothing is settled: the first one would bring more beside the second. */
  #lettingIn: Promise<void> = Promise.resolve();
  #taking = true;
  #closed = false;

  private constructor(
    session: Session,
    consumer: Consumer,
    queue: string,
    request: HoldRequest,
    signal: AbortSignal,
  ) {
    this.#session = session;
    this.#consumer = consumer;
    this.#queue = queue;
    this.#request = request;
    this.#portion = firstPortion(request);
    this.#signal = signal;
    this.batches = this.#take();
    this.#endCounting = session.heldHere.add(queue, () =>
      consumer.ended === null ? this.#held.size + consumer.waiting : 0,
    );
  }

  /** Throws `NotFoundError`, `DeniedError`, `FailedError` where the broker refuses. */
  static async open(
    session: Session,
    queue: string,
    request: HoldRequest,
    signal: AbortSignal,
  ): Promise<QueueClaiming> {
    const consumer = request.oneByOne
      ? await Consumer.pulling(session, queue, signal)
      : await Consumer.open(session, { queue, prefetch: firstPortion(request) }, signal);
    return new QueueClaiming(session, consumer, queue, request, signal);
  }

  async settle(claims: readonly string[]): Promise<readonly SettleOutcome[]> {
    await this.#lettingIn;
    const tags = new Set<number>();
    const outcomes = claims.map((claim): SettleOutcome => {
      const tag = Number(claim);
      if (!this.#holds(tag)) return 'lost';
      tags.add(tag);
      return 'sent';
    });
    this.#inFewSteps(tags, (tag, multiple) => {
      this.#consumer.ack(tag, multiple);
    });
    this.#settledAt = performance.now();
    this.#consumer.wake(); // there is room for more
    return outcomes;
  }

  /**
   * While a queue is being emptied, what is given back would come again at once, each time counted as a delivery: so it is
   * kept until no more is taken, when the loop over `batches` ends.
   */
  async release(claims: readonly string[]): Promise<void> {
    await this.#lettingIn;
    const tags = new Set(claims.map(Number).filter((tag) => this.#holds(tag)));
    if (!this.#taking || this.#request.follow) {
      this.#giveBack(tags);
      return;
    }
    for (const tag of tags) this.#unwanted.add(tag);
    this.#consumer.wake();
  }

  /** They stay ours as long as the connection, or until the broker's `consumer_timeout`. */
  async extend(): Promise<void> {
    await Promise.resolve();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const { ended, unanswered } = this.#consumer;
    try {
      if (ended !== null && unanswered === 0) return; // told by `batches`
      if (ended !== null) throw ended;
      await this.#stopTaking();
      this.#hold();
      const { size } = this.#held;
      if (size > 0 && this.#request.closeToGiveBack) await this.#consumer.closeUntilBack(size);
      else if (size > 0) await this.#consumer.untilBack(size, () => this.#giveBackAll());
      await this.#consumer.close();
    } catch (error) {
      throw this.#uncertain(error);
    } finally {
      this.#endCounting();
    }
  }

  async *#take(): AsyncGenerator<ClaimBatch> {
    try {
      for (;;) {
        const items = this.#hold();
        if (items.length > 0) {
          this.#letMoreIn(); // it comes while these are looked at
          yield { kind: 'claimed', items };
          continue;
        }
        const { ended } = this.#consumer;
        if (ended !== null) {
          yield { kind: 'lost', claims: [...this.#held].map(String), reason: ended.message };
          throw ended;
        }
        if (this.#signal.aborted) return;
        if (!(await this.#more())) return;
      }
    } finally {
      await this.#stopTaking();
    }
  }

  /** Waits for something to come. false: there is nothing more to take. */
  async #more(): Promise<boolean> {
    this.#letMoreIn();
    if (this.#arriving !== null) {
      await this.#arriving;
      this.#arriving = null;
      return true;
    }
    if (this.#request.follow) {
      const mayLetIn = this.#inPortion >= this.#portion && this.#held.size < this.#request.window;
      await this.#consumer.wait(mayLetIn ? stalledMs : null, this.#signal);
      return true;
    }
    const since = performance.now();
    const { received } = this.#consumer;
    // Mostly something comes at once, and asking the queue for its depth would only hold that up.
    if (this.#inPortion < this.#portion && !this.#request.oneByOne)
      await this.#consumer.wait(firstPauseMs, this.#signal);
    if (this.#consumer.received !== received) return true;
    for (let pause = firstPauseMs; ; pause = Math.min(pause * 2, longestPauseMs)) {
      if (this.#unwanted.size >= this.#request.window) return false;
      if (this.#held.size >= this.#request.window) {
        await this.#consumer.wait(null, this.#signal);
        return true;
      }
      if (this.#inPortion >= this.#portion) {
        await this.#consumer.wait(stalledMs, this.#signal);
        return true;
      }
      const before = this.#consumer.received;
      const ready = await this.#ready();
      const stillReady = ready === 0 ? await this.#ready() : ready;
      if (this.#consumer.received !== before || this.#consumer.ended !== null || this.#signal.aborted)
        return true;
      if (stillReady === 0) return false;
      if (performance.now() - since > this.#session.timeoutMs) throw this.#withheld(stillReady);
      await this.#consumer.wait(pause, this.#signal);
      if (this.#consumer.received !== before) return true;
    }
  }

  /** Another portion, where all of the one before is held and the window has room. */
  #letMoreIn(): void {
    const { window } = this.#request;
    const room = window - this.#held.size;
    if (this.#inPortion < this.#portion || room <= 0 || room < this.#worthwhile()) return;
    const average = Math.max(1, this.#bytes / this.#consumer.received);
    const fitting = Math.max(smallestPortion, Math.floor(portionBytes / average));
    this.#portion = Math.min(room, fitting, Math.max(usualPortion, Math.ceil(window / usuallyMostPortions)));
    this.#inPortion = 0;
    this.#ends.push(this.#consumer.received);
    const coming = this.#lettingIn.then(() => this.#consumer.more(this.#portion, this.#signal));
    this.#arriving = this.#unlessOver(coming);
    this.#lettingIn = this.#unlessOver(coming.then(({ left }) => left));
    for (const each of [this.#arriving, this.#lettingIn]) each.catch(() => undefined); // told to who waits for it
  }

  /** With less room than this, no other consumer is worth its while. */
  #worthwhile(): number {
    if (performance.now() - this.#settledAt >= stalledMs) return 1;
    return Math.min(this.#portion, this.#request.window * worthwhilePart);
  }

  /** What fails because the consumer ended or the signal came is told by `batches`. */
  async #unlessOver(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (this.#consumer.ended === null && !this.#signal.aborted) throw error;
    }
  }

  async #ready(): Promise<number> {
    try {
      return await this.#consumer.ready(this.#signal);
    } catch (error) {
      // Told by how the consumer ended, or by the signal.
      if (this.#consumer.ended !== null || this.#signal.aborted) return 0;
      throw error;
    }
  }

  #withheld(ready: number): FailedError {
    return new FailedError(
      `${String(ready)} messages wait in "${this.#queue}", and RabbitMQ gives none of them to this consumer`,
      { hint: 'another consumer is the single active one, or has a higher priority' },
    );
  }

  /** What has come is held from now on. */
  #hold(): readonly Claimed[] {
    return this.#consumer.take().map((delivery) => {
      const { deliveryTag } = delivery.fields;
      this.#held.add(deliveryTag);
      this.#bytes += delivery.content.length;
      if (this.#isOfNow(deliveryTag)) this.#inPortion += 1;
      return { claim: String(deliveryTag), message: toMessage(this.#request.channel, delivery) };
    });
  }

  /** Whether the consumer of now brought it. */
  #isOfNow(tag: number): boolean {
    return tag > (this.#ends.at(-1) ?? 0);
  }

  #holds(tag: number): boolean {
    return this.#consumer.ended === null && !this.#closed && this.#held.has(tag) && !this.#unwanted.has(tag);
  }

  async #stopTaking(): Promise<void> {
    if (!this.#taking) return;
    this.#taking = false;
    await this.#lettingIn;
    if (this.#consumer.ended !== null) return;
    await this.#consumer.cancel();
    if (this.#unwanted.size === 0) return;
    this.#hold();
    const unwanted = new Set(this.#unwanted);
    this.#unwanted.clear();
    this.#giveBack(unwanted);
  }

  /**
   * One step for each portion, in the order of their delivery: a quorum queue keeps the order of what one consumer gives back,
   * not that of several, and takes each that was got for one of its own.
   */
  #giveBackAll(): void {
    if (this.#request.oneByOne) {
      for (const tag of this.#held) this.#consumer.giveBack(tag, false);
      this.#held.clear();
      return;
    }
    const ends = [...this.#ends, Infinity];
    let end = ends.shift() ?? Infinity;
    let last: number | null = null;
    for (const tag of this.#held) {
      while (tag > end) {
        if (last !== null) this.#consumer.giveBack(last, true);
        last = null;
        end = ends.shift() ?? Infinity;
      }
      last = tag;
    }
    if (last !== null) this.#consumer.giveBack(last, true);
    this.#held.clear();
  }

  #giveBack(tags: ReadonlySet<number>): void {
    this.#inFewSteps(tags, (tag, multiple) => {
      this.#consumer.giveBack(tag, multiple);
    });
  }

  /** Those that are the first ones held go in one step, each of the others in one of its own. */
  #inFewSteps(tags: ReadonlySet<number>, step: (tag: number, multiple: boolean) => void): void {
    let upTo: number | null = null;
    let first = 0;
    for (const tag of this.#held) {
      if (!tags.has(tag)) break;
      upTo = tag;
      first += 1;
    }
    if (upTo !== null) step(upTo, first > 1);
    for (const tag of tags) {
      this.#held.delete(tag);
      if (this.#isOfNow(tag)) this.#inPortion -= 1;
      if (upTo === null || tag > upTo) step(tag, false);
    }
  }

  #uncertain(cause: unknown): Error {
    const { unanswered } = this.#consumer;
    const reason = cause instanceof Error ? cause : new Error(String(cause));
    if (unanswered === 0) return reason;
    return new FailedError(
      `whether RabbitMQ took the last acknowledgements for "${this.#queue}" is not certain: ${reason.message}`,
      { code: 'UNCERTAIN', hint: 'some of those messages may come again', cause },
    );
  }
}
