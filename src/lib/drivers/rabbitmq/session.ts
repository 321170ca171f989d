/** The connections of one driver. They are made when they are needed, and again when they were lost. */
import type { Channel, ConfirmChannel } from 'amqplib';
import type { Connection, Environment } from '../driver.ts';
import { parseAddress } from './address.ts';
import type { ParsedAddress } from './address.ts';
import { connectAmqp } from './amqp-client.ts';
import type { AmqpConnection } from './amqp-client.ts';
import { withinTime } from './amqp-queues.ts';
import type { AmqpChannels } from './amqp-queues.ts';
import { connectFailure, lostConnection } from './failures.ts';
import { HeldHere } from './held-here.ts';

/**
 * Publishing has a connection of its own: when the broker runs short of memory or disk it stops reading from those that
 * publish, and acknowledgements on the same connection would wait with them (RabbitMQ, "Alarms").
 */
type Use = 'read' | 'publish';

export class Session implements AmqpChannels {
  readonly address: ParsedAddress;
  readonly environment: Environment;
  readonly heldHere = new HeldHere();
  readonly #connections = new Map<Use, Promise<AmqpConnection>>();
  readonly #all = new Set<AmqpConnection>();
  /** Open, and not yet used for either. */
  #first: AmqpConnection | null = null;

  constructor(connection: Connection, environment: Environment) {
    this.address = parseAddress(connection);
    this.environment = environment;
  }

  get target(): string {
    return this.address.target;
  }

  get timeoutMs(): number {
    return this.environment.timeoutMs;
  }

  /** Connects and logs in, so that what is wrong with that is told first. Throws `UnreachableError`. */
  async open(signal: AbortSignal): Promise<void> {
    this.#first = await this.connect('mqctl', signal);
  }

  /** A connection of the caller's own, which ends with the session at the latest. `name` is shown to operators. */
  async connect(name: string, signal: AbortSignal): Promise<AmqpConnection> {
    let connection;
    try {
      connection = await connectAmqp(this.address, name, this.timeoutMs, signal);
    } catch (error) {
      throw connectFailure(error, this.address, this.timeoutMs);
    }
    this.#all.add(connection);
    void connection.closed.then(() => this.#all.delete(connection));
    this.environment.log(`connected to ${this.target} as "${name}"`);
    return connection;
  }

  async connection(use: Use, signal: AbortSignal): Promise<AmqpConnection> {
    const known = this.#connections.get(use);
    if (known !== undefined) {
      const connection = await known;
      if (!connection.ended) return connection;
    }
    const first = this.#first;
    this.#first = null;
    const made =
      first !== null && !first.ended ? Promise.resolve(first) : this.connect(`mqctl ${use}`, signal);
    this.#connections.set(use, made);
    made.catch(() => this.#connections.delete(use));
    return made;
  }

  async openChannel(signal: AbortSignal): Promise<Channel> {
    const connection = await this.connection('read', signal);
    return this.channelOn(connection, signal);
  }

  /** A channel whose errors are told by its answers and its `close` event. */
  async channelOn(connection: AmqpConnection, signal: AbortSignal): Promise<Channel> {
    return this.#opened(connection, connection.model.createChannel(), signal);
  }

  /** `chunks`: how many writes may wait for the socket before it says so. */
  async confirmChannelOn(
    connection: AmqpConnection,
    chunks: number,
    signal: AbortSignal,
  ): Promise<ConfirmChannel> {
    return this.#opened(connection, connection.model.createConfirmChannel({ highWaterMark: chunks }), signal);
  }

  async close(): Promise<void> {
    this.#first = null;
    await Promise.all([...this.#all].map((connection) => connection.close(this.timeoutMs)));
  }

  async #opened<C extends Channel>(
    connection: AmqpConnection,
    opening: Promise<C>,
    signal: AbortSignal,
  ): Promise<C> {
    try {
      const channel = await withinTime(opening, this.timeoutMs, signal);
      // Without a listener, the broker's refusal would end the process.
      channel.on('error', () => undefined);
      return channel;
    } catch (error) {
      if (connection.ended) throw lostConnection(this.target, await connection.closed);
      throw error;
    }
  }
}
