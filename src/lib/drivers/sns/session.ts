/** The clients of one driver: of SNS, and of the queues that its subscriptions lead to. */
import { ListTopicsCommand, SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DeniedError, NotFoundError, UsageError } from '../../errors.ts';
import { parseAwsAddress, shownEndpoint } from '../aws/address.ts';
import { AwsCaller, type CallOptions } from '../aws/caller.ts';
import { clientSettings } from '../aws/client-settings.ts';
import { awsFailure } from '../aws/failures.ts';
import type { Connection, Environment } from '../driver.ts';

interface Clients {
  /** Asks again by itself. */
  readonly topics: SNSClient;
  /** Never does: what it sends twice would be there twice. */
  readonly once: SNSClient;
  readonly queues: SQSClient;
}

export class Session {
  readonly target: string;
  readonly environment: Environment;
  readonly #clients: Clients;
  readonly #caller: AwsCaller;
  readonly #arns = new Map<string, string>();

  private constructor(environment: Environment, clients: Clients, target: string, endpoint: string | null) {
    this.environment = environment;
    this.target = target;
    this.#clients = clients;
    this.#caller = new AwsCaller({ name: 'Amazon SNS', target, endpoint }, environment.timeoutMs);
  }

  /** Throws `UnreachableError`, `UsageError` for an address that cannot be. */
  static async open(connection: Connection, environment: Environment): Promise<Session> {
    const address = parseAwsAddress(connection);
    const settings = (repeats: boolean) => clientSettings(address, connection, environment, { repeats });
    const clients: Clients = {
      topics: new SNSClient(settings(true)),
      once: new SNSClient(settings(false)),
      queues: new SQSClient({ ...settings(true), useQueueUrlAsEndpoint: address.endpoint === null }),
    };
    const endpoint = shownEndpoint(address);
    try {
      const service = { name: 'Amazon SNS', target: 'sns:', endpoint };
      const region = await clients.topics.config.region().catch((error: unknown) => {
        throw awsFailure(error, service, null);
      });
      const target = `sns://${region}${endpoint === null ? '' : `?endpoint=${endpoint}`}`;
      const session = new Session(environment, clients, target, endpoint);
      await session.#login();
      return session;
    } catch (error) {
      closeAll(clients);
      throw error;
    }
  }

  /** Asks for the first names, so that what is wrong with the way there or the login is told before anything else. */
  async #login(): Promise<void> {
    try {
      await this.ask(
        (client, options) => client.send(new ListTopicsCommand({}), options),
        this.environment.signal,
      );
    } catch (error) {
      // Whoever may not list is logged in: one topic may be all that these credentials are for.
      if (!(error instanceof DeniedError)) throw error;
      this.environment.log(error.message);
    }
  }

  /** A call that is safe to repeat. `topic` is what it is about. */
  ask<Answer>(
    send: (client: SNSClient, options: CallOptions) => Promise<Answer>,
    signal: AbortSignal,
    topic: string | null = null,
  ): Promise<Answer> {
    const about = topic === null ? {} : { about: { kind: 'topic', name: topic } };
    return this.#caller.call((options) => send(this.#clients.topics, options), signal, about);
  }

  /** A call that is made once; throws what AWS answered as it is: see `failure`. */
  once<Answer>(
    send: (client: SNSClient, options: CallOptions) => Promise<Answer>,
    signal: AbortSignal,
  ): Promise<Answer> {
    return this.#caller.attempt((options) => send(this.#clients.once, options), signal);
  }

  /** Of the queues. `waitMs`: how long the call itself waits for messages. */
  askQueue<Answer>(
    send: (client: SQSClient, options: CallOptions) => Promise<Answer>,
    signal: AbortSignal,
    queue: string,
    waitMs = 0,
  ): Promise<Answer> {
    const terms = { about: { kind: 'queue', name: queue }, waitMs };
    return this.#caller.call((options) => send(this.#clients.queues, options), signal, terms);
  }

  failure(thrown: unknown, topic: string): unknown {
    return awsFailure(thrown, this.#caller.service, { kind: 'topic', name: topic });
  }

  /** The ARN of a topic: a name is looked for among those of this region and account. Throws `NotFoundError`. */
  async arn(topic: string, signal: AbortSignal): Promise<string> {
    if (topic.startsWith('arn:')) return topic;
    if (!/^[\w-]{1,256}(\.fifo)?$/.test(topic))
      throw new UsageError(`"${topic}" can be no topic of SNS`, {
        hint: 'names have letters, digits, "-" and "_", and ".fifo" at the end of a FIFO topic; one of another account is named by its ARN',
      });
    const known = this.#arns.get(topic);
    if (known !== undefined) return known;
    for await (const { name, arn } of this.topics(signal)) if (name === topic) return arn;
    throw new NotFoundError('topic', topic, this.target);
  }

  forget(topic: string): void {
    this.#arns.delete(topic);
  }

  async *topics(signal: AbortSignal): AsyncGenerator<{ readonly name: string; readonly arn: string }> {
    let NextToken: string | undefined;
    do {
      const input = NextToken === undefined ? {} : { NextToken };
      const page = await this.ask(
        (client, options) => client.send(new ListTopicsCommand(input), options),
        signal,
      );
      for (const { TopicArn: arn } of page.Topics ?? []) {
        if (arn === undefined) continue;
        const name = arn.slice(arn.lastIndexOf(':') + 1);
        this.#arns.set(name, arn);
        yield { name, arn };
      }
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
  }

  close(): void {
    closeAll(this.#clients);
  }
}

function closeAll({ topics, once, queues }: Clients): void {
  topics.destroy();
  once.destroy();
  queues.destroy();
}
