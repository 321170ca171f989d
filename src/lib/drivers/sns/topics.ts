/** Topics and their subscriptions, as SNS tells of them. */
import { GetTopicAttributesCommand } from '@aws-sdk/client-sns';
import { MqctlError, NotFoundError } from '../../errors.ts';
import { globMatches } from '../../message/glob.ts';
import type { ChannelDescription, ChannelSummary, SubscriptionDescription } from '../driver.ts';
import { depthOf as depthOfQueue } from '../aws/queues/channels.ts';
import { queueOf } from './queue-channels.ts';
import type { Session } from './session.ts';
import { subscriptionsOf } from './subscriptions.ts';

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

/** `match` is a glob; null for all. A topic that is deleted in the meantime is still told, without a number of consumers. */
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

/** With its subscriptions. A dead-letter queue that cannot be read is told in `unknown`. Throws `NotFoundError`. */
export async function describeTopic(
  session: Session,
  topic: string,
  signal: AbortSignal,
): Promise<ChannelDescription> {
  const attributes = await attributesOf(session, topic, signal);
  const { subscriptions, unknown } = await describedSubscriptions(session, topic, signal);
  const settings = Object.fromEntries(
    Object.entries(attributes).filter(([name]) => !longSettings.includes(name)),
  );
  return {
    ...summaryOf(topic, attributes),
    partitionList: [],
    settings,
    bindings: [],
    subscriptions: subscriptions.map(({ receiver: _, ...told }) => told),
    passesOnTo: subscriptions.map(({ receiver }) => receiver),
    groups: null,
    deadLetter: null,
    deadLetterOf: [],
    unknown: ['messages: a topic keeps none, it passes them on', ...unknown],
  };
}

async function describedSubscriptions(
  session: Session,
  topic: string,
  signal: AbortSignal,
): Promise<{
  readonly subscriptions: readonly (SubscriptionDescription & { readonly receiver: string })[];
  readonly unknown: readonly string[];
}> {
  const topicArn = await session.arn(topic, signal);
  const subscriptions: (SubscriptionDescription & { readonly receiver: string })[] = [];
  const unknown: string[] = [];
  for await (const one of subscriptionsOf(session, topicArn, signal)) {
    const { arn, protocol, endpoint, receiver, attributes, deadLetter } = one;
    const settings = Object.fromEntries(
      Object.entries(attributes).filter(
        ([name, value]) =>
          subscriptionSettings.includes(name) || (name === 'PendingConfirmation' && value === 'true'),
      ),
    );
    subscriptions.push({
      id: arn,
      protocol,
      endpoint,
      receiver,
      settings,
      deadLetter: deadLetter === null ? null : await depthOf(session, deadLetter, unknown, signal),
    });
  }
  return { subscriptions, unknown };
}

/** How many wait in the queue of a redrive policy; unknown, and why, where the queue is not there or not for us. */
async function depthOf(
  session: Session,
  channel: string,
  unknown: string[],
  signal: AbortSignal,
): Promise<NonNullable<SubscriptionDescription['deadLetter']>> {
  try {
    const queues = await session.queues();
    const { waiting, inFlight, delayed } = depthOfQueue(
      await queues.attributes(queueOf(channel) ?? channel, signal),
    );
    return { channel, messages: waiting + inFlight + delayed };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof MqctlError)) throw error;
    unknown.push(`dead letters in "${channel}": ${error.message}`);
    return { channel, messages: null };
  }
}
