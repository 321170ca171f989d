/** A queue as the management API describes it: `GET /api/queues/VHOST` and `GET /api/queues/VHOST/NAME`. */
import type { ManagementApi } from './management.ts';
import { numberOf, objectOf, objectsOf, settingsOf, textOf, textsOf } from './json.ts';
import type { JsonObject } from './json.ts';

export interface QueueFacts {
  readonly name: string;
  /** `classic`, `quorum`, `stream`. */
  readonly type: string;
  /** Names with their `x-`. */
  readonly arguments: JsonObject;
  /** The policy that applies, and what it sets together with the operator's; names without `x-`. */
  readonly policy: string | null;
  readonly effectivePolicy: JsonObject;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly exclusive: boolean;
  readonly state: string | null;
  /** Counts are as old as the statistics: up to some seconds. null: no statistics yet. */
  readonly messages: number | null;
  readonly ready: number | null;
  readonly unacknowledged: number | null;
  readonly consumers: number | null;
  readonly bytes: number | null;
  /** Messages a second. */
  readonly rateIn: number | null;
  readonly rateOut: number | null;
  /** All that ever came, counted since the broker's statistics began. */
  readonly arrived: number | null;
  /** Milliseconds since 1970, of the first message, as its publisher set it; classic queues alone have it. */
  readonly headTimestamp: number | null;
  readonly deliveryLimit: number | null;
  readonly leader: string | null;
  readonly members: readonly string[];
  readonly online: readonly string[];
  /** The connection that owns an exclusive queue. */
  readonly ownerConnection: string | null;
  readonly consumerList: readonly ConsumerFacts[];
}

export interface ConsumerFacts {
  readonly tag: string;
  readonly prefetch: number | null;
  readonly active: boolean | null;
  readonly channelName: string | null;
  readonly connectionName: string | null;
  readonly host: string | null;
}

const listed = [
  'name',
  'type',
  'arguments',
  'policy',
  'effective_policy_definition',
  'durable',
  'auto_delete',
  'exclusive',
  'state',
  'messages',
  'messages_ready',
  'messages_unacknowledged',
  'consumers',
  'message_bytes',
  'message_stats',
  'head_message_timestamp',
  'delivery_limit',
  'leader',
  'members',
  'online',
].join(',');

/** All queues of a virtual host, page by page. */
export async function* queuePages(
  api: ManagementApi,
  vhost: string,
  signal: AbortSignal,
): AsyncIterable<readonly QueueFacts[]> {
  const path = `/api/queues/${encodeURIComponent(vhost)}`;
  for await (const page of api.pages(path, `&sort=name&columns=${listed}`, signal))
    yield page.map(parseQueue);
}

/** null: no such queue. */
export async function queueFacts(
  api: ManagementApi,
  vhost: string,
  name: string,
  signal: AbortSignal,
): Promise<QueueFacts | null> {
  const answer = await api.get(queuePath(vhost, name), signal);
  return answer === null ? null : parseQueue(answer);
}

/** The name of the policy that applies to a queue this moment: with the statistics it comes some seconds late. null: none. */
export async function appliedPolicy(
  api: ManagementApi,
  vhost: string,
  name: string,
  signal: AbortSignal,
): Promise<string | null> {
  const query = '?disable_stats=true&enable_queue_totals=true';
  return textOf(objectOf(await api.get(`${queuePath(vhost, name)}${query}`, signal))['policy']);
}

/** Where the management API has a queue, with both names percent-encoded. */
export function queuePath(vhost: string, name: string): string {
  return `/api/queues/${encodeURIComponent(vhost)}/${encodeURIComponent(name)}`;
}

/** An entry of `/api/queues`. Rates are messages a second; null: the broker did not say, or has not counted yet. */
export function parseQueue(answer: unknown): QueueFacts {
  const queue = objectOf(answer);
  const args = objectOf(queue['arguments']);
  const stats = objectOf(queue['message_stats']);
  const known = queue['message_stats'] !== undefined;
  const head = numberOf(queue['head_message_timestamp']);
  return {
    name: textOf(queue['name']) ?? '',
    type: textOf(queue['type']) ?? textOf(args['x-queue-type']) ?? 'classic',
    arguments: args,
    policy: textOf(queue['policy']),
    effectivePolicy: objectOf(queue['effective_policy_definition']),
    durable: queue['durable'] === true,
    autoDelete: queue['auto_delete'] === true,
    exclusive: queue['exclusive'] === true,
    state: textOf(queue['state']),
    messages: numberOf(queue['messages']),
    ready: numberOf(queue['messages_ready']),
    unacknowledged: numberOf(queue['messages_unacknowledged']),
    consumers: numberOf(queue['consumers']),
    bytes: numberOf(queue['message_bytes']),
    rateIn: known ? rate(stats, ['publish']) : null,
    // What is delivered without an acknowledgement is gone, too.
    rateOut: known ? rate(stats, ['ack', 'deliver_no_ack', 'get_no_ack']) : null,
    arrived: known ? (numberOf(stats['publish']) ?? 0) : null,
    headTimestamp: head === null ? null : head * 1000,
    deliveryLimit: numberOf(queue['delivery_limit']),
    leader: textOf(queue['leader']),
    members: textsOf(queue['members']),
    online: textsOf(queue['online']),
    ownerConnection: textOf(objectOf(queue['owner_pid_details'])['name']),
    consumerList: objectsOf(queue['consumer_details']).map(parseConsumer),
  };
}

/** What the queue was declared with, and what its policy adds, as text. */
export function queueSettings(queue: QueueFacts): Record<string, string> {
  const settings: Record<string, string> = {
    type: queue.type,
    durable: String(queue.durable),
    ...(queue.autoDelete && { 'auto-delete': 'true' }),
    ...(queue.exclusive && { exclusive: 'true' }),
    ...settingsOf(queue.arguments),
  };
  delete settings['x-queue-type'];
  if (queue.policy !== null) settings['policy'] = queue.policy;
  for (const [name, value] of Object.entries(settingsOf(queue.effectivePolicy)))
    settings[`policy:${name}`] = value;
  if (queue.deliveryLimit !== null && settings['x-delivery-limit'] === undefined)
    settings['delivery-limit'] = String(queue.deliveryLimit);
  if (queue.leader !== null) settings['leader'] = queue.leader;
  if (queue.members.length > 0) settings['members'] = queue.members.join(', ');
  const down = queue.members.filter((member) => !queue.online.includes(member));
  if (down.length > 0) settings['members down'] = down.join(', ');
  return settings;
}

function parseConsumer(consumer: JsonObject): ConsumerFacts {
  const channel = objectOf(consumer['channel_details']);
  return {
    tag: textOf(consumer['consumer_tag']) ?? '',
    prefetch: numberOf(consumer['prefetch_count']),
    active: typeof consumer['active'] === 'boolean' ? consumer['active'] : null,
    channelName: textOf(channel['name']),
    connectionName: textOf(channel['connection_name']),
    host: textOf(channel['peer_host']),
  };
}

/** The sum of those that the broker has counted yet; it leaves out what never happened. */
function rate(stats: JsonObject, names: readonly string[]): number {
  const rates = names.map((name) => numberOf(objectOf(stats[`${name}_details`])['rate']) ?? 0);
  return rates.reduce((sum, each) => sum + each, 0);
}
