/** The connection of one driver: made when it is opened, and again when it was lost. */
import { jetstreamManager } from '@nats-io/jetstream';
import type { JetStreamManager } from '@nats-io/jetstream';
import { connect, errors } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Connection, Environment } from '../driver.ts';
import { parseAddress } from './address.ts';
import type { ParsedAddress } from './address.ts';
import { connectFailure, friendly } from './failures.ts';

/** How often the server is asked whether it is still there. */
const pingIntervalMs = 10_000;

export class Session {
  readonly address: ParsedAddress;
  readonly timeoutMs: number;
  readonly #log: (line: string) => void;
  #connecting: Promise<NatsConnection> | null = null;
  #closed = false;

  constructor(connection: Connection, environment: Environment) {
    this.address = parseAddress(connection);
    this.timeoutMs = environment.timeoutMs;
    this.#log = environment.log;
  }

  get target(): string {
    return this.address.target;
  }

  /** Subjects of JetStream's own interface begin so. */
  get apiPrefix(): string {
    return this.address.apiPrefix;
  }

  /** Throws `UnreachableError`. */
  async connection(signal: AbortSignal): Promise<NatsConnection> {
    signal.throwIfAborted();
    const known = await this.#connecting?.catch(() => null);
    if (known !== undefined && known !== null && !known.isClosed()) return known;
    this.#connecting = this.#connect();
    return aborted(this.#connecting, signal);
  }

  async manager(signal: AbortSignal): Promise<JetStreamManager> {
    const connection = await this.connection(signal);
    return jetstreamManager(connection, {
      checkAPI: false,
      timeout: this.timeoutMs,
      apiPrefix: this.apiPrefix,
    });
  }

  /** Asks JetStream's interface. `about` names what is missing where it is. Throws the errors of `errors.ts`. */
  async ask<T>(
    about: string,
    question: (manager: JetStreamManager) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const manager = await this.manager(signal);
    try {
      return await aborted(question(manager), signal);
    } catch (error) {
      throw signal.aborted ? error : friendly(error, about, this.target, this.timeoutMs);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const connection = await this.#connecting?.catch(() => null);
    if (connection === undefined || connection === null || connection.isClosed()) return;
    await connection.close();
  }

  async #connect(): Promise<NatsConnection> {
    if (this.#closed) throw new errors.ClosedConnectionError();
    const { address, timeoutMs } = this;
    try {
      const connection = await connect({
        servers: [...address.servers],
        name: 'mqctl',
        timeout: timeoutMs,
        // What was lost is told; whether to go on is for the caller to say.
        reconnect: false,
        pingInterval: pingIntervalMs,
        maxPingOut: 2,
        ...(address.login !== null && { authenticator: address.login }),
        ...(address.tls !== null && address.tls !== undefined && { tls: address.tls }),
        ...(address.inboxPrefix !== null && { inboxPrefix: address.inboxPrefix }),
      });
      this.#log(
        `connected to ${connection.getServer()}, NATS ${connection.info?.version ?? 'of unknown version'}`,
      );
      return connection;
    } catch (error) {
      throw connectFailure(error, address, timeoutMs);
    }
  }
}

/** Ends with the signal's reason when it is aborted; the work goes on and its end is not waited for. */
export async function aborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
  signal.addEventListener('abort', stop, { once: true });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
