/** One queue or exchange with all that can be known of it. */
import { NotFoundError } from '../../errors.ts';
import type { ChannelDescription } from '../driver.ts';
import type { AmqpQueues } from './amqp-queues.ts';
import { parseChannelName } from './channel-name.ts';
import { exchangeSummary, queueSummary } from './channels.ts';
import { deadLetterTarget, pairsOf } from './dead-letters.ts';
import { objectOf, settingsOf, textOf } from './json.ts';
import type { Management, ManagementApi } from './management.ts';
import { queueFacts, queuePages, queuePath, queueSettings } from './queue-facts.ts';
import type { QueueFacts } from './queue-facts.ts';
import type { QueueType } from './queue-type.ts';
import { Routing, exchangePath, parseBindings } from './routing.ts';

export interface DescribeContext {
  readonly management: Management;
  readonly queues: AmqpQueues;
  readonly typeOf: (queue: string, signal: AbortSignal) => Promise<QueueType>;
  readonly vhost: string;
  /** For errors. */
  readonly target: string;
}

/** Throws `NotFoundError`. */
export async function describeChannel(
  context: DescribeContext,
  channel: string,
  signal: AbortSignal,
): Promise<ChannelDescription> {
  const { kind, name } = parseChannelName(channel);
  const { api, missing } = await context.management.reach(signal);
  if (kind === 'exchange') return describeExchange(context, api, name, missing, signal);
  const queue = api === null ? null : await queueFacts(api, context.vhost, name, signal);
  if (api !== null && queue !== null) return describeQueue(context, api, queue, signal);
  // Or it was declared a moment ago: then the broker knows it before the management API does.
  return describeByAmqp(context, name, missing ?? 'the management API does not know this queue yet', signal);
}

async function describeQueue(
  { vhost, queues }: DescribeContext,
  api: ManagementApi,
  queue: QueueFacts,
  signal: AbortSignal,
): Promise<ChannelDescription> {
  const unknown: string[] = [];
  // An exclusive queue answers only to its own connection.
  const now = queue.exclusive ? null : await queues.check(queue.name, signal);
  const ready = now?.ready ?? queue.ready;
  const bindings = parseBindings(await api.get(`${queuePath(vhost, queue.name)}/bindings`, signal));
  const { deadLetter, deadLetterOf } = await deadLettering(api, vhost, queue, signal);
  if (queue.messages === null) unknown.push('unacknowledged messages: the broker has no statistics yet');
  return {
    ...queueSummary(queue),
    messages: ready === null ? null : ready + (queue.unacknowledged ?? 0),
    consumers: now?.consumers ?? queue.consumers,
    partitionList: [],
    settings: queueSettings(queue),
    bindings: bindings.map((binding) => ({
      source: binding.source,
      routingKey: binding.routingKey,
      arguments: settingsOf(binding.arguments),
    })),
    groups: (queue.consumers ?? 0) > 0 ? [queue.name] : [],
    deadLetter,
    deadLetterOf,
    unknown,
  };
}

/** Where its dead letters go, and whose come here. */
async function deadLettering(
  api: ManagementApi,
  vhost: string,
  queue: QueueFacts,
  signal: AbortSignal,
): Promise<Pick<ChannelDescription, 'deadLetter' | 'deadLetterOf'>> {
  const routing = new Routing(api, vhost);
  const target = deadLetterTarget(queue);
  const [own] = await pairsOf(queue, routing, signal);
  const sources: string[] = [];
  for await (const page of queuePages(api, vhost, signal))
    for (const other of page) {
      const pairs = await pairsOf(other, routing, signal);
      if (pairs.some(({ deadLetter }) => deadLetter === queue.name)) sources.push(other.name);
    }
  if (own !== undefined)
    return { deadLetter: { channel: own.deadLetter, how: own.how }, deadLetterOf: sources };
  if (target === null) return { deadLetter: null, deadLetterOf: sources };
  // Declared, but it reaches no queue that can be told beforehand.
  const channel = target.exchange === '' ? '(its own routing key)' : target.exchange;
  return { deadLetter: { channel, how: target.how }, deadLetterOf: sources };
}

async function describeExchange(
  { vhost, queues, target }: DescribeContext,
  api: ManagementApi | null,
  name: string,
  missing: string | null,
  signal: AbortSignal,
): Promise<ChannelDescription> {
  const path = exchangePath(vhost, name);
  const answer = api === null ? null : await api.get(path, signal);
  if (api === null || answer === null) {
    if (!(await queues.hasExchange(name, signal))) throw new NotFoundError('exchange', name, target);
    const why = missing ?? 'the management API does not know this exchange yet';
    return { ...exchangeSummary(name), ...nothingKnown, unknown: [`type, settings, bindings: ${why}`] };
  }
  const facts = objectOf(answer);
  const outgoing = parseBindings(await api.get(`${path}/bindings/source`, signal));
  const incoming = parseBindings(await api.get(`${path}/bindings/destination`, signal));
  const policy = textOf(facts['policy']);
  return {
    ...exchangeSummary(name),
    partitionList: [],
    settings: {
      type: textOf(facts['type']) ?? 'unknown',
      durable: String(facts['durable'] === true),
      ...(facts['auto_delete'] === true && { 'auto-delete': 'true' }),
      ...(facts['internal'] === true && { internal: 'true' }),
      ...settingsOf(objectOf(facts['arguments'])),
      ...(policy !== null && { policy }),
      ...Object.fromEntries(
        outgoing.map((binding) => [
          `to ${binding.destinationType} ${binding.destination} [${binding.routingKey}]`,
          JSON.stringify(binding.arguments),
        ]),
      ),
    },
    bindings: incoming.map((binding) => ({
      source: binding.source,
      routingKey: binding.routingKey,
      arguments: settingsOf(binding.arguments),
    })),
    passesOnTo: [...new Set(outgoing.map(({ destination }) => destination))].sort(),
    groups: null,
    deadLetter: null,
    deadLetterOf: [],
    unknown: [],
  };
}

/** What a passive declaration tells: that it is there, what is ready, how many consume. */
async function describeByAmqp(
  { queues, typeOf, target }: DescribeContext,
  queue: string,
  missing: string,
  signal: AbortSignal,
): Promise<ChannelDescription> {
  const state = await queues.checked(queue, target, signal);
  return {
    channel: queue,
    // Another connection's exclusive queue answers nothing.
    type: state.ready === null ? 'queue' : await typeOf(queue, signal),
    partitions: null,
    messages: state.ready,
    // What is delivered and not yet acknowledged is not counted.
    approximate: true,
    consumers: state.consumers,
    bytes: null,
    ...nothingKnown,
    unknown: [`settings, bindings, dead letters, unacknowledged messages, rates: ${missing}`],
  };
}

const nothingKnown = {
  partitionList: [],
  settings: {},
  bindings: [],
  groups: null,
  deadLetter: null,
  deadLetterOf: [],
} as const;
