/** The clients of SQS, the URLs of its queues, and what they have for attributes. */
import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { NotFoundError } from '../../../errors.ts';
import { AwsSession, openSession } from '../aws-session.ts';
import type { Opened } from '../aws-session.ts';
import type { Connection, Environment } from '../../driver.ts';
import { nameRule, parseQueueName } from './queue-name.ts';

export type Attributes = Readonly<Record<string, string>>;

const kind = { name: 'Amazon SQS', scheme: 'sqs', thing: 'queue' };
const pageSize = 1_000;

export class Session extends AwsSession<SQSClient> {
  readonly #urls = new Map<string, string>();

  /** Throws `NotFoundError`, `UsageError` for one of another region. */
  async url(queue: string, signal: AbortSignal): Promise<string> {
    const known = this.#urls.get(queue);
    if (known !== undefined) return known;
    const named = parseQueueName(queue);
    if (named === null) throw new NotFoundError('queue', queue, this.target, { hint: nameRule });
    const { name, account } = named;
    const { QueueUrl } = await this.ask(
      (client, options) =>
        client.send(
          new GetQueueUrlCommand({
            QueueName: name,
            ...(account !== null && { QueueOwnerAWSAccountId: account }),
          }),
          options,
        ),
      signal,
      queue,
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
    const { Attributes: found } = await this.ask(
      (client, options) =>
        client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }), options),
      signal,
      queue,
    );
    return found ?? {};
  }

  /** Names of all queues of this region and account. */
  async *names(prefix: string, signal: AbortSignal): AsyncGenerator<string> {
    let NextToken: string | undefined;
    do {
      const page = await this.ask(
        (client, options) =>
          client.send(
            new ListQueuesCommand({
              MaxResults: pageSize,
              ...(prefix !== '' && { QueueNamePrefix: prefix }),
              ...(NextToken !== undefined && { NextToken }),
            }),
            options,
          ),
        signal,
      );
      for (const url of page.QueueUrls ?? []) {
        const name = url.slice(url.lastIndexOf('/') + 1);
        this.#urls.set(name, url);
        yield name;
      }
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
  }
}

/** Throws `UnreachableError`, `UsageError` for an address that cannot be. */
export function openQueues(connection: Connection, environment: Environment): Promise<Session> {
  return openSession(kind, connection, environment, {
    client: (settings, { endpoint }) =>
      // An emulator, or a queue behind a tunnel, is where the endpoint is, whatever it says of its queues' addresses.
      new SQSClient({ ...settings, useQueueUrlAsEndpoint: endpoint === null }),
    session: (opened: Opened<SQSClient>) => new Session(opened),
    probe: (session, signal) =>
      session.ask(
        (client, options) => client.send(new ListQueuesCommand({ MaxResults: 1 }), options),
        signal,
      ),
  });
}
