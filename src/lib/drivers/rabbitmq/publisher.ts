/** Writes to one channel, in the order of the calls; what the broker may refuse by closing the channel travels alone. */
import { FailedError, MqctlError, UnsupportedError, errorText, mayPassLater } from '../../errors.ts';
import type { OutgoingMessage, PropertyValue } from '../../message/message.ts';
import type { Outcome, Publisher, PublishRequest } from '../driver.ts';
import type { AmqpConnection } from './amqp-client.ts';
import { ByteWriter } from './byte-writer.ts';
import type { ChannelName } from './channel-name.ts';
import { lostConnection } from './failures.ts';
import { writePublish } from './frames.ts';
import { openLane, requireChannel } from './open-lane.ts';
import { defaultsOf, isLostInStream, unsupported } from './outgoing-message.ts';
import type { Flight, PublishLane } from './publish-lane.ts';
import { queueType } from './queue-type.ts';
import type { Session } from './session.ts';

/** So many bytes go to the socket together. */
const chunkBytes = 64 * 1024;
const chunkMessages = 256;
/** Bodies up to this size are taken to fit any broker's `max_message_size`. */
const surelyFits = 4096;

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

export class RabbitmqPublisher implements Publisher {
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
        returned: null,
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
      const retriable = !(error instanceof MqctlError) || mayPassLater(error);
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

function routingKeyOf({ kind, name }: ChannelName, { properties }: OutgoingMessage): PropertyValue {
  return kind === 'queue' ? name : (properties['routingKey'] ?? '');
}

function withoutTransactions(): UnsupportedError {
  return new UnsupportedError('RabbitMQ publishes without transactions');
}
