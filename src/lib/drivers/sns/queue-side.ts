/** The queues of an SNS account as channels: read with the envelope of SNS taken off, sent to with it put on again. */
import { DeniedError, MqctlError, NotFoundError, UnsupportedError } from '../../errors.ts';
import type { Message, OutgoingMessage } from '../../message/message.ts';
import { queueFacets } from '../aws/queues/queue-facets.ts';
import type { QueueFacets } from '../aws/queues/queue-facets.ts';
import { readDeath } from '../aws/queues/message.ts';
import type {
  Admin,
  Appraisal,
  Backlog,
  ChannelDescription,
  ChannelSummary,
  Claim,
  ClaimBatch,
  Claiming,
  Look,
  Outcome,
  Publish,
  Publisher,
} from '../driver.ts';
import { channelOfQueue, queueOf } from './queue-channels.ts';
import { unwrapped, wrapped } from './notification.ts';
import type { DeadLetterRoutes, Subscription } from './subscriptions.ts';
import type { Session } from './session.ts';
import { attributesOf } from './topics.ts';

export class QueueSide {
  readonly #session: Session;
  readonly #routes: DeadLetterRoutes;
  #facets: QueueFacets | null = null;

  constructor(session: Session, routes: DeadLetterRoutes) {
    this.#session = session;
    this.#routes = routes;
  }

  /** `match` begins with the prefix of queues. */
  async *channels(match: string, signal: AbortSignal): AsyncGenerator<ChannelSummary> {
    const { channels } = await this.#queues();
    for await (const one of channels({ match: nameOf(match), internal: false }, signal))
      yield { ...one, channel: channelOfQueue(one.channel) };
  }

  async describe(channel: string, signal: AbortSignal): Promise<ChannelDescription> {
    const described = await (await this.#queues()).describe(nameOf(channel), signal);
    const { deadLetter, deadLetterOf } = described;
    const { subscriptions, unknown } = await this.#feeding(channel, signal);
    return {
      ...described,
      channel,
      deadLetter: deadLetter === null ? null : { ...deadLetter, channel: channelOfQueue(deadLetter.channel) },
      deadLetterOf: [...deadLetterOf.map(channelOfQueue), ...subscriptions.map(({ receiver }) => receiver)],
      unknown: [...described.unknown, ...unknown],
    };
  }

  readonly publish: Publish = {
    open: async (request, signal) => {
      const { publish } = await this.#queues();
      return new Wrapping(await publish.open({ ...request, channel: nameOf(request.channel) }, signal));
    },
    limits: async (channel, signal) => (await this.#queues()).publish.limits(nameOf(channel), signal),
  };

  readonly look: Look = {
    appraise: async (channel, signal): Promise<Appraisal> => {
      const appraisal = await (await this.#queues()).look.appraise(nameOf(channel), signal);
      const { subscriptions } = await this.#feeding(channel, signal);
      return { ...appraisal, deadLetterChannel: appraisal.deadLetterChannel || subscriptions.length > 0 };
    },
    open: async (request, signal) => {
      const { look } = await this.#queues();
      const { subscriptions } = await this.#feeding(request.channel, signal);
      const looking = await look.open({ ...request, channel: nameOf(request.channel) }, signal);
      const { batches } = looking;
      async function* read(): AsyncGenerator<readonly Message[]> {
        for await (const batch of batches)
          yield batch.map((message) => toMessage(message, request.channel, subscriptions));
      }
      return { batches: read(), expected: looking.expected, report: () => looking.report() };
    },
  };

  readonly claim: Claim = {
    open: async (request, signal): Promise<Claiming> => {
      const { claim } = await this.#queues();
      const { subscriptions } = await this.#feeding(request.channel, signal);
      const claiming = await claim.open({ ...request, channel: nameOf(request.channel) }, signal);
      const { batches } = claiming;
      async function* taken(): AsyncGenerator<ClaimBatch> {
        for await (const batch of batches)
          yield batch.kind !== 'claimed'
            ? batch
            : {
                ...batch,
                items: batch.items.map(({ claim: name, message }) => ({
                  claim: name,
                  message: toMessage(message, request.channel, subscriptions),
                })),
              };
      }
      return {
        ...(claiming.leaseMs !== undefined && { leaseMs: claiming.leaseMs }),
        batches: taken(),
        settle: (claims) => claiming.settle(claims),
        release: (claims) => claiming.release(claims),
        extend: (claims) => claiming.extend(claims),
        close: () => claiming.close(),
      };
    },
  };

  readonly backlog: Backlog = {
    read: async ({ groups, channels }, signal) => {
      if (groups !== null && groups.length > 0)
        throw new NotFoundError('group', groups[0] ?? '', this.#session.target);
      const asked = channels ?? (await this.#routes.receivers(signal));
      const topic = asked.find((channel) => queueOf(channel) === null);
      if (topic !== undefined) {
        await attributesOf(this.#session, topic, signal);
        throw keepsNothing(topic);
      }
      const { backlog } = await this.#queues();
      const found = await backlog.read({ groups: null, channels: asked.map(nameOf) }, signal);
      return found.map((one) => ({ ...one, channel: channelOfQueue(one.channel) }));
    },
  };

  readonly admin: Admin = {
    create: async (request, signal) => {
      const deadLetter = request.deadLetter === null ? null : nameOf(request.deadLetter);
      const { admin } = await this.#queues();
      await admin.create({ ...request, channel: nameOf(request.channel), deadLetter }, signal);
    },
    delete: async (channel, signal) => (await this.#queues()).admin.delete(nameOf(channel), signal),
    purge: async (channel, signal) => (await this.#queues()).admin.purge(nameOf(channel), signal),
    settings: async (channel, names, signal) =>
      (await this.#queues()).admin.settings(nameOf(channel), names, signal),
    alter: async (request, signal) =>
      (await this.#queues()).admin.alter({ ...request, channel: nameOf(request.channel) }, signal),
  };

  async #queues(): Promise<QueueFacets> {
    this.#facets ??= queueFacets(await this.#session.queues());
    return this.#facets;
  }

  /** Whoever may read the queue alone reads it: only where its messages came from is then unknown. */
  async #feeding(
    channel: string,
    signal: AbortSignal,
  ): Promise<{ readonly subscriptions: readonly Subscription[]; readonly unknown: readonly string[] }> {
    try {
      return { subscriptions: await this.#routes.into(channel, signal), unknown: [] };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof MqctlError)) throw error;
      this.#session.environment.log(error.message);
      if (!(error instanceof DeniedError)) throw error;
      return { subscriptions: [], unknown: [`whose dead letters come here: ${error.message}`] };
    }
  }
}

function keepsNothing(topic: string): UnsupportedError {
  return new UnsupportedError(`the topic "${topic}" keeps nothing that could wait`, {
    hint: 'what waits lies in the queues of its subscriptions: mqctl lag --channel queue:NAME; "mqctl describe" names them',
  });
}

/** What comes from here is a queue: the router has seen to that. */
function nameOf(channel: string): string {
  return queueOf(channel) ?? channel;
}

function toMessage(received: Message, channel: string, feeding: readonly Subscription[]): Message {
  const { message, topicArn } = unwrapped({ ...received, channel });
  const byQueue = readDeath(received);
  if (byQueue !== null) {
    const source = byQueue.origin.channel;
    const origin = { ...byQueue.origin, channel: source === null ? null : channelOfQueue(source) };
    return { ...message, deadLetter: { ...byQueue, origin } };
  }
  const possible = feeding.filter((one) => topicArn === null || one.topicArn === topicArn);
  if (possible.length === 0) return message;
  // Several subscriptions may share a queue: then nothing tells whose it was.
  const receivers = new Set(possible.map(({ receiver }) => receiver));
  const [receiver = null] = receivers.size === 1 ? receivers : [];
  return {
    ...message,
    deadLetter: {
      reason: 'undelivered',
      class: null,
      message: null,
      attempts: null,
      origin: { channel: receiver, partition: null, offset: null },
      consumer: receiver,
      at: message.timestamp,
    },
  };
}

class Wrapping implements Publisher {
  readonly #to: Publisher;

  constructor(to: Publisher) {
    this.#to = to;
  }

  get blocked(): string | null {
    return this.#to.blocked;
  }

  async send(messages: readonly OutgoingMessage[]): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    const ready: { readonly index: number; readonly message: OutgoingMessage }[] = [];
    for (const [index, original] of messages.entries()) {
      const message = wrapped(original);
      if ('fault' in message)
        outcomes[index] = { status: 'rejected', reason: message.fault, retriable: false };
      else ready.push({ index, message });
    }
    const answers = await this.#to.send(ready.map(({ message }) => message));
    for (const [at, { index }] of ready.entries())
      outcomes[index] = answers[at] ?? { status: 'unknown', reason: 'no outcome was told' };
    return outcomes;
  }

  commit(): Promise<void> {
    return this.#to.commit();
  }

  abort(): Promise<void> {
    return this.#to.abort();
  }

  close(): Promise<void> {
    return this.#to.close();
  }
}
