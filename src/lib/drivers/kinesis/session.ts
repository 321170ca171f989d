/** The clients of one driver, and what every facet asks of streams. */
import { KinesisClient, ListStreamsCommand } from '@aws-sdk/client-kinesis';
import { DeniedError } from '../../errors.ts';
import { parseAwsAddress, shownEndpoint } from '../aws/address.ts';
import { AwsCaller } from '../aws/caller.ts';
import type { CallOptions } from '../aws/caller.ts';
import { clientSettings } from '../aws/client-settings.ts';
import { awsFailure } from '../aws/failures.ts';
import type { Connection, Environment } from '../driver.ts';

export class Session {
  readonly target: string;
  readonly region: string;
  readonly endpoint: string | null;
  readonly environment: Environment;
  readonly #caller: AwsCaller;
  /** Asks again by itself when it is throttled. */
  readonly #reader: KinesisClient;
  /** Never does: what it puts twice would be there twice, and shards are read at a pace of their own. */
  readonly #once: KinesisClient;

  private constructor(
    environment: Environment,
    clients: { readonly reader: KinesisClient; readonly once: KinesisClient },
    place: { readonly region: string; readonly endpoint: string | null; readonly target: string },
  ) {
    this.environment = environment;
    this.#reader = clients.reader;
    this.#once = clients.once;
    this.target = place.target;
    this.region = place.region;
    this.endpoint = place.endpoint;
    this.#caller = new AwsCaller(
      { name: 'Amazon Kinesis', target: place.target, endpoint: place.endpoint },
      environment.timeoutMs,
    );
  }

  /** Throws `UnreachableError`, `UsageError` for an address that cannot be. */
  static async open(connection: Connection, environment: Environment): Promise<Session> {
    const address = parseAwsAddress(connection);
    const client = (repeats: boolean): KinesisClient =>
      new KinesisClient(clientSettings(address, connection, environment, { repeats }));
    const clients = { reader: client(true), once: client(false) };
    const endpoint = shownEndpoint(address);
    try {
      const service = { name: 'Amazon Kinesis', target: 'kinesis:', endpoint };
      const region = await clients.reader.config.region().catch((error: unknown) => {
        throw awsFailure(error, service, null);
      });
      const target = `kinesis://${region}${endpoint === null ? '' : `?endpoint=${endpoint}`}`;
      const session = new Session(environment, clients, { region, endpoint, target });
      await session.#login();
      environment.log(`connected to ${target}`);
      return session;
    } catch (error) {
      clients.reader.destroy();
      clients.once.destroy();
      throw error;
    }
  }

  /** Asks for one name, so that what is wrong with the way there or the login is told before anything else. */
  async #login(): Promise<void> {
    try {
      await this.ask(
        (client, options) => client.send(new ListStreamsCommand({ Limit: 1 }), options),
        this.environment.signal,
      );
    } catch (error) {
      // Whoever may not list is logged in: one stream may be all that these credentials are for.
      if (!(error instanceof DeniedError)) throw error;
      this.environment.log(error.message);
    }
  }

  /** A call that is safe to repeat. `stream` is what it is about. Throws `NotFoundError` and the other errors of AWS in our words. */
  ask<Answer>(
    send: (client: KinesisClient, options: CallOptions) => Promise<Answer>,
    signal: AbortSignal,
    stream: string | null = null,
  ): Promise<Answer> {
    const about = stream === null ? {} : { about: { kind: 'stream', name: stream } };
    return this.#caller.call((options) => send(this.#reader, options), signal, about);
  }

  /** A call that is made once; throws what AWS answered as it is: see `failure`. */
  once<Answer>(
    send: (client: KinesisClient, options: CallOptions) => Promise<Answer>,
    signal: AbortSignal,
  ): Promise<Answer> {
    return this.#caller.attempt((options) => send(this.#once, options), signal);
  }

  /** What AWS answered about a stream, in our words. */
  failure(thrown: unknown, stream: string): unknown {
    return awsFailure(thrown, this.#caller.service, { kind: 'stream', name: stream });
  }

  close(): void {
    this.#reader.destroy();
    this.#once.destroy();
  }
}
