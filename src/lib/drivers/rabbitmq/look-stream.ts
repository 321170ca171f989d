/**
 * Looking at a stream: free, from any offset or time (RabbitMQ, "Streams", consuming).
 *
 * What is read over AMQP 0-9-1 of a stream: nobody tells its first or last offset, its count of messages comes seconds
 * late, and offsets have gaps. But the broker delivers, in one go, all that is there and that the prefetch allows: when
 * something came, and an answer on the same channel came after it, and fewer came than were allowed, then it was the end.
 */
import { FailedError, UsageError } from '../../errors.ts';
import type { Message } from '../../message/message.ts';
import type { Position } from '../../message/position.ts';
import type { LookRequest, Looking } from '../driver.ts';
import { Consumer } from './consumer.ts';
import { toStreamMessage } from './delivery.ts';
import type { RawDelivery } from './amqp-client.ts';
import type { Session } from './session.ts';

/** How many may be on their way: enough not to wait for small messages, few enough not to hold many large ones. */
const mostOnTheWay = 1000;
const fewestOnTheWay = 20;
const bytesOnTheWay = 32 * 1024 * 1024;
/** While nothing is known about their size. */
const onTheWay = 100;
/** The first delivery of what is there comes at once; after so long there is none. */
const nothingAfterMs = 1000;

/** Where a consumer attaches. A time attaches to the chunk that holds it, so somewhat earlier. */
type Attach = 'first' | 'last' | number | { readonly '!': 'timestamp'; readonly value: number };

interface Bounds {
  readonly first: bigint;
  /** After the last one. */
  readonly end: bigint;
}

/** Nothing is taken from it. Throws `UsageError` for partitions, and for a position that a stream has not got. */
export async function lookAtStream(
  session: Session,
  queue: string,
  request: LookRequest,
  signal: AbortSignal,
): Promise<Looking> {
  if (request.partitions !== null)
    throw new UsageError('a stream has no partitions', { hint: 'leave --partition out' });
  const positions = new StreamPositions(session, queue, signal);
  const from = await positions.start(everyOf(request.from));
  const until = request.follow
    ? request.until === null
      ? null
      : await positions.offsetOf(everyOf(request.until))
    : await positions.lower(request.until === null ? null : everyOf(request.until));
  const looking = new StreamLook(session, queue, request, from, until, positions.onTheWay, signal);
  return {
    batches: looking.batches(),
    expected: until === null || from.offset === null ? null : Math.max(0, Number(until - from.offset)),
    report: () => ({ looked: looking.looked, hiddenMs: null, deliveryCount: null }),
  };
}

function everyOf(positions: LookRequest['from']): Position {
  if ('every' in positions) return positions.every;
  throw new UsageError('a stream has no partitions', { hint: 'write one position, such as 42 or end-100' });
}

interface Start {
  readonly attach: Attach;
  /** What is before is dropped: some brokers begin with the chunk that holds it. null: unknown. */
  readonly offset: bigint | null;
}

/** Turns positions into offsets. */
class StreamPositions {
  readonly #session: Session;
  readonly #queue: string;
  readonly #signal: AbortSignal;
  #bounds: Promise<Bounds | null> | null = null;
  #sampled = 0;
  #sampledBytes = 0;

  constructor(session: Session, queue: string, signal: AbortSignal) {
    this.#session = session;
    this.#queue = queue;
    this.#signal = signal;
  }

  async start(position: Position): Promise<Start> {
    if (position.kind === 'time') return { attach: timestamp(position.time), offset: null };
    const offset = await this.offsetOf(position);
    return { attach: attachAt(offset), offset };
  }

  /** Exclusive: the end as it is now, or what lies before it. */
  async lower(until: Position | null): Promise<bigint> {
    const { end } = await this.#edges();
    if (until === null) return end;
    const offset = await this.offsetOf(until);
    return offset < end ? offset : end;
  }

  async offsetOf(position: Position): Promise<bigint> {
    switch (position.kind) {
      case 'start':
        return atLeast0((await this.#edges()).first + position.shift);
      case 'end':
        return atLeast0((await this.#edges()).end + position.shift);
      case 'offset':
        return BigInt(position.offset);
      case 'after':
        return BigInt(position.offset) + 1n;
      case 'time':
        return (await this.#firstAt(timestamp(position.time))) ?? (await this.#edges()).end;
      case 'id':
      case 'group':
      case 'current':
        throw new UsageError(`a stream has no position of the kind "${position.kind}"`, {
          hint: 'write start, end-100, an offset such as 42, or a time such as @-1h',
        });
    }
  }

  /** How many of this stream's messages may be on their way, by the size of those that were seen. */
  get onTheWay(): number {
    if (this.#sampled === 0) return onTheWay;
    const fit = Math.floor((bytesOnTheWay * this.#sampled) / Math.max(1, this.#sampledBytes));
    return Math.max(fewestOnTheWay, Math.min(mostOnTheWay, fit));
  }

  #sample(deliveries: readonly RawDelivery[]): void {
    for (const { content } of deliveries) {
      this.#sampled += 1;
      this.#sampledBytes += content.length;
    }
  }

  async #edges(): Promise<Bounds> {
    this.#bounds ??= this.#findBounds();
    return (await this.#bounds) ?? { first: 0n, end: 0n };
  }

  async #findBounds(): Promise<Bounds | null> {
    const [first, end] = await Promise.all([this.#firstAt('first'), this.#findEnd()]);
    return first === null || end === null ? null : { first, end };
  }

  /** The offset of the first message that is delivered from there; null: none is. */
  async #firstAt(attach: Attach): Promise<bigint | null> {
    const consumer = await attachedTo(this.#session, this.#queue, attach, 1, this.#signal);
    try {
      await consumer.wait(nothingAfterMs, this.#signal);
      if (consumer.ended !== null) throw consumer.ended;
      const [delivery] = consumer.take();
      if (delivery !== undefined) this.#sample([delivery]);
      return delivery === undefined ? null : offsetOf(toStreamMessage(this.#queue, delivery));
    } finally {
      await consumer.close();
    }
  }

  /** One after the last offset; null: the stream is empty. */
  async #findEnd(): Promise<bigint | null> {
    const consumer = await attachedTo(this.#session, this.#queue, 'last', onTheWay, this.#signal);
    try {
      await consumer.wait(nothingAfterMs, this.#signal);
      let last: RawDelivery | undefined;
      for (;;) {
        const before = consumer.received;
        await consumer.ready(this.#signal);
        if (consumer.ended !== null) throw consumer.ended;
        const deliveries = consumer.take();
        last = deliveries.at(-1) ?? last;
        if (last === undefined) return null;
        this.#sample(deliveries);
        if (consumer.received === before && deliveries.length < onTheWay)
          return offsetOf(toStreamMessage(this.#queue, last)) + 1n;
        consumer.ack(last.fields.deliveryTag, true);
      }
    } finally {
      await consumer.close();
    }
  }
}

class StreamLook {
  readonly #session: Session;
  readonly #queue: string;
  readonly #request: LookRequest;
  readonly #from: Start;
  readonly #until: bigint | null;
  readonly #prefetch: number;
  readonly #signal: AbortSignal;
  looked = 0;

  constructor(
    session: Session,
    queue: string,
    request: LookRequest,
    from: Start,
    until: bigint | null,
    prefetch: number,
    signal: AbortSignal,
  ) {
    this.#session = session;
    this.#queue = queue;
    this.#request = request;
    this.#from = from;
    this.#until = until;
    this.#prefetch = prefetch;
    this.#signal = signal;
  }

  async *batches(): AsyncGenerator<readonly Message[]> {
    const { channel, follow } = this.#request;
    const until = this.#until;
    const from = this.#from.offset;
    if (this.#room() === 0 || (until !== null && (until === 0n || (from !== null && from >= until)))) return;
    const consumer = await attachedTo(
      this.#session,
      this.#queue,
      this.#from.attach,
      this.#prefetch,
      this.#signal,
    );
    try {
      let came = false;
      for (;;) {
        // Before anything came, silence means that there is nothing at that time or later.
        const patience = came ? this.#session.timeoutMs : nothingAfterMs;
        await consumer.wait(follow ? null : patience, this.#signal);
        if (this.#signal.aborted) return;
        if (consumer.ended !== null) throw consumer.ended;
        const deliveries = consumer.take();
        const last = deliveries.at(-1);
        if (last === undefined) {
          if (came) throw this.#stopped();
          return;
        }
        came = true;
        // More may come while these are written out.
        consumer.ack(last.fields.deliveryTag, true);
        const messages = deliveries.map((delivery) => toStreamMessage(channel, delivery));
        const reached = offsetOf(messages.at(-1));
        const batch = messages
          .filter((message) => {
            const offset = offsetOf(message);
            return (from === null || offset >= from) && (until === null || offset < until);
          })
          .slice(0, this.#room());
        this.looked += batch.length;
        if (batch.length > 0) yield batch;
        if (this.#room() === 0 || (until !== null && reached >= until - 1n)) return;
      }
    } finally {
      await consumer.close().catch(() => undefined); // nothing of a stream was taken
    }
  }

  #stopped(): FailedError {
    return new FailedError(
      `stream "${this.#queue}" delivers no more, although there is more until offset ${String(this.#until)}`,
      { retriable: true, hint: 'see whether the stream has a leader: mqctl status' },
    );
  }

  #room(): number {
    return this.#request.limit === null ? Infinity : this.#request.limit - this.looked;
  }
}

function attachedTo(
  session: Session,
  queue: string,
  attach: Attach,
  count: number,
  signal: AbortSignal,
): Promise<Consumer> {
  return Consumer.open(session, { queue, prefetch: count, arguments: { 'x-stream-offset': attach } }, signal);
}

/** AMQP's timestamps are whole seconds. */
function timestamp(time: number): Attach {
  return { '!': 'timestamp', value: Math.max(0, Math.floor(time / 1000)) };
}

function attachAt(offset: bigint): Attach {
  if (offset === 0n) return 'first';
  // No stream gets that far; beyond it a number would be another one.
  return offset > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(offset);
}

function atLeast0(offset: bigint): bigint {
  return offset < 0n ? 0n : offset;
}

function offsetOf(message: Message | undefined): bigint {
  const offset = message?.offset ?? null;
  if (offset === null) throw new FailedError('RabbitMQ delivered a message of a stream without its offset');
  return BigInt(offset);
}
