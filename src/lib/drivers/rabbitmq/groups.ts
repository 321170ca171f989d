/** Groups: RabbitMQ has no such name for it, but the consumers of a queue share its messages as a group's members do. */
import { NotFoundError, UnsupportedError } from '../../errors.ts';
import type { GroupDescription, GroupMember, GroupSummary, Groups } from '../driver.ts';
import { globMatches } from '../../message/glob.ts';
import { declaration } from './declaration.ts';
import type { Management, ManagementApi } from './management.ts';
import { numberOf, objectOf, textOf } from './json.ts';
import { queueFacts, queuePages } from './queue-facts.ts';
import type { ConsumerFacts, QueueFacts } from './queue-facts.ts';

/** So many connections are asked at once for the names of their clients. */
const concurrent = 8;

export function groups(management: Management, vhost: string, target: string): Groups {
  return {
    async list({ match }, signal) {
      const api = await management.require('listing consumers', signal);
      const found: GroupSummary[] = [];
      for await (const page of queuePages(api, vhost, signal))
        for (const queue of page)
          if ((queue.consumers ?? 0) > 0 && globMatches(match, queue.name)) found.push(summary(queue));
      return found;
    },

    async describe(group, signal): Promise<GroupDescription> {
      const api = await management.require('describing consumers', signal);
      const queue = await queueFacts(api, vhost, group, signal);
      if (queue === null) throw new NotFoundError('queue', group, target);
      return {
        ...summary(queue),
        coordinator: queue.leader,
        channels: [queue.name],
        memberList: await members(api, queue, signal),
        unknown: [],
      };
    },

    async delete(group) {
      throw new UnsupportedError(`RabbitMQ has no group "${group}" apart from the queue`, {
        hint: declaration.facets.groups?.undeletable ?? '',
      });
    },
  };
}

function summary(queue: QueueFacts): GroupSummary {
  return { group: queue.name, kind: 'queue', state: queue.state, members: queue.consumers };
}

async function members(
  api: ManagementApi,
  queue: QueueFacts,
  signal: AbortSignal,
): Promise<readonly GroupMember[]> {
  const found: GroupMember[] = [];
  for (let index = 0; index < queue.consumerList.length; index += concurrent) {
    const some = queue.consumerList.slice(index, index + concurrent);
    found.push(...(await Promise.all(some.map((consumer) => member(api, queue, consumer, signal)))));
  }
  return found;
}

async function member(
  api: ManagementApi,
  queue: QueueFacts,
  consumer: ConsumerFacts,
  signal: AbortSignal,
): Promise<GroupMember> {
  const ask = async (kind: string, name: string | null) =>
    objectOf(name === null ? null : await api.get(`/api/${kind}/${encodeURIComponent(name)}`, signal));
  const [channel, connection] = await Promise.all([
    ask('channels', consumer.channelName),
    ask('connections', consumer.connectionName),
  ]);
  // What is unacknowledged is counted for the channel: it is this consumer's where that has no other.
  const alone = numberOf(channel['consumer_count']) === 1;
  return {
    id: consumer.tag,
    client:
      textOf(connection['user_provided_name']) ??
      textOf(objectOf(connection['client_properties'])['connection_name']) ??
      textOf(objectOf(connection['client_properties'])['product']),
    host: consumer.host,
    partitions: [{ channel: queue.name, partition: null }],
    inFlight: alone ? numberOf(channel['messages_unacknowledged']) : null,
    prefetch: consumer.prefetch,
  };
}
