/**
 * Looking at a queue: its first messages are taken and all given back in one step, which is a delivery of each. On a
 * quorum queue it counts towards the delivery limit (RabbitMQ, "Quorum Queues", poison message handling).
 *
 * They are got one by one, and not consumed: a consumer that leaves makes a queue with `auto-delete` delete itself, and is
 * counted by everything that watches consumers.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel } from 'amqplib';
import { FailedError, UsageError } from '../../errors.ts';
import type { Message } from '../../message/message.ts';
import type { Positions } from '../../message/position.ts';
import type { LookReport, LookRequest, Looking } from '../driver.ts';
import { rawDelivery } from './amqp-client.ts';
import { withinTime } from './amqp-queues.ts';
import { toMessage } from './delivery.ts';
import { channelFailure } from './failures.ts';
import type { QueueType } from './queue-type.ts';
import type { Session } from './session.ts';

/** All that is looked at is held until the end, so there is a limit (as for claims). */
const mostLooked = 50_000;
/** A batch is handed on when it has so many bytes, so that memory stays bounded. */
const batchBytes = 8 * 1024 * 1024;

export function lookAtQueue(
  session: Session,
  queue: string,
  type: QueueType,
  ready: number,
  request: LookRequest,
  signal: AbortSignal,
): Looking {
  refuseUnsupported(request);
  const limit = request.limit ?? 0;
  if (request.limit === null || limit > mostLooked)
    throw new UsageError(`a look at a queue needs a limit of at most ${String(mostLooked)}`, {
      hint: 'what is looked at is held and given back in the end: use --limit, or take messages with --ack',
    });
  const most = Math.min(limit, ready);
  const looking = new QueueLook(session, queue, request.channel, type, most, signal);
  return { batches: looking.batches(), expected: most, report: () => looking.report() };
}

function refuseUnsupported(request: LookRequest): void {
  if (request.follow)
    throw new UsageError('following a queue by looking would keep its messages from the consumers', {
      hint: 'take them: --ack',
    });
  if (request.partitions !== null)
    throw new UsageError('a queue has no partitions', { hint: 'leave --partition out' });
  if (!isMark(request.from, 'start') || (request.until !== null && !isMark(request.until, 'end')))
    throw new UsageError('a queue can be looked at from its start only', {
      hint: 'positions are for streams: leave --from and --until out',
    });
}

function isMark(positions: Positions, kind: 'start' | 'end'): boolean {
  if (!('every' in positions)) return false;
  const { every } = positions;
  return every.kind === kind && every.shift === 0n;
}

class QueueLook {
  readonly #session: Session;
  readonly #queue: string;
  readonly #name: string;
  readonly #type: QueueType;
  readonly #limit: number;
  readonly #signal: AbortSignal;
  #looked = 0;
  #closed = false;
  #deliveryCount: number | null = null;
  #since: number | null = null;
  #hiddenMs: number | null = null;

  constructor(
    session: Session,
    queue: string,
    name: string,
    type: QueueType,
    limit: number,
    signal: AbortSignal,
  ) {
    this.#session = session;
    this.#queue = queue;
    this.#name = name;
    this.#type = type;
    this.#limit = limit;
    this.#signal = signal;
  }

  report(): LookReport {
    return { looked: this.#looked, hiddenMs: this.#hiddenMs, deliveryCount: this.#deliveryCount };
  }

  async *batches(): AsyncGenerator<readonly Message[]> {
    const channel = await this.#session.openChannel(this.#signal);
    try {
      let more = true;
      while (more) {
        const batch: Message[] = [];
        let bytes = 0;
        while (more && bytes < batchBytes) {
          const message = await this.#get(channel);
          if (message !== null) {
            batch.push(message);
            bytes += message.value?.length ?? 0;
          }
          more = message !== null && this.#looked < this.#limit && !this.#signal.aborted;
        }
        // The last ones are back in the queue before they are shown.
        if (!more) await this.#giveBack(channel);
        if (batch.length > 0) yield batch;
      }
    } finally {
      await this.#giveBack(channel);
    }
  }

  /** null: there is none. */
  async #get(channel: Channel): Promise<Message | null> {
    if (this.#looked >= this.#limit || this.#signal.aborted) return null;
    let answer: unknown;
    try {
      answer = await withinTime(
        channel.get(this.#queue, { noAck: false }),
        this.#session.timeoutMs,
        this.#signal,
      );
    } catch (error) {
      if (this.#signal.aborted) return null;
      throw channelFailure(error, { kind: 'queue', name: this.#queue }, this.#session.target);
    }
    const delivery = answer === false ? null : rawDelivery(answer);
    if (delivery === null) return null;
    this.#since ??= performance.now();
    this.#looked += 1;
    const message = toMessage(this.#name, delivery);
    const { count } = message.delivery;
    if (this.#type === 'quorum' && count !== null)
      this.#deliveryCount = Math.max(this.#deliveryCount ?? 0, count);
    return message;
  }

  async #return(channel: Channel): Promise<void> {
    const before = await this.#ready(channel);
    channel.nackAll(true);
    for (let tries = 0; tries < backTries; tries++) {
      const now = await this.#ready(channel);
      if (now.consumers > 0 || now.messages >= before.messages + this.#looked) return;
      await sleep(backPauseMs);
    }
  }

  async #ready(channel: Channel): Promise<{ readonly messages: number; readonly consumers: number }> {
    const asked = channel.checkQueue(this.#queue);
    const { messageCount, consumerCount } = await withinTime(asked, this.#session.timeoutMs, never);
    return { messages: messageCount, consumers: consumerCount };
  }

  /** All in one step, and answered: closing the channel is a handshake. */
  async #giveBack(channel: Channel): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      if (this.#since !== null) await this.#return(channel);
      await withinTime(channel.close(), this.#session.timeoutMs, never);
    } catch (error) {
      throw new FailedError(
        `looked at ${String(this.#looked)} messages of "${this.#queue}", and could not say that they go back`,
        { hint: 'RabbitMQ gives them back by itself when the connection ends', cause: error },
      );
    } finally {
      if (this.#since !== null) this.#hiddenMs = performance.now() - this.#since;
    }
  }
}

/** A quorum queue gives back a moment after it was told to; without a consumer, that can be seen. */
const backPauseMs = 10;
const backTries = 50;

const never = new AbortController().signal;
