/** What waits for each consumer: the server counts it. Nothing is joined. */
import type { ConsumerInfo, StreamInfo } from '@nats-io/jetstream';
import { NotFoundError } from '../../errors.ts';
import type { Backlog, GroupBacklog, PartitionBacklog, Redeliveries } from '../driver.ts';
import { allConsumers, consumerNamed, filtersOf, membersOf } from './consumers.ts';
import { kindOf, stateOf } from './groups.ts';
import { readersAt } from './readers.ts';
import type { Session } from './session.ts';
import { firstStored } from './stored-messages.ts';
import { millisecondsOf } from './nanoseconds.ts';
import { placeOf, streamPlace } from './streams.ts';

/** Throws `NotFoundError` for what is named and missing, `UsageError` where several streams have that consumer. */
export function backlog(session: Session): Backlog {
  return {
    async read({ groups, channels }, signal) {
      const streams = new Map<string, StreamInfo>();
      const infoOf = async (name: string) => {
        const known = streams.get(name) ?? (await streamPlace(session, name, signal)).info;
        streams.set(name, known);
        return known;
      };
      const found = await consumersFor(session, groups, channels, signal);
      const all: GroupBacklog[] = [];
      for (const { group, channel, consumer } of found)
        all.push(
          await backlogOf(session, group, channel, consumer, await infoOf(consumer.stream_name), signal),
        );
      return all;
    },

    async redeliveries(channels, signal) {
      const found: Redeliveries[] = [];
      for (const channel of channels) found.push(await redeliveriesOf(session, channel, signal));
      return found;
    },
  };
}

/** Of what was delivered and not settled, the server counts what it has delivered more than once. */
async function redeliveriesOf(session: Session, channel: string, signal: AbortSignal): Promise<Redeliveries> {
  const place = await placeOf(session, channel, signal);
  let [delivered, again] = [0, 0];
  if (place.kind !== 'dead')
    for (const consumer of await readersAt(session, place, signal)) {
      delivered += consumer.num_ack_pending;
      again += Math.min(consumer.num_redelivered, consumer.num_ack_pending);
    }
  return { channel, delivered, again, windowMs: null };
}

interface Reading {
  readonly group: string;
  readonly channel: string;
  readonly consumer: ConsumerInfo;
}

async function consumersFor(
  session: Session,
  groups: readonly string[] | null,
  channels: readonly string[] | null,
  signal: AbortSignal,
): Promise<Reading[]> {
  if (channels === null) {
    if (groups === null)
      return (await allConsumers(session, signal)).map(({ group, consumer }) => ({
        group,
        channel: consumer.stream_name,
        consumer,
      }));
    const found: Reading[] = [];
    for (const group of groups) {
      const consumer = await consumerNamed(session, group, null, signal);
      found.push({ group, channel: consumer.stream_name, consumer });
    }
    return found;
  }
  const found: Reading[] = [];
  for (const channel of channels) {
    const place = await placeOf(session, channel, signal);
    // What a consumer gave up waits for nobody.
    if (place.kind === 'dead') continue;
    for (const consumer of await readersAt(session, place, signal))
      if (
        groups === null ||
        groups.includes(consumer.name) ||
        groups.includes(`${consumer.stream_name}/${consumer.name}`)
      )
        found.push({ group: consumer.name, channel, consumer });
  }
  for (const group of groups ?? [])
    if (
      !found.some(({ consumer }) =>
        [consumer.name, `${consumer.stream_name}/${consumer.name}`].includes(group),
      )
    )
      throw new NotFoundError(
        'consumer',
        group,
        (channels ?? []).map((channel) => `"${channel}"`).join(', '),
      );
  return found;
}

async function backlogOf(
  session: Session,
  group: string,
  channel: string,
  consumer: ConsumerInfo,
  stream: StreamInfo,
  signal: AbortSignal,
): Promise<GroupBacklog> {
  const { config, state } = stream;
  const { num_pending: pending, num_ack_pending: unsettled, delivered, ack_floor: floor } = consumer;
  const committed = floor.stream_seq + 1;
  const first = Math.max(1, state.first_seq);
  const partition: PartitionBacklog = {
    partition: null,
    committed: String(committed),
    start: String(first),
    end: String(state.last_seq + 1),
    // What was delivered and not settled may be in somebody's hands or wait to be delivered again: NATS does not tell them apart.
    waiting: pending + unsettled,
    inFlight: null,
    oldest: await oldestOf(
      session,
      consumer,
      stream,
      unsettled > 0 ? committed : delivered.stream_seq + 1,
      signal,
    ),
    owner: null,
    rateIn: null,
    rateOut: null,
    lost:
      filtersOf(consumer.config).length > 0
        ? committed >= first
          ? 0
          : null
        : Math.max(0, first - committed),
    retentionMs: config.max_age > 0 ? millisecondsOf(config.max_age) : null,
  };
  return {
    group,
    channel,
    kind: kindOf(consumer),
    state: stateOf(consumer),
    members: membersOf(consumer),
    partitions: [partition],
    approximate: false,
    boundedBySize:
      config.discard === 'old' &&
      (config.max_msgs > 0 || config.max_bytes > 0 || config.max_msgs_per_subject > 0),
    notYetCounted: false,
    unknown: [
      ...(unsettled > 0
        ? [`how many of the ${String(unsettled)} delivered and not settled are in somebody's hands`]
        : []),
      ...((consumer.config.max_deliver ?? 0) > 0
        ? [
            `messages that ran out of ${String(consumer.config.max_deliver)} deliveries wait no more: mqctl dlq ls`,
          ]
        : []),
    ],
    unreachable: [],
  };
}

/**
 * The first message that was not settled. One that ran out of deliveries just now may still be at that place: then the age is
 * too high until the next acknowledgement.
 */
async function oldestOf(
  session: Session,
  consumer: ConsumerInfo,
  stream: StreamInfo,
  seq: number,
  signal: AbortSignal,
): Promise<PartitionBacklog['oldest']> {
  if (consumer.num_pending + consumer.num_ack_pending === 0) return null;
  const filters = filtersOf(consumer.config);
  const found = await Promise.all(
    (filters.length === 0 ? [null] : filters).map((filter) =>
      firstStored(session, stream, filter, { seq }, signal),
    ),
  );
  const times = found.flatMap((one) => (one === null ? [] : [one.message.time]));
  return times.length === 0 ? null : { at: Math.min(...times), clock: 'append' };
}
