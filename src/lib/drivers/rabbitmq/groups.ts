/**
 * Groups: RabbitMQ has no such name for it, but the consumers of a queue share its messages as a group's members do. Beside them,
 * the names under which consumers of streams store their offsets.
 */
import { NotFoundError, UnsupportedError } from '../../errors.ts';
import type { GroupDescription, GroupMember, GroupSummary, Groups } from '../driver.ts';
import { globMatches } from '../../message/glob.ts';
import { declaration } from './declaration.ts';
import type { ManagementApi } from './management.ts';
import { numberOf, objectOf, textOf } from './json.ts';
import { queueFacts, queuePages } from './queue-facts.ts';
import type { ConsumerFacts, QueueFacts } from './queue-facts.ts';
import { storedUnder } from './positions.ts';
import type { PositionsContext } from './positions.ts';
import { readersUntold, storedReferences, streamReaders } from './stream-readers.ts';
import type { StreamReader } from './stream-readers.ts';

/** So many connections are asked at once for the names of their clients. */
const concurrent = 8;

/**
 * Queues that have consumers, and the names under which consumers of streams store offsets. The management API tells them:
 * without it `FailedError` is thrown. Describing throws `NotFoundError`; deleting always throws `UnsupportedError`.
 */
export function groups(context: PositionsContext): Groups {
  const { management, vhost, target } = context;
  return {
    async list({ match }, signal) {
      const api = await management.require('listing consumers', signal);
      const found: GroupSummary[] = [];
      const streams: string[] = [];
      for await (const page of queuePages(api, vhost, signal))
        for (const queue of page) {
          if (queue.type === 'stream') streams.push(queue.name);
          if ((queue.consumers ?? 0) > 0 && globMatches(match, queue.name)) found.push(summary(queue));
        }
      const readers = streams.length === 0 ? null : await streamReaders(api, vhost, signal);
      if (readers === null) return found;
      const names = new Set<string>();
      for (let index = 0; index < streams.length; index += concurrent) {
        const some = streams.slice(index, index + concurrent);
        const stored = await Promise.all(some.map((stream) => storedReferences(api, vhost, stream, signal)));
        for (const name of stored.flatMap((each) => each ?? [])) names.add(name);
      }
      for (const { reference } of readers) if (reference !== null) names.add(reference);
      for (const name of [...names].sort())
        if (globMatches(match, name)) found.push(readerSummary(name, readers));
      return found;
    },

    async describe(group, signal): Promise<GroupDescription> {
      const api = await management.require('describing consumers', signal);
      const queue = await queueFacts(api, vhost, group, signal);
      if (queue !== null)
        return {
          ...summary(queue),
          coordinator: queue.leader,
          channels: [queue.name],
          memberList: await members(api, queue, signal),
          unknown: [],
        };
      const readers = await streamReaders(api, vhost, signal);
      const own = (readers ?? []).filter(({ reference }) => reference === group);
      const stored = await storedUnder(context, group, null, signal);
      const channels = new Set([...stored.keys(), ...own.map(({ stream }) => stream)]);
      if (channels.size === 0) throw new NotFoundError('queue', group, target);
      return {
        ...readerSummary(group, readers),
        coordinator: null,
        channels: [...channels],
        memberList: own.map(({ member: reader }) => reader),
        unknown: readers === null ? [`members: ${readersUntold}`] : [],
      };
    },

    async delete(group) {
      throw new UnsupportedError(`RabbitMQ does not delete the group "${group}" by itself`, {
        hint: declaration.facets.groups?.undeletable ?? '',
      });
    },
  };
}

function readerSummary(group: string, readers: readonly StreamReader[] | null): GroupSummary {
  const members = readers?.filter(({ reference }) => reference === group).length ?? null;
  return { group, kind: 'stream', state: null, members };
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
