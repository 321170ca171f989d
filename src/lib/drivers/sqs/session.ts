/** The clients of one driver, the URLs of its queues, and what they have for attributes. */
import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { DeniedError, NotFoundError } from '../../errors.ts';
import { parseAwsAddress, shownEndpoint } from '../aws/address.ts';
import { AwsCaller } from '../aws/caller.ts';
import type { CallOptions, CallTerms } from '../aws/caller.ts';
import { clientSettings } from '../aws/client-settings.ts';
import { awsFailure } from '../aws/failures.ts';
import type { Connection, Environment } from '../driver.ts';
import { nameRule, parseQueueName } from './queue-name.ts';

export type Attributes = Readonly<Record<string, string>>;

const pageSize = 1_000;

export class Session {
  readonly target: string;
  readonly region: string;
  readonly endpoint: string | null;
  readonly environment: Environment;
  readonly #caller: AwsCaller;
  /** Asks again by itself. */
  readonly #reader: SQSClient;
  /** Never does: what it sends twice would be there twice. */
  readonly #sender: SQSClient;
  readonly #urls = new Map<string, string>();

  private constructor(
    environment: Environment,
    clients: { readonly reader: SQSClient; readonly sender: SQSClient },
    place: { readonly region: string; readonly endpoint: string | null; readonly target: string },
  ) {
    this.environment = environment;
    this.#reader = clients.reader;
    this.#sender = clients.sender;
    this.target = place.target;
    this.region = place.region;
    this.endpoint = place.endpoint;
    this.#caller = new AwsCaller(
      { name: 'Amazon SQS', target: place.target, endpoint: place.endpoint },
      environment.timeoutMs,
    );
  }

  /** Throws `UnreachableError`, `UsageError` for an address that cannot be. */
  static async open(connection: Connection, environment: Environment): Promise<Session> {
    const address = parseAwsAddress(connection);
    const client = (repeats: boolean): SQSClient =>
      new SQSClient({
        ...clientSettings(address, connection, environment, { repeats }),
        // An emulator, or a queue behind a tunnel, is where the endpoint is, whatever it says of its queues' addresses.
        useQueueUrlAsEndpoint: address.endpoint === null,
      });
    const clients = { reader: client(true), sender: client(false) };
    const endpoint = shownEndpoint(address);
    const close = (): void => {
      clients.reader.destroy();
      clients.sender.destroy();
    };
    try {
      const service = { name: 'Amazon SQS', target: 'sqs:', endpoint };
      const region = await clients.reader.config.region().catch((error: unknown) => {
        throw awsFailure(error, service, null);
      });
      const target = `sqs://${region}${endpoint === null ? '' : `?endpoint=${endpoint}`}`;
      const session = new Session(environment, clients, { region, endpoint, target });
      await session.#login();
      environment.log(`connected to ${target}`);
      return session;
    } catch (error) {
      close();
      throw error;
    }
  }

  /** Asks for one name, so that what is wrong with the way there or the login is told before anything else. */
  async #login(): Promise<void> {
    try {
      await this.read((client, options) => client.send(new ListQueuesCommand({ MaxResults: 1 }), options), {
        signal: this.environment.signal,
      });
    } catch (error) {
      // Whoever may not list is logged in: one queue may be all that these credentials are for.
      if (!(error instanceof DeniedError)) throw error;
      this.environment.log(error.message);
    }
  }

  /** A call that is safe to repeat. */
  read<Answer>(
    send: (client: SQSClient, options: CallOptions) => Promise<Answer>,
    { signal, ...terms }: CallTerms & { readonly signal: AbortSignal },
  ): Promise<Answer> {
    return this.#caller.call((options) => send(this.#reader, options), signal, terms);
  }

  /** A call that is made once; throws what AWS answered as it is, see `failure`. */
  once<Answer>(
    send: (client: SQSClient, options: CallOptions) => Promise<Answer>,
    signal: AbortSignal,
  ): Promise<Answer> {
    return this.#caller.attempt((options) => send(this.#sender, options), signal);
  }

  failure(thrown: unknown, queue: string): unknown {
    return awsFailure(thrown, this.#caller.service, { kind: 'queue', name: queue });
  }

  /** Throws `NotFoundError`. */
  async url(queue: string, signal: AbortSignal): Promise<string> {
    const known = this.#urls.get(queue);
    if (known !== undefined) return known;
    const named = parseQueueName(queue);
    if (named === null) throw new NotFoundError('queue', queue, this.target, { hint: nameRule });
    const { name, account } = named;
    const { QueueUrl } = await this.read(
      (client, options) =>
        client.send(
          new GetQueueUrlCommand({
            QueueName: name,
            ...(account !== null && { QueueOwnerAWSAccountId: account }),
          }),
          options,
        ),
      { signal, about: { kind: 'queue', name: queue } },
    );
    if (QueueUrl === undefined) throw new NotFoundError('queue', queue, this.target);
    this.#urls.set(queue, QueueUrl);
    return QueueUrl;
  }

  /** A queue that was deleted and made again may have another. */
  forget(queue: string): void {
    this.#urls.delete(queue);
  }

  /** All that SQS says of a queue. Throws `NotFoundError`. */
  async attributes(queue: string, signal: AbortSignal): Promise<Attributes> {
    const QueueUrl = await this.url(queue, signal);
    const { Attributes: found } = await this.read(
      (client, options) =>
        client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }), options),
      { signal, about: { kind: 'queue', name: queue } },
    );
    return found ?? {};
  }

  /** Names of all queues of this region and account. */
  async *names(prefix: string, signal: AbortSignal): AsyncGenerator<string> {
    let NextToken: string | undefined;
    do {
      const page = await this.read(
        (client, options) =>
          client.send(
            new ListQueuesCommand({
              MaxResults: pageSize,
              ...(prefix !== '' && { QueueNamePrefix: prefix }),
              ...(NextToken !== undefined && { NextToken }),
            }),
            options,
          ),
        { signal },
      );
      for (const url of page.QueueUrls ?? []) {
        const name = url.slice(url.lastIndexOf('/') + 1);
        this.#urls.set(name, url);
        yield name;
      }
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
  }

  async close(): Promise<void> {
    this.#reader.destroy();
    this.#sender.destroy();
    await Promise.resolve();
  }
}
