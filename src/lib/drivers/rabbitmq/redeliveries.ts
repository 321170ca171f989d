/**
 * How much of what was delivered had been delivered before: the management API counts it of every queue and keeps samples
 * of the counts (RabbitMQ, "HTTP API": `msg_rates_age`, `msg_rates_incr`).
 */
import { NotFoundError } from '../../errors.ts';
import type { Redeliveries } from '../driver.ts';
import { numberOf, objectOf, objectsOf, textOf } from './json.ts';
import type { JsonObject } from './json.ts';
import type { ManagementApi } from './management.ts';
import { queuePath } from './queue-facts.ts';

/** The broker keeps samples of a queue for a little longer. */
const windowMs = 600_000;
const sampleMs = 300_000;
/** So many queues are asked at once. */
const concurrent = 8;
/** From so many on, the list is read instead. */
const oneByOne = 100;

const names = ['deliver_get', 'redeliver'] as const;
const counts = `columns=name,${names.map((name) => `message_stats.${name}`).join(',')}`;
/** Asked for with samples, the broker rounds the present down to the time of the last of them: so these are a request of their own. */
const samples = `msg_rates_age=${String(windowMs / 1_000)}&msg_rates_incr=${String(sampleMs / 1_000)}&columns=name,${names.map((name) => `message_stats.${name}_details.samples`).join(',')}`;

/** Throws `NotFoundError` for a queue that is not there. */
export async function redeliveries(
  api: ManagementApi,
  { vhost, target }: { readonly vhost: string; readonly target: string },
  channels: readonly string[],
  signal: AbortSignal,
): Promise<readonly Redeliveries[]> {
  const read = (query: string) =>
    channels.length > oneByOne
      ? readList(api, vhost, query, signal)
      : readEach(api, vhost, channels, query, signal);
  const before = await read(samples);
  const now = await read(counts);
  return channels.map((channel) => {
    const queue = now.get(channel);
    if (queue === undefined) throw new NotFoundError('queue', channel, target);
    return redeliveriesOf(channel, queue, before.get(channel) ?? {});
  });
}

async function readEach(
  api: ManagementApi,
  vhost: string,
  channels: readonly string[],
  query: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, JsonObject>> {
  const found = new Map<string, JsonObject>();
  for (let index = 0; index < channels.length; index += concurrent)
    await Promise.all(
      channels.slice(index, index + concurrent).map(async (channel) => {
        const answer = await api.get(`${queuePath(vhost, channel)}?${query}`, signal);
        if (answer !== null) found.set(channel, objectOf(answer));
      }),
    );
  return found;
}

async function readList(
  api: ManagementApi,
  vhost: string,
  query: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, JsonObject>> {
  const found = new Map<string, JsonObject>();
  for await (const page of api.pages(
    `/api/queues/${encodeURIComponent(vhost)}`,
    `&sort=name&${query}`,
    signal,
  ))
    for (const queue of page) found.set(textOf(queue['name']) ?? '', queue);
  return found;
}

/** `now` with the counts of a queue, `before` with their samples. */
function redeliveriesOf(channel: string, now: JsonObject, before: JsonObject): Redeliveries {
  const [delivered, again] = names.map((name) => countedSince(now, before, name));
  // What never happened is left out of the statistics.
  return delivered === undefined || delivered === null
    ? { channel, delivered: null, again: null, windowMs }
    : { channel, delivered, again: again ?? 0, windowMs };
}

/** The count, without what it was at the oldest sample. A restarted broker counts anew. */
function countedSince(now: JsonObject, before: JsonObject, name: string): number | null {
  const count = numberOf(objectOf(now['message_stats'])[name]);
  if (count === null) return null;
  const samples = objectsOf(objectOf(objectOf(before['message_stats'])[`${name}_details`])['samples']);
  const [oldest] = samples.toSorted((one, other) => time(one) - time(other));
  const earlier = numberOf(oldest?.['sample']) ?? 0;
  return count >= earlier ? count - earlier : count;
}

function time(sample: JsonObject): number {
  return numberOf(sample['timestamp']) ?? 0;
}
