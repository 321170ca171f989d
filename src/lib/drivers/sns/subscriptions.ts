/** Who gets what is sent to topics, and where what could not be delivered goes. */
import {
  GetSubscriptionAttributesCommand,
  ListSubscriptionsByTopicCommand,
  ListSubscriptionsCommand,
} from '@aws-sdk/client-sns';
import { NotFoundError } from '../../errors.ts';
import type { DeadLetterPair } from '../driver.ts';
import { parseRedrivePolicy } from '../aws/queues/redrive-policy.ts';
import { channelOfArn } from './queue-channels.ts';
import type { Session } from './session.ts';

type Attributes = Readonly<Record<string, string>>;

export interface Subscription {
  readonly arn: string;
  readonly topicArn: string;
  readonly protocol: string;
  /** `queue:NAME` of an SQS queue, else as SNS has it: an ARN, a URL, an address. */
  readonly receiver: string;
  readonly endpoint: string;
  readonly attributes: Attributes;
  /** The channel of its dead letters; null: they are dropped. */
  readonly deadLetter: string | null;
}

const atOnce = 8;

/** Of one topic; of all topics where none is named: a request for each subscription. */
export async function* subscriptionsOf(
  session: Session,
  topicArn: string | null,
  signal: AbortSignal,
): AsyncGenerator<Subscription> {
  let NextToken: string | undefined;
  do {
    const next = NextToken === undefined ? {} : { NextToken };
    const page = await session.ask(
      (client, options) =>
        topicArn === null
          ? client.send(new ListSubscriptionsCommand(next), options)
          : client.send(new ListSubscriptionsByTopicCommand({ TopicArn: topicArn, ...next }), options),
      signal,
      topicArn,
    );
    const listed = page.Subscriptions ?? [];
    for (let at = 0; at < listed.length; at += atOnce)
      yield* await Promise.all(
        listed.slice(at, at + atOnce).map(async (one): Promise<Subscription> => {
          const { SubscriptionArn: arn = '', TopicArn = '', Protocol = '', Endpoint = '' } = one;
          const attributes = await attributesOfSubscription(session, arn, signal);
          const policy = parseRedrivePolicy(attributes['RedrivePolicy']);
          return {
            arn,
            topicArn: TopicArn,
            protocol: Protocol,
            receiver: Protocol === 'sqs' ? channelOfArn(Endpoint, TopicArn) : Endpoint,
            endpoint: Endpoint,
            attributes,
            deadLetter: policy === null ? null : channelOfArn(policy.deadLetterArn, TopicArn),
          };
        }),
      );
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
}

/** One that its endpoint has not confirmed yet has no ARN; one that was deleted since has no attributes. */
async function attributesOfSubscription(
  session: Session,
  arn: string,
  signal: AbortSignal,
): Promise<Attributes> {
  if (!arn.startsWith('arn:')) return { PendingConfirmation: 'true' };
  try {
    const { Attributes: said } = await session.ask(
      (client, options) =>
        client.send(new GetSubscriptionAttributesCommand({ SubscriptionArn: arn }), options),
      signal,
      arn,
    );
    return said ?? {};
  } catch (error) {
    if (error instanceof NotFoundError) return {};
    throw error;
  }
}

/** Whose dead letters lie where, as the subscriptions declare it. */
export class DeadLetterRoutes {
  readonly #session: Session;
  #known: Promise<readonly Subscription[]> | null = null;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Asked anew. */
  async pairs(signal: AbortSignal): Promise<readonly DeadLetterPair[]> {
    this.#known = null;
    return (await this.#all(signal)).flatMap(({ receiver, topicArn, deadLetter }) =>
      deadLetter === null
        ? []
        : [
            {
              source: receiver,
              deadLetter,
              how: `RedrivePolicy of a subscription to ${topicArn.slice(topicArn.lastIndexOf(':') + 1)}`,
            },
          ],
    );
  }

  /** The queues that topics pass messages on to, each once. */
  async receivers(signal: AbortSignal): Promise<readonly string[]> {
    this.#known = null;
    const queues = (await this.#all(signal)).filter(({ protocol }) => protocol === 'sqs');
    return [...new Set(queues.map(({ receiver }) => receiver))].sort();
  }

  /** The subscriptions whose dead letters go to this channel, as they were known last. */
  async into(channel: string, signal: AbortSignal): Promise<readonly Subscription[]> {
    return (await this.#all(signal)).filter(({ deadLetter }) => deadLetter === channel);
  }

  #all(signal: AbortSignal): Promise<readonly Subscription[]> {
    this.#known ??= Array.fromAsync(subscriptionsOf(this.#session, null, signal)).catch((error: unknown) => {
      this.#known = null;
      throw error;
    });
    return this.#known;
  }
}
