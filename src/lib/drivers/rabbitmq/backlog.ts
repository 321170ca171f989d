/**
 * What waits in queues. A queue is its own group: its consumers share it, and it keeps what is unread. In streams, a group is the
 * name under which consumers store their offset.
 */
import { FailedError, MqctlError } from '../../errors.ts';
import type { Backlog, GroupBacklog, PartitionBacklog } from '../driver.ts';
import type { AmqpQueues, QueueState } from './amqp-queues.ts';
import { numberOf, textOf } from './json.ts';
import type { HeldHere } from './held-here.ts';
import type { ManagementApi } from './management.ts';
import { storedUnder } from './positions.ts';
import type { PositionsContext } from './positions.ts';
import { queueFacts, queuePages } from './queue-facts.ts';
import type { QueueFacts } from './queue-facts.ts';
import { redeliveries } from './redeliveries.ts';
import { streamBacklogs } from './stream-backlog.ts';
import { streamReaders } from './stream-readers.ts';
import type { StreamReader } from './stream-readers.ts';

/** So many queues are asked about at once, each with one request. */
const concurrent = 8;
/** From so many named queues on, the list is read instead. */
const oneByOne = 100;
/** Of a list, no more queues are asked themselves, */
const mostAsked = 1_000;
/** and no more streams for those that read them. */
const mostStreams = 100;

export interface BacklogContext extends PositionsContext {
  readonly heldHere: HeldHere;
}

/**
 * Named queues are read over AMQP, too, which tells less. All of them, and redeliveries, only the management API knows: without
 * it `FailedError` with code `MANAGEMENT_UNREACHABLE` is thrown. Throws `NotFoundError`.
 */
export function backlog(context: BacklogContext): Backlog {
  const { management, queues, heldHere, typeOf, vhost, target } = context;
  return {
    async read({ groups, channels }, signal) {
      const { api, missing } = await management.reach(signal);
      const names = channels ?? groups;
      // Of streams, a group is the name of a consumer.
      const references = channels === null ? null : groups;
      if (names === null) {
        if (api !== null) return readAll(api, context, signal);
        throw new FailedError(`reading the backlog of all queues: AMQP cannot list them, and ${missing}`, {
          code: 'MANAGEMENT_UNREACHABLE',
          hint: 'name the queue with --channel, or set managementUrl in the context',
        });
      }
      const known =
        api !== null && names.length > oneByOne ? await readNamed(api, vhost, names, signal) : null;
      let reading: Promise<readonly StreamReader[] | null> | null = null;
      const readers = () =>
        (reading ??= api === null ? Promise.resolve(null) : streamReaders(api, vhost, signal));
      const read = async (name: string): Promise<readonly GroupBacklog[]> => {
        const facts =
          known !== null
            ? (known.get(name) ?? null)
            : api === null
              ? null
              : await queueFacts(api, vhost, name, signal);
        // The statistics are seconds old; the queue itself says what is ready now.
        const now = facts?.exclusive === true ? null : await queues.check(name, signal);
        if (facts === null && now === null) return readStored(context, name, api !== null, signal);
        const type =
          facts?.type ?? (now === null || now.ready === null ? 'queue' : await typeOf(name, signal));
        const own =
          facts !== null
            ? queueBacklog(facts, now)
            : unlistedBacklog(name, type, now, { missing, heldHere: heldHere.of(name) });
        if (type === 'stream') return streamBacklogs(context, own, references, await readers(), signal);
        return references === null || references.includes(name) ? [own] : [];
      };
      const distinct = [...new Set(names)];
      const found: GroupBacklog[] = [];
      for (let index = 0; index < distinct.length; index += concurrent)
        found.push(...(await Promise.all(distinct.slice(index, index + concurrent).map(read))).flat());
      return found;
    },
    async redeliveries(channels, signal) {
      const api = await management.require('counting what is delivered again', signal);
      return redeliveries(api, { vhost, target }, channels, signal);
    },
  };
}

/** Not a queue: then it is the name under which a consumer stores its offset in streams. */
async function readStored(
  context: PositionsContext,
  name: string,
  listed: boolean,
  signal: AbortSignal,
): Promise<readonly GroupBacklog[]> {
  const { management, queues, vhost, target } = context;
  const api = listed ? (await management.reach(signal)).api : null;
  const stored = api === null ? new Map<string, bigint>() : await storedUnder(context, name, null, signal);
  if (api === null || stored.size === 0) throw await queues.missing(name, target, signal);
  const readers = await streamReaders(api, vhost, signal);
  const found: GroupBacklog[] = [];
  for (const stream of stored.keys()) {
    const facts = await queueFacts(api, vhost, stream, signal);
    if (facts !== null)
      found.push(...(await streamBacklogs(context, queueBacklog(facts, null), [name], readers, signal)));
  }
  return found;
}

/** What AMQP alone tells of a queue. `missing`: why the management API cannot be asked; null: it does not know the queue yet. */
function unlistedBacklog(
  name: string,
  type: string,
  now: QueueState | null,
  { missing, heldHere }: Pick<PartitionBacklog, 'heldHere'> & { readonly missing: string | null },
): GroupBacklog {
  const stream = type === 'stream';
  return {
    ...base(name, type),
    members: now?.consumers ?? null,
    partitions: [
      { ...nothingKnown, waiting: stream ? null : (now?.ready ?? null), ...(!stream && { heldHere }) },
    ],
    approximate: false,
    boundedBySize: false,
    notYetCounted: missing === null && !stream,
    unreachable: [],
    unknown: [
      ...(stream ? [streamsKeep] : []),
      `in flight, rates, oldest: ${missing ?? 'the management API does not know this queue yet'}`,
    ],
  };
}

/** The statistics are seconds old: of a list that is not too long, each queue says itself what is ready now. */
async function readAll(
  api: ManagementApi,
  context: PositionsContext,
  signal: AbortSignal,
): Promise<readonly GroupBacklog[]> {
  const { queues, vhost } = context;
  const all: QueueFacts[] = [];
  for await (const page of queuePages(api, vhost, signal)) all.push(...page);
  const streams = all.filter(({ type }) => type === 'stream');
  const known = new Set(streams.slice(0, mostStreams));
  const readers = streams.length === 0 ? null : await streamReaders(api, vhost, signal);
  const read = async (queue: QueueFacts): Promise<readonly GroupBacklog[]> => {
    if (known.has(queue)) return streamBacklogs(context, queueBacklog(queue, null), null, readers, signal);
    if (all.length > mostAsked) return [{ ...queueBacklog(queue, null), ...countedEarlier(queue) }];
    return [queueBacklog(queue, await stateNow(queues, queue, signal))];
  };
  const found: GroupBacklog[] = [];
  for (let index = 0; index < all.length; index += concurrent)
    found.push(...(await Promise.all(all.slice(index, index + concurrent).map(read))).flat());
  return found;
}

function countedEarlier(queue: QueueFacts): Pick<GroupBacklog, 'unknown'> {
  return {
    unknown: [
      ...queueBacklog(queue, null).unknown,
      `what came in the last seconds: of more than ${String(mostAsked)} queues, the broker's statistics are read; name the queue`,
    ],
  };
}

/** null: the statistics have to do. One queue that does not answer takes nothing from the others. */
async function stateNow(
  queues: AmqpQueues,
  { name, type, exclusive, state }: QueueFacts,
  signal: AbortSignal,
): Promise<QueueState | null> {
  // A queue without a majority of its members, or whose node is down, may answer with 0.
  if (type === 'stream' || exclusive || (state !== null && state !== 'running')) return null;
  try {
    return await queues.check(name, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof MqctlError)) throw error;
    return null;
  }
}

async function readNamed(
  api: ManagementApi,
  vhost: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, QueueFacts>> {
  const wanted = new Set(names);
  const found = new Map<string, QueueFacts>();
  for await (const page of queuePages(api, vhost, signal))
    for (const queue of page) if (wanted.has(queue.name)) found.set(queue.name, queue);
  return found;
}

const streamsKeep = 'waiting: a stream keeps its messages, and each reader its own offset';

const nothingKnown: PartitionBacklog = {
  partition: null,
  committed: null,
  start: null,
  end: null,
  waiting: null,
  inFlight: null,
  oldest: null,
  owner: null,
  rateIn: null,
  rateOut: null,
  lost: null,
  retentionMs: null,
};

/** `now`: what the queue itself said just now, null where it was not asked. */
export function queueBacklog(queue: QueueFacts, now: QueueState | null): GroupBacklog {
  const unknown: string[] = [];
  const stream = queue.type === 'stream';
  const waiting = stream ? null : (now?.ready ?? queue.ready);
  if (stream) unknown.push(streamsKeep);
  else if (waiting === null) unknown.push('waiting, in flight: the broker has no statistics yet');
  if (!stream && waiting !== 0 && queue.headTimestamp === null)
    unknown.push(
      queue.type === 'classic'
        ? 'oldest: the first message carries no timestamp'
        : `oldest: RabbitMQ does not tell it of a ${queue.type} queue`,
    );
  if (queue.rateIn === null) unknown.push('rates: the broker has counted nothing yet');
  return {
    ...base(queue.name, queue.type),
    state: queue.state,
    members: now?.consumers ?? queue.consumers,
    partitions: [
      {
        ...nothingKnown,
        waiting,
        inFlight: stream ? null : queue.unacknowledged,
        oldest:
          queue.headTimestamp === null || waiting === 0 ? null : { at: queue.headTimestamp, clock: 'create' },
        owner: queue.leader,
        rateIn: queue.rateIn,
        rateOut: queue.rateOut,
        arrived: queue.arrived,
        retentionMs: retention(queue),
      },
    ],
    // Without having asked the queue itself, the count is seconds old.
    approximate: now === null || now.ready === null,
    boundedBySize:
      stream &&
      (queue.arguments['x-max-length-bytes'] ?? queue.effectivePolicy['max-length-bytes']) !== undefined,
    notYetCounted: !stream && queue.unacknowledged === null,
    unknown,
    unreachable: [],
  };
}

function base(channel: string, kind: string): Pick<GroupBacklog, 'group' | 'channel' | 'kind' | 'state'> {
  return { group: null, channel, kind, state: null };
}

/** A message's time to live in the queue: the smaller of argument and policy; of a stream its maximal age. */
function retention(queue: QueueFacts): number | null {
  if (queue.type === 'stream')
    return ageMs(textOf(queue.arguments['x-max-age'])) ?? ageMs(textOf(queue.effectivePolicy['max-age']));
  const limits = [queue.arguments['x-message-ttl'], queue.effectivePolicy['message-ttl']]
    .map(numberOf)
    .filter((limit) => limit !== null);
  return limits.length === 0 ? null : Math.min(...limits);
}

const units: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  D: 86_400_000,
  M: 30 * 86_400_000,
  Y: 365 * 86_400_000,
};

/** `7D`, `12h`: RabbitMQ, "Streams", retention. */
function ageMs(text: string | null): number | null {
  const [, number, unit] = /^(\d+)([YMDhms])$/.exec(text ?? '') ?? [];
  if (number === undefined || unit === undefined) return null;
  return Number(number) * (units[unit] ?? 0);
}
