/** Topics and their subscriptions, as SNS tells of them. */
import {
  GetSubscriptionAttributesCommand,
  GetTopicAttributesCommand,
  ListSubscriptionsByTopicCommand,
} from '@aws-sdk/client-sns';
import { GetQueueAttributesCommand, GetQueueUrlCommand } from '@aws-sdk/client-sqs';
import { MqctlError, NotFoundError } from '../../errors.ts';
import { globMatches } from '../../message/glob.ts';
import type { ChannelDescription, ChannelSummary, SubscriptionDescription } from '../driver.ts';
import type { Session } from './session.ts';

type Attributes = Readonly<Record<string, string>>;

const atOnce = 8;
/** What a subscription may have set; the rest of its attributes says who made it. */
const subscriptionSettings = ['FilterPolicy', 'FilterPolicyScope', 'RawMessageDelivery', 'DeliveryPolicy'];

/** Documents of their own. */
const longSettings = ['Policy', 'EffectiveDeliveryPolicy'];

/** Throws `NotFoundError`. */
export async function attributesOf(
  session: Session,
  topic: string,
  signal: AbortSignal,
): Promise<Attributes> {
  const TopicArn = await session.arn(topic, signal);
  try {
    const { Attributes: said } = await session.ask(
      (client, options) => client.send(new GetTopicAttributesCommand({ TopicArn }), options),
      signal,
      topic,
    );
    return said ?? {};
  } catch (error) {
    if (error instanceof NotFoundError) session.forget(topic);
    throw error;
  }
}

export async function* snsChannels(
  session: Session,
  match: string | null,
  signal: AbortSignal,
): AsyncGenerator<ChannelSummary> {
  const names: string[] = [];
  for await (const { name } of session.topics(signal)) if (globMatches(match, name)) names.push(name);
  for (let index = 0; index < names.length; index += atOnce)
    yield* await Promise.all(
      names.slice(index, index + atOnce).map(async (name) => {
        // One that was deleted since it was listed has no attributes.
        const attributes = await attributesOf(session, name, signal).catch((error: unknown): Attributes => {
          if (error instanceof NotFoundError) return {};
          throw error;
        });
        return summaryOf(name, attributes);
      }),
    );
}

function summaryOf(name: string, attributes: Attributes): ChannelSummary {
  const confirmed = attributes['SubscriptionsConfirmed'];
  return {
    channel: name,
    type: name.endsWith('.fifo') ? 'fifo' : 'standard',
    partitions: null,
    // It keeps none.
    messages: null,
    approximate: false,
    consumers: confirmed === undefined ? null : Number(confirmed),
    bytes: null,
  };
}

export async function describeTopic(
  session: Session,
  topic: string,
  signal: AbortSignal,
): Promise<ChannelDescription> {
  const attributes = await attributesOf(session, topic, signal);
  const { subscriptions, unknown } = await subscriptionsOf(session, topic, signal);
  const settings = Object.fromEntries(
    Object.entries(attributes).filter(([name]) => !longSettings.includes(name)),
  );
  return {
    ...summaryOf(topic, attributes),
    partitionList: [],
    settings,
    bindings: [],
    subscriptions,
    passesOnTo: subscriptions.map(({ endpoint }) => endpoint),
    groups: null,
    deadLetter: null,
    deadLetterOf: [],
    unknown: ['messages: a topic keeps none, it passes them on', ...unknown],
  };
}

async function subscriptionsOf(
  session: Session,
  topic: string,
  signal: AbortSignal,
): Promise<{
  readonly subscriptions: readonly SubscriptionDescription[];
  readonly unknown: readonly string[];
}> {
  const TopicArn = await session.arn(topic, signal);
  const subscriptions: SubscriptionDescription[] = [];
  const unknown: string[] = [];
  let NextToken: string | undefined;
  do {
    const input = { TopicArn, ...(NextToken === undefined ? {} : { NextToken }) };
    const page = await session.ask(
      (client, options) => client.send(new ListSubscriptionsByTopicCommand(input), options),
      signal,
      topic,
    );
    for (const { SubscriptionArn = '', Protocol = '', Endpoint = '' } of page.Subscriptions ?? []) {
      // One that its endpoint has not confirmed yet has no ARN.
      const attributes = SubscriptionArn.startsWith('arn:')
        ? await subscriptionAttributes(session, SubscriptionArn, signal)
        : { PendingConfirmation: 'true' };
      const settings = Object.fromEntries(
        Object.entries(attributes).filter(
          ([name, value]) =>
            subscriptionSettings.includes(name) || (name === 'PendingConfirmation' && value === 'true'),
        ),
      );
      const target = deadLetterTarget(attributes['RedrivePolicy']);
      const deadLetter = target === null ? null : await depthOf(session, target, unknown, signal);
      subscriptions.push({
        id: SubscriptionArn,
        protocol: Protocol,
        endpoint: Endpoint,
        settings,
        deadLetter,
      });
    }
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return { subscriptions, unknown };
}

async function subscriptionAttributes(
  session: Session,
  SubscriptionArn: string,
  signal: AbortSignal,
): Promise<Attributes> {
  const { Attributes: said } = await session.ask(
    (client, options) => client.send(new GetSubscriptionAttributesCommand({ SubscriptionArn }), options),
    signal,
  );
  return said ?? {};
}

function deadLetterTarget(policy: string | undefined): string | null {
  return /"deadLetterTargetArn"\s*:\s*"([^"]+)"/.exec(policy ?? '')?.[1] ?? null;
}

/** How many wait in the queue of a redrive policy; unknown, and why, where the queue is not there or not for us. */
async function depthOf(
  session: Session,
  arn: string,
  unknown: string[],
  signal: AbortSignal,
): Promise<NonNullable<SubscriptionDescription['deadLetter']>> {
  const [account = '', name = arn] = arn.split(':').slice(-2);
  try {
    const { QueueUrl } = await session.askQueue(
      (client, options) =>
        client.send(new GetQueueUrlCommand({ QueueName: name, QueueOwnerAWSAccountId: account }), options),
      signal,
      name,
    );
    const { Attributes: said } = await session.askQueue(
      (client, options) =>
        client.send(
          new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages'] }),
          options,
        ),
      signal,
      name,
    );
    const count = said?.['ApproximateNumberOfMessages'];
    return { channel: name, messages: count === undefined ? null : Number(count) };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof MqctlError)) throw error;
    unknown.push(`dead letters in "${name}": ${error.message}`);
    return { channel: name, messages: null };
  }
}
