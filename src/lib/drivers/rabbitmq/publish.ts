/**
 * Publishing with confirms and `mandatory`: a message is accepted when every queue that it was routed to has it.
 *
 * Where a message goes is the channel's: a queue by the default exchange, or `exchange:NAME` with the property
 * `routingKey`. The properties `exchange` and (to a queue) `routingKey` are facts of how a consumed message came, and never
 * lead a message elsewhere than to the channel that was named.
 *
 * What has no property `exchange` is new, not consumed: it is made persistent unless it says otherwise.
 */
import {
  FailedError,
  MqctlError,
  NotFoundError,
  UnsupportedError,
  UsageError,
  errorText,
} from '../../errors.ts';
import type {
  Header,
  HeaderValue,
  OutgoingMessage,
  Properties,
  PropertyValue,
  TypedValue,
} from '../../message/message.ts';
import type { Outcome, Publish, PublishRequest, Publisher } from '../driver.ts';
import type { AmqpConnection } from './amqp-client.ts';
import { AmqpQueues } from './amqp-queues.ts';
import { basicPropertyNames } from './basic-properties.ts';
import { ByteWriter } from './byte-writer.ts';
import { parseChannelName } from './channel-name.ts';
import type { ChannelName } from './channel-name.ts';
import { writePublish } from './frames.ts';
import { lostConnection } from './failures.ts';
import { PublishLane } from './publish-lane.ts';
import type { Flight } from './publish-lane.ts';
import { queueType } from './queue-type.ts';
import type { Session } from './session.ts';

/** So many bytes go to the socket together. */
const chunkBytes = 64 * 1024;
const chunkMessages = 256;
/** So many of these may wait for the socket. */
const chunksWaiting = 4;
/** Bodies up to this size are taken to fit any broker's `max_message_size`. */
const surelyFits = 4096;

const persistent: Properties = { deliveryMode: '2' };
const asItIs: Properties = {};
const knownProperties = new Set([...basicPropertyNames, 'exchange', 'routingKey']);

export function publish(session: Session): Publish {
  return {
    async open(request, signal) {
      refuseUnsupported(request);
      const channel = parseChannelName(request.channel);
      const connection = await session.connection('publish', signal);
      await requireChannel(session, connection, channel, signal);
      const lane = await openLane(session, connection, request.delivery !== 'at-most-once', signal);
      return new RabbitmqPublisher(session, connection, channel, lane, request, signal);
    },

    async limits(channel, signal) {
      const connection = await session.connection('publish', signal);
      await requireChannel(session, connection, parseChannelName(channel), signal);
      // `max_message_size` cannot be asked for; it is learnt when it is met.
      return { messageBytes: null, headers: null, retentionMs: null };
    },
  };
}

function refuseUnsupported({ delivery, compression }: PublishRequest): void {
  if (delivery === 'transactional')
    throw new UnsupportedError('RabbitMQ has no transactions that hold for more than one queue', {
      hint: 'use --delivery at-least-once: each message is confirmed',
    });
  if (compression !== null)
    throw new UsageError('RabbitMQ does not compress messages', {
      hint: 'compress the value yourself, and say how with --property contentEncoding=gzip',
    });
}

/** Nothing is created by publishing. Throws `NotFoundError`. */
async function requireChannel(
  session: Session,
  connection: AmqpConnection,
  { kind, name }: ChannelName,
  signal: AbortSignal,
): Promise<void> {
  const queues = new AmqpQueues({
    timeoutMs: session.timeoutMs,
    openChannel: (aborting) => session.channelOn(connection, aborting),
  });
  if (kind === 'queue') {
    if ((await queues.check(name, signal)) === null) throw new NotFoundError('queue', name, session.target);
  } else if (name !== '' && !(await queues.hasExchange(name, signal))) {
    throw new NotFoundError('exchange', name, session.target);
  }
}

async function openLane(
  session: Session,
  connection: AmqpConnection,
  confirms: boolean,
  signal: AbortSignal,
): Promise<PublishLane> {
  const channel = confirms
    ? await session.confirmChannelOn(connection, chunksWaiting, signal)
    : await session.channelOn(connection, signal);
  return new PublishLane(connection, channel, confirms, session.timeoutMs, defaultsOf);
}

function routingKeyOf({ kind, name }: ChannelName, { properties }: OutgoingMessage): PropertyValue {
  return kind === 'queue' ? name : (properties['routingKey'] ?? '');
}

function defaultsOf({ properties, timestamp }: OutgoingMessage): Properties {
  const defaults = properties['exchange'] === undefined ? persistent : asItIs;
  return timestamp === null ? defaults : { ...defaults, timestamp: String(Math.floor(timestamp / 1000)) };
}

/** Why RabbitMQ cannot have this message as it is: a part would be lost without a word. */
function unsupported({ key, value, partition, headers, properties }: OutgoingMessage): string | null {
  if (value === null) return 'RabbitMQ has no null value (tombstone), only an empty one';
  if (key !== null) return 'RabbitMQ messages have no key';
  if (partition !== null) return 'RabbitMQ queues have no partitions';
  const repeated = repeatedName(headers);
  if (repeated !== null) return `RabbitMQ keeps one header of a name, and there are several "${repeated}"`;
  if (someUnsafeFloat(headers))
    return 'RabbitMQ closes the connection on a header with a float that is infinite or no number';
  for (const name in properties)
    if (!knownProperties.has(name)) return `RabbitMQ messages have no property "${name}"`;
  return null;
}

/** Its parser knows finite numbers only, and takes the whole connection down over others (seen on 4.0). */
function isUnsafeFloat({ type, value }: TypedValue): boolean {
  return (type === 'float' || type === 'double') && typeof value === 'string' && /NaN|Infinity/.test(value);
}

function isLostInStream(value: HeaderValue): boolean {
  if (value === null || value instanceof Uint8Array) return false;
  return ['decimal', 'array', 'table', 'encoded'].includes(value.type);
}

/** At any depth. */
function someUnsafeFloat(items: readonly (Header | HeaderValue)[]): boolean {
  return items.some((item) => {
    const value = item !== null && 'name' in item ? item.value : item;
    if (value === null || value instanceof Uint8Array) return false;
    if (isUnsafeFloat(value)) return true;
    const { value: inner } = value;
    return (
      inner !== null && typeof inner === 'object' && !(inner instanceof Uint8Array) && someUnsafeFloat(inner)
    );
  });
}

function repeatedName(headers: readonly Header[]): string | null {
  if (headers.length < 2) return null;
  const seen = new Set<string>();
  for (const { name, rawName } of headers) {
    const identity = rawName === undefined ? `=${name}` : Buffer.from(rawName).toString('hex');
    if (seen.has(identity)) return name;
    seen.add(identity);
  }
  return null;
}

function withoutTransactions(): UnsupportedError {
  return new UnsupportedError('RabbitMQ publishes without transactions');
}

/** The outcomes of one call of `send`. */
class Batch {
  readonly outcomes: Outcome[];
  readonly done = Promise.withResolvers<readonly Outcome[]>();
  #left: number;

  constructor(size: number) {
    this.outcomes = new Array<Outcome>(size);
    this.#left = size;
    if (size === 0) this.done.resolve(this.outcomes);
  }

  land(index: number, outcome: Outcome): void {
    this.outcomes[index] = outcome;
    this.#left -= 1;
    if (this.#left === 0) this.done.resolve(this.outcomes);
  }
}

class RabbitmqPublisher implements Publisher {
  readonly #session: Session;
  readonly #connection: AmqpConnection;
  readonly #channel: ChannelName;
  readonly #confirms: boolean;
  readonly #signal: AbortSignal;
  readonly #writer = new ByteWriter(chunkBytes);
  #lane: PublishLane;
  /** Written one after another, in the order of the calls. */
  #writing: Promise<void> = Promise.resolve();
  /** The largest body that a broker answered for; −1: none yet. */
  #largest = -1;
  /** `max_message_size`, once it was met. */
  #mostBytes = Infinity;
  #stream: Promise<boolean> | null = null;
  readonly #knownUsers = new Set<PropertyValue>();
  #closed = false;

  constructor(
    session: Session,
    connection: AmqpConnection,
    channel: ChannelName,
    lane: PublishLane,
    { delivery }: PublishRequest,
    signal: AbortSignal,
  ) {
    this.#session = session;
    this.#connection = connection;
    this.#channel = channel;
    this.#lane = lane;
    this.#confirms = delivery !== 'at-most-once';
    this.#signal = signal;
    // What waits while the connection is blocked looks again.
    signal.addEventListener('abort', () => {
      this.#lane.wake();
    });
  }

  get blocked(): string | null {
    return this.#connection.blocked;
  }

  send(messages: readonly OutgoingMessage[]): Promise<readonly Outcome[]> {
    const batch = new Batch(messages.length);
    this.#writing = this.#writing
      .then(() => this.#write(messages, batch))
      .catch((error: unknown) => {
        batch.done.reject(error);
      });
    return batch.done.promise;
  }

  async commit(): Promise<void> {
    throw withoutTransactions();
  }

  async abort(): Promise<void> {
    throw withoutTransactions();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#writing;
    await this.#lane.close();
  }

  /** Never throws: what cannot be sent is rejected. */
  async #write(messages: readonly OutgoingMessage[], batch: Batch): Promise<void> {
    let flights: Flight[] = [];
    let bytes = 0;
    for (const [index, message] of messages.entries()) {
      const land = (outcome: Outcome) => {
        batch.land(index, outcome);
      };
      const refusal = this.#refusalOf(message) ?? (await this.#streamRefusal(message));
      if (refusal !== null) {
        land({ status: 'rejected', reason: refusal, retriable: false });
        continue;
      }
      const flight = {
        message,
        routingKey: routingKeyOf(this.#channel, message),
        bytes: message.value?.length ?? 0,
        land,
      };
      if (this.#needsTrial(message)) {
        await this.#send(flights);
        [flights, bytes] = [[], 0];
        await this.#try(flight);
        continue;
      }
      flights.push(flight);
      bytes += flight.bytes;
      if (bytes >= chunkBytes || flights.length >= chunkMessages) {
        await this.#send(flights);
        [flights, bytes] = [[], 0];
      }
    }
    await this.#send(flights);
  }

  #refusalOf(message: OutgoingMessage): string | null {
    const bytes = message.value?.length ?? 0;
    if (bytes > this.#mostBytes)
      return `the message takes ${String(bytes)} bytes, and the broker accepts ${String(this.#mostBytes)} (max_message_size)`;
    return unsupported(message);
  }

  /**
   * Streams store AMQP 1.0, which RabbitMQ 4.0 fills with simple types only: it drops arrays, tables and the cluster id
   * without a word, and closes the connection on a decimal.
   */
  async #streamRefusal({ headers, properties }: OutgoingMessage): Promise<string | null> {
    if (this.#channel.kind === 'exchange') return null;
    const lost = headers.find(({ value }) => isLostInStream(value));
    if (lost === undefined && properties['clusterId'] === undefined) return null;
    this.#stream ??= queueType(this.#session, this.#channel.name, this.#signal).then(
      (type) => type === 'stream',
      () => false,
    );
    if (!(await this.#stream)) return null;
    return lost === undefined
      ? 'a stream does not keep the property "clusterId"'
      : `a stream does not keep arrays, tables and decimals, as in the header "${lost.name}"`;
  }

  /**
   * The broker refuses some messages by closing the channel, and confirms for what is on its way are lost with it. So
   * whatever it may refuse travels alone: then it is clear which one was refused, and that nothing else was lost.
   */
  #needsTrial({ value, headers, properties }: OutgoingMessage): boolean {
    if (!this.#confirms) return false;
    if (this.#largest === -1 || (value?.length ?? 0) > Math.max(this.#largest, surelyFits)) return true;
    const user = properties['userId'] ?? null;
    if (user !== null && !this.#knownUsers.has(user)) return true;
    const expiration = properties['expiration'] ?? null;
    if (expiration !== null && !(typeof expiration === 'string' && /^\d{1,9}$/.test(expiration))) return true;
    return headers.some(({ name }) => name === 'CC' || name === 'BCC');
  }

  async #try(flight: Flight): Promise<void> {
    await this.#idle();
    const landed = Promise.withResolvers<Outcome>();
    await this.#send([{ ...flight, land: landed.resolve }]);
    const outcome = await landed.promise;
    if (outcome.status !== 'unknown' && this.#lane.end === null) {
      this.#largest = Math.max(this.#largest, flight.bytes);
      const user = flight.message.properties['userId'] ?? null;
      if (user !== null) this.#knownUsers.add(user);
    }
    if (outcome.status === 'rejected') {
      const most = /larger than configured max size (\d+)/.exec(outcome.reason)?.[1];
      if (most !== undefined) this.#mostBytes = Number(most);
    }
    flight.land(outcome);
  }

  async #idle(): Promise<void> {
    while (this.#lane.end === null && !this.#lane.idle) await this.#lane.change;
  }

  /** Resolves when they are on their way, or could not be sent. */
  async #send(flights: readonly Flight[]): Promise<void> {
    if (flights.length === 0) return;
    try {
      await this.#readyLane(() => !this.#lane.full);
    } catch (error) {
      const retriable = error instanceof MqctlError ? error.retriable : true;
      for (const { land } of flights)
        land({ status: 'rejected', reason: `not sent: ${errorText(error)}`, retriable });
      return;
    }
    const lane = this.#lane;
    const encoded = flights.filter((flight) => this.#encode(flight, lane.number));
    const frames = this.#writer.take();
    if (encoded.length > 0 && !lane.write(frames, encoded)) await lane.change;
  }

  /** Waits for a lane that is open, not blocked, and as asked for. Throws where there will be none. */
  async #readyLane(ready: () => boolean): Promise<void> {
    for (;;) {
      if (this.#connection.ended) throw lostConnection(this.#session.target, await this.#connection.closed);
      if (this.#lane.end !== null) {
        await requireChannel(this.#session, this.#connection, this.#channel, this.#signal);
        this.#lane = await openLane(this.#session, this.#connection, this.#confirms, this.#signal);
      }
      if (this.#connection.blocked === null && ready()) return;
      if (this.#signal.aborted && this.#connection.blocked !== null) {
        this.#lane.abandon('the broker blocked publishing when the run was ended');
        throw new FailedError('the broker blocked publishing when the run was ended', { retriable: true });
      }
      await this.#lane.change;
    }
  }

  /** Into the writer; false: it was rejected instead. */
  #encode({ message, routingKey, land }: Flight, lane: number): boolean {
    const start = this.#writer.length;
    try {
      writePublish(this.#writer, lane, this.#connection.frameMax, {
        exchange: this.#channel.kind === 'exchange' ? this.#channel.name : '',
        routingKey,
        mandatory: this.#confirms,
        message,
        defaults: defaultsOf(message),
      });
      return true;
    } catch (error) {
      this.#writer.truncate(start);
      const hint = error instanceof MqctlError && error.hint !== undefined ? `: ${error.hint}` : '';
      land({ status: 'rejected', reason: `${errorText(error)}${hint}`, retriable: false });
      return false;
    }
  }
}
