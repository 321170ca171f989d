/**
 * Looking at a queue: its first messages are taken and all given back in one step, which is a delivery of each. On a
 * quorum queue it counts towards the delivery limit (RabbitMQ, "Quorum Queues", poison message handling).
 */
import { FailedError, UsageError } from '../../errors.ts';
import type { Message } from '../../message/message.ts';
import type { Positions } from '../../message/position.ts';
import type { LookReport, LookRequest, Looking } from '../driver.ts';
import { QueueClaiming } from './claiming.ts';
import { declaration } from './declaration.ts';
import type { QueueType } from './queue-type.ts';
import type { Session } from './session.ts';

/** All that is looked at is held until the end, so there is a limit (as for claims). */
const mostLooked = declaration.facets.claim?.holdLimit ?? 0;
/** A batch is handed on when it has so many bytes, so that memory stays bounded. */
const batchBytes = 8 * 1024 * 1024;
/** Up to so many are back in the queue before any of them is handed on, if they are not larger than that. */
const backBefore = 10_000;
/** Of more, small batches: what is soon dropped is cheap to collect. */
const batchMessages = 500;

export interface QueueToLookAt {
  readonly name: string;
  readonly type: QueueType;
  /** How many were ready when the look began: what comes later is not looked at. */
  readonly ready: number;
  /** Without a consumer: it would be noticed. */
  readonly oneByOne: boolean;
  readonly closeToGiveBack: boolean;
}

/** Throws `UsageError` without a limit of at most `mostLooked`, and for what a queue cannot be asked for. */
export function lookAtQueue(
  session: Session,
  queue: QueueToLookAt,
  request: LookRequest,
  signal: AbortSignal,
): Looking {
  refuseUnsupported(request);
  const limit = request.limit ?? 0;
  if (request.limit === null || limit > mostLooked)
    throw new UsageError(`a look at a queue needs a limit of at most ${String(mostLooked)}`, {
      hint: 'what is looked at is held and given back in the end: use --limit, or take messages with --ack',
    });
  const most = Math.min(limit, queue.ready);
  const looking = new QueueLook(session, queue, request.channel, most, signal);
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
  readonly #queue: QueueToLookAt;
  readonly #channel: string;
  readonly #limit: number;
  readonly #signal: AbortSignal;
  #looked = 0;
  #closed = false;
  #deliveryCount: number | null = null;
  #since: number | null = null;
  #hiddenMs: number | null = null;

  constructor(session: Session, queue: QueueToLookAt, channel: string, limit: number, signal: AbortSignal) {
    this.#session = session;
    this.#queue = queue;
    this.#channel = channel;
    this.#limit = limit;
    this.#signal = signal;
  }

  report(): LookReport {
    return { looked: this.#looked, hiddenMs: this.#hiddenMs, deliveryCount: this.#deliveryCount };
  }

  async *batches(): AsyncGenerator<readonly Message[]> {
    if (this.#limit === 0 || this.#signal.aborted) return;
    const { name, oneByOne, closeToGiveBack } = this.#queue;
    const [window, follow] = [this.#limit, false];
    const request = { channel: this.#channel, window, follow, oneByOne, closeToGiveBack };
    const claiming = await QueueClaiming.open(this.#session, name, request, this.#signal);
    const mostInBatch = this.#limit <= backBefore ? backBefore : batchMessages;
    let batch: Message[] = [];
    let bytes = 0;
    try {
      for await (const came of claiming.batches) {
        if (came.kind !== 'claimed') continue; // lost: told by what is thrown next
        for (const { message } of came.items) {
          this.#see(message);
          batch.push(message);
          bytes += message.value?.length ?? 0;
        }
        if (this.#looked >= this.#limit) break;
        if (bytes < batchBytes && batch.length < mostInBatch) continue;
        yield batch;
        batch = [];
        bytes = 0;
      }
      // The last ones are back in the queue before they are shown.
      await this.#giveBack(claiming);
      if (batch.length > 0) yield batch;
    } finally {
      await this.#giveBack(claiming);
    }
  }

  #see({ delivery: { count } }: Message): void {
    this.#since ??= performance.now();
    this.#looked += 1;
    if (this.#queue.type === 'quorum' && count !== null)
      this.#deliveryCount = Math.max(this.#deliveryCount ?? 0, count);
  }

  /** All in one step, and answered: closing the channel is a handshake. */
  async #giveBack(claiming: QueueClaiming): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await claiming.close();
    } catch (error) {
      throw new FailedError(
        `looked at ${String(this.#looked)} messages of "${this.#queue.name}", and could not say that they go back`,
        { hint: 'RabbitMQ gives them back by itself when the connection ends', cause: error },
      );
    } finally {
      if (this.#since !== null) this.#hiddenMs = performance.now() - this.#since;
    }
  }
}
