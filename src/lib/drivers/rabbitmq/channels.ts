/** What is in a virtual host: its queues and streams, and its exchanges among the internal ones. */
import { globMatches } from '../../message/glob.ts';
import type { ChannelSummary } from '../driver.ts';
import { exchangeChannel } from './channel-name.ts';
import { objectsOf, textOf } from './json.ts';
import type { Management, ManagementApi } from './management.ts';
import { queuePages } from './queue-facts.ts';
import type { QueueFacts } from './queue-facts.ts';

/** Exchanges hold nothing, so they are listed only with `internal`. AMQP itself cannot list: `FailedError` without management. */
export async function* listChannels(
  management: Management,
  vhost: string,
  request: { readonly match: string | null; readonly internal: boolean },
  signal: AbortSignal,
): AsyncIterable<ChannelSummary> {
  const api = await management.require('listing queues', signal);
  for await (const page of queuePages(api, vhost, signal))
    for (const queue of page)
      if (globMatches(request.match, queue.name) && (request.internal || !isInternal(queue.name)))
        yield queueSummary(queue);
  if (!request.internal) return;
  for await (const name of exchangeNames(api, vhost, signal))
    if (globMatches(request.match, exchangeChannel(name))) yield exchangeSummary(name);
}

/** From the statistics of the management API; null: not counted yet. */
export function queueSummary(queue: QueueFacts): ChannelSummary {
  return {
    channel: queue.name,
    type: queue.type,
    partitions: null,
    messages: queue.messages,
    // Statistics lag behind by some seconds; of a stream, the count is of the leader's committed chunks.
    approximate: true,
    consumers: queue.consumers,
    bytes: queue.bytes,
  };
}

/** An exchange holds nothing, so nothing is counted. */
export function exchangeSummary(name: string): ChannelSummary {
  return {
    channel: exchangeChannel(name),
    type: 'exchange',
    partitions: null,
    messages: null,
    approximate: false,
    consumers: null,
    bytes: null,
  };
}

/** Names that the server keeps for itself, and ours. */
function isInternal(name: string): boolean {
  return name.startsWith('amq.') || name.startsWith('mqctl.lease.');
}

async function* exchangeNames(api: ManagementApi, vhost: string, signal: AbortSignal): AsyncIterable<string> {
  const path = `/api/exchanges/${encodeURIComponent(vhost)}`;
  for await (const page of api.pages(path, '&sort=name&columns=name', signal))
    for (const exchange of objectsOf(page)) {
      const name = textOf(exchange['name']);
      if (name !== null && name !== '') yield name;
    }
}
