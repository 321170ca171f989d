/** A queue that is subscribed to a topic for as long as somebody looks, and removed when that ends, however it ends. */
import { SubscribeCommand, UnsubscribeCommand } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  type Message as Received,
} from '@aws-sdk/client-sqs';
import { randomUUID } from 'node:crypto';
import { FailedError, errorText } from '../../errors.ts';
import type { Session } from './session.ts';
import { shellLine } from '../../shell-line.ts';

/** What it is called, should a killed process have left one behind. */
const queuePrefix = 'mqctl-look-';
const waitSeconds = 1;
/** Removing is tried for so long after an abort. */
const removeWithinMs = 20_000;

export class TemporaryQueue {
  readonly name: string;
  readonly #session: Session;
  #url: string | null = null;
  #subscription: string | null = null;

  private constructor(session: Session, name: string) {
    this.#session = session;
    this.name = name;
  }

  /** Throws what went wrong, after removing what was made. */
  static async open(session: Session, topic: string, signal: AbortSignal): Promise<TemporaryQueue> {
    const fifo = topic.endsWith('.fifo');
    const queue = new TemporaryQueue(session, `${queuePrefix}${randomUUID()}${fifo ? '.fifo' : ''}`);
    try {
      await queue.#make(topic, fifo, signal);
      return queue;
    } catch (error) {
      await queue.remove().catch((failure: unknown) => session.environment.log(errorText(failure)));
      throw error;
    }
  }

  async #make(topic: string, fifo: boolean, signal: AbortSignal): Promise<void> {
    const TopicArn = await this.#session.arn(topic, signal);
    // What is made is noted even if an abort comes between: so it is not given to these two calls.
    const unaborted = AbortSignal.timeout(removeWithinMs);
    signal.throwIfAborted();
    const [region = '', account = ''] = TopicArn.split(':').slice(3, 5);
    const partition = TopicArn.split(':')[1] ?? 'aws';
    const policy = {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: 'sns.amazonaws.com' },
          Action: 'sqs:SendMessage',
          Resource: `arn:${partition}:sqs:${region}:${account}:${this.name}`,
          Condition: { ArnEquals: { 'aws:SourceArn': TopicArn } },
        },
      ],
    };
    const { QueueUrl } = await (
      await this.#session.queues()
    ).ask(
      (client, options) =>
        client.send(
          new CreateQueueCommand({
            QueueName: this.name,
            Attributes: {
              MessageRetentionPeriod: '3600',
              Policy: JSON.stringify(policy),
              ...(fifo ? { FifoQueue: 'true' } : {}),
            },
          }),
          options,
        ),
      unaborted,
      this.name,
    );
    this.#url = QueueUrl ?? null;
    const { Attributes: said } = await (
      await this.#session.queues()
    ).ask(
      (client, options) =>
        client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }), options),
      signal,
      this.name,
    );
    const { SubscriptionArn } = await this.#session.ask(
      (client, options) =>
        client.send(
          new SubscribeCommand({
            TopicArn,
            Protocol: 'sqs',
            Endpoint: said?.['QueueArn'],
            Attributes: { RawMessageDelivery: 'true' },
            ReturnSubscriptionArn: true,
          }),
          options,
        ),
      unaborted,
      topic,
    );
    this.#subscription = SubscriptionArn ?? null;
  }

  /** What came, after a moment of waiting; it is gone from the queue then. */
  async take(signal: AbortSignal): Promise<readonly Received[]> {
    const QueueUrl = this.#url ?? undefined;
    const { Messages = [] } = await (
      await this.#session.queues()
    ).ask(
      (client, options) =>
        client.send(
          new ReceiveMessageCommand({
            QueueUrl,
            MaxNumberOfMessages: 10,
            WaitTimeSeconds: waitSeconds,
            MessageAttributeNames: ['All'],
            MessageSystemAttributeNames: ['All'],
          }),
          options,
        ),
      signal,
      this.name,
      waitSeconds * 1_000,
    );
    if (Messages.length > 0)
      await (
        await this.#session.queues()
      ).ask(
        (client, options) =>
          client.send(
            new DeleteMessageBatchCommand({
              QueueUrl,
              Entries: Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle })),
            }),
            options,
          ),
        signal,
        this.name,
      );
    return Messages;
  }

  /** Unsubscribes and deletes, also after an abort. Throws where one of both is left, by its name. */
  async remove(): Promise<void> {
    const [url, subscription] = [this.#url, this.#subscription];
    this.#url = null;
    this.#subscription = null;
    const ends = await Promise.allSettled([
      subscription === null
        ? null
        : this.#session.ask(
            (client, options) =>
              client.send(new UnsubscribeCommand({ SubscriptionArn: subscription }), options),
            AbortSignal.timeout(removeWithinMs),
          ),
      url === null
        ? null
        : (await this.#session.queues()).ask(
            (client, options) => client.send(new DeleteQueueCommand({ QueueUrl: url }), options),
            AbortSignal.timeout(removeWithinMs),
            this.name,
          ),
    ]);
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed !== undefined)
      throw new FailedError(
        `the temporary queue "${this.name}" could not be removed: ${errorText(failed.reason)}`,
        {
          hint: shellLine`delete it and its subscription: mqctl delete ${this.name} -c sqs://REGION`,
        },
      );
  }
}
