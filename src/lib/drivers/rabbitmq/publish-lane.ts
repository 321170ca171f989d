/**
 * One channel that publishes, with confirms or without: what is on its way, in order, and what became of it.
 *
 * RabbitMQ answers each publication with `basic.ack` or `basic.nack` by its number on the channel; what no queue got is
 * sent back as `basic.return` before, without the number, and then acknowledged (RabbitMQ, "Consumer Acknowledgements and
 * Publisher Confirms", when are messages confirmed).
 */
import type { Channel } from 'amqplib';
import type { Outcome } from '../driver.ts';
import type { OutgoingMessage, Properties, PropertyValue } from '../../message/message.ts';
import { channelNumber, rawReturn } from './amqp-client.ts';
import type { AmqpConnection, RawReturn } from './amqp-client.ts';
import { encodeProperties } from './basic-properties.ts';
import { ByteWriter } from './byte-writer.ts';
import { codeOf } from './amqp-queues.ts';
import { serverWords } from './failures.ts';
import type { ShortText } from './frames.ts';

/** A publication on its way. */
export interface Flight {
  readonly message: OutgoingMessage;
  readonly routingKey: PropertyValue;
  readonly bytes: number;
  /** Called once. */
  readonly land: (outcome: Outcome) => void;
  /** Why it came back, until its confirm comes; null: it did not. */
  returned: string | null;
}

const accepted: Outcome = { status: 'accepted', partition: null, offset: null, id: null };
const mostFlights = 8192;
const mostBytes = 4 * 1024 * 1024;
const compactAfter = 4096;

/** How a lane ended, when it did. */
export interface LaneEnd {
  readonly words: string;
  /** The broker refused something and closed the channel, with this code; null: the connection was lost. */
  readonly code: number | null;
}

export class PublishLane {
  readonly number: number;
  readonly #connection: AmqpConnection;
  readonly #channel: Channel;
  readonly #confirms: boolean;
  readonly #timeoutMs: number;
  readonly #defaultsOf: (message: OutgoingMessage) => Properties;
  /** In the order of their numbers, null once landed, so that no body is held longer than it must; `#firstTag` is the number of the one at `#head`. */
  #flights: (Flight | null)[] = [];
  #head = 0;
  #firstTag = 1;
  /** Returns come in the order of publishing: what is before this was looked through. */
  #returnsFrom = 1;
  #count = 0;
  #bytes = 0;
  /** Since when nothing was heard that should have been. */
  #quietSince = 0;
  #end: LaneEnd | null = null;
  #closing = false;
  readonly #ended = Promise.withResolvers<void>();
  #change = Promise.withResolvers<void>();
  readonly #timer: NodeJS.Timeout;

  constructor(
    connection: AmqpConnection,
    channel: Channel,
    confirms: boolean,
    timeoutMs: number,
    defaultsOf: (message: OutgoingMessage) => Properties,
  ) {
    this.#connection = connection;
    this.#channel = channel;
    this.#confirms = confirms;
    this.#timeoutMs = timeoutMs;
    this.#defaultsOf = defaultsOf;
    this.number = channelNumber(channel);
    // amqplib keeps a list of its own for these, which would only grow: publications do not pass it.
    channel.removeAllListeners('ack');
    channel.removeAllListeners('nack');
    channel.on('ack', (fields) => {
      this.#confirm(fields.deliveryTag, fields.multiple, true);
    });
    channel.on('nack', (fields) => {
      this.#confirm(fields.deliveryTag, fields.multiple, false);
    });
    channel.on('return', (message: unknown) => {
      this.#return(rawReturn(message));
    });
    channel.on('drain', () => {
      this.wake();
    });
    connection.model.on('unblocked', this.wake);
    let refusal: unknown = null;
    channel.on('error', (error) => (refusal = error));
    channel.once('close', () => {
      if (this.#closing) this.#finish({ words: 'the channel was closed', code: null });
      else if (refusal !== null) this.#finish({ words: serverWords(refusal), code: codeOf(refusal) });
      else this.#finish({ words: `the connection was lost${because(connection.problem)}`, code: null });
    });
    this.#timer = setInterval(
      () => {
        this.#checkTime();
      },
      Math.max(10, Math.min(1000, timeoutMs / 4)),
    );
  }

  get end(): LaneEnd | null {
    return this.#end;
  }

  get idle(): boolean {
    return this.#count === 0;
  }

  get full(): boolean {
    return this.#count >= mostFlights || this.#bytes >= mostBytes;
  }

  /** Whole frames of these publications. true: there is room for more. */
  write(frames: Buffer, flights: readonly Flight[]): boolean {
    const room = this.#connection.write(this.number, frames);
    if (!this.#confirms) {
      for (const flight of flights) flight.land(accepted);
      return room;
    }
    if (this.#count === 0) this.#quietSince = performance.now();
    for (const flight of flights) {
      this.#flights.push(flight);
      this.#bytes += flight.bytes;
    }
    this.#count += flights.length;
    return room;
  }

  /** Resolves at the next answer, drain, or end. */
  get change(): Promise<void> {
    return this.#change.promise;
  }

  /** Leaves after what was written was answered. Never throws. */
  async close(): Promise<void> {
    if (this.#end !== null) return;
    this.#closing = true;
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, this.#timeoutMs);
    // amqplib answers nobody who closes a channel when the connection goes meanwhile.
    const closed = this.#channel.close().catch(() => undefined);
    await Promise.race([closed, this.#ended.promise, late.promise]);
    clearTimeout(timer);
    this.#finish({ words: 'the channel was closed', code: null });
  }

  /** Gives up waiting: whatever is on its way may be there or not. */
  abandon(words: string): void {
    this.#finish({ words, code: null });
    this.#channel.close().catch(() => undefined);
  }

  #confirm(tag: number, multiple: boolean, ack: boolean): void {
    this.#quietSince = performance.now();
    const index = this.#head + tag - this.#firstTag;
    if (multiple) for (let at = this.#head; at <= index; at++) this.#land(at, ack);
    else this.#land(index, ack);
    while (this.#head < this.#flights.length && this.#flights[this.#head] === null) {
      this.#head += 1;
      this.#firstTag += 1;
    }
    if (this.#head >= compactAfter) {
      this.#flights = this.#flights.slice(this.#head);
      this.#head = 0;
    }
    this.wake();
  }

  #land(index: number, ack: boolean): void {
    const flight = this.#flights[index];
    if (flight === undefined || flight === null) return;
    this.#flights[index] = null;
    this.#settle(flight, outcomeOf(flight.returned, ack));
  }

  #settle(flight: Flight, outcome: Outcome): void {
    this.#count -= 1;
    this.#bytes -= flight.bytes;
    flight.land(outcome);
  }

  #return(raw: RawReturn): void {
    const index = this.#returned(raw);
    const flight = this.#flights[index];
    if (flight === undefined || flight === null) return;
    this.#returnsFrom = this.#firstTag + index - this.#head + 1;
    flight.returned = notRouted(raw);
  }

  /** The first one on its way that this can be: the same way and body, and the same properties if there is such a one. */
  #returned({ fields, properties, content }: RawReturn): number {
    const from = Math.max(this.#head, this.#head + this.#returnsFrom - this.#firstTag);
    let alike = -1;
    const writer = new ByteWriter();
    for (let index = from; index < this.#flights.length; index++) {
      const flight = this.#flights[index];
      if (flight === undefined || flight === null || flight.returned !== null) continue;
      if (!sameText(flight.routingKey, fields.routingKey)) continue;
      if (content.compare(flight.message.value ?? noBytes) !== 0) continue;
      if (alike === -1) alike = index;
      encodeProperties(writer, flight.message, this.#defaultsOf(flight.message));
      if (writer.take().equals(properties)) return index;
    }
    return alike === -1 ? from : alike;
  }

  #checkTime(): void {
    if (this.#count === 0) return;
    // A blocked connection is no silence: the broker said that it waits.
    if (this.#connection.blocked !== null) this.#quietSince = performance.now();
    else if (performance.now() - this.#quietSince > this.#timeoutMs)
      this.abandon(`no confirm came within ${String(this.#timeoutMs)} ms`);
  }

  #finish(end: LaneEnd): void {
    if (this.#end !== null) return;
    this.#end = end;
    this.#ended.resolve();
    clearInterval(this.#timer);
    this.#connection.model.off('unblocked', this.wake);
    const alone = this.#count === 1;
    for (const flight of this.#flights.slice(this.#head)) {
      if (flight === null) continue;
      // The broker closes a channel over one publication; which one it does not say, unless there is only one.
      this.#settle(
        flight,
        alone && end.code !== null
          ? { status: 'rejected', reason: end.words, retriable: false }
          : { status: 'unknown', reason: `no confirm came: ${end.words}` },
      );
    }
    this.#flights = [];
    this.#head = 0;
    this.wake();
  }

  /** Whoever waits for a change looks again. */
  readonly wake = (): void => {
    const { resolve } = this.#change;
    this.#change = Promise.withResolvers();
    resolve();
  };
}

const noBytes = Buffer.alloc(0);

function outcomeOf(returned: string | null, ack: boolean): Outcome {
  if (returned !== null) return { status: 'rejected', reason: returned, retriable: false };
  if (ack) return accepted;
  return {
    status: 'rejected',
    reason: 'refused by the queue: it is full (x-overflow reject-publish), or could not store it',
    retriable: true,
  };
}

function notRouted({ fields }: RawReturn): string {
  const key = shown(fields.routingKey);
  if (fields.replyCode !== noRoute) return `returned: ${shown(fields.replyText)}`;
  return shown(fields.exchange) === ''
    ? `not routed: there is no queue "${key}"`
    : `not routed: exchange "${shown(fields.exchange)}" has no binding for the routing key "${key}"`;
}

const noRoute = 312;

function because(problem: Error | null): string {
  return problem === null ? '' : `: ${serverWords(problem)}`;
}

function shown(text: ShortText): string {
  return typeof text === 'string' ? text : Buffer.from(text).toString('utf8');
}

function sameText(one: PropertyValue, other: ShortText): boolean {
  if (!(one instanceof Uint8Array) || typeof other === 'string') return one === other;
  return Buffer.compare(one, other) === 0;
}
