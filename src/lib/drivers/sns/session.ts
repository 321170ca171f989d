/** The clients of one driver: of SNS, and, once they are asked, of the queues that its subscriptions lead to. */
import { ListTopicsCommand, SNSClient } from '@aws-sdk/client-sns';
import { NotFoundError } from '../../errors.ts';
import { withEndpointOf } from '../aws/address.ts';
import { AwsSession, openSession } from '../aws/aws-session.ts';
import type { Opened } from '../aws/aws-session.ts';
import { openQueues } from '../aws/queues/session.ts';
import type { Session as QueueSession } from '../aws/queues/session.ts';
import type { Connection, Environment } from '../driver.ts';

const kind = { name: 'Amazon SNS', scheme: 'sns', thing: 'topic' };
/** Where the queues are, if not where AWS or `endpoint` says: emulators may have one for each service. */
const queueEndpoint = 'sqsEndpoint';

export const topicName = /^[\w-]{1,256}(\.fifo)?$/;
export const topicNameRule =
  'names of topics have letters, digits, "-" and "_", and ".fifo" at the end of a FIFO topic; one of another account is named by its ARN, a queue as queue:NAME';

export class Session extends AwsSession<SNSClient> {
  readonly #connection: Connection;
  readonly #arns = new Map<string, string>();
  #queues: Promise<QueueSession> | null = null;

  constructor(opened: Opened<SNSClient>, connection: Connection) {
    super(opened);
    this.#connection = connection;
  }

  /** Of the same account and region, opened when it is first needed: whoever only publishes needs no rights there. */
  queues(): Promise<QueueSession> {
    this.#queues ??= openQueues(withEndpointOf(this.#connection, queueEndpoint), this.environment).catch(
      (error: unknown) => {
        this.#queues = null;
        throw error;
      },
    );
    return this.#queues;
  }

  /** The ARN of a topic: a name is looked for among those of this region and account. Throws `NotFoundError`. */
  async arn(topic: string, signal: AbortSignal): Promise<string> {
    if (topic.startsWith('arn:')) return topic;
    if (!topicName.test(topic)) throw new NotFoundError('topic', topic, this.target, { hint: topicNameRule });
    const known = this.#arns.get(topic);
    if (known !== undefined) return known;
    for await (const { name, arn } of this.topics(signal)) if (name === topic) return arn;
    throw new NotFoundError('topic', topic, this.target, {
      hint: `topics are listed by "mqctl ls"; a queue is named queue:${topic}`,
    });
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

  override async close(): Promise<void> {
    await super.close();
    const queues = await this.#queues?.catch(() => null);
    await queues?.close();
  }
}

/** Throws `UnreachableError`, `UsageError` for an address that cannot be. */
export function openTopics(connection: Connection, environment: Environment): Promise<Session> {
  return openSession(kind, connection, environment, {
    client: (settings) => new SNSClient(settings),
    session: (opened: Opened<SNSClient>) => new Session(opened, connection),
    probe: (session, signal) =>
      session.ask((client, options) => client.send(new ListTopicsCommand({}), options), signal),
    ownKeys: [queueEndpoint],
  });
}
