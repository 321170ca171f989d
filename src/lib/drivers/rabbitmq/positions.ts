/**
 * Where consumers of streams stand: the offsets that they have stored under their name, which is the group here. Nothing here ever
 * reads for one of them.
 */
import { FailedError, MqctlError, NotFoundError, UnsupportedError, errorText } from '../../errors.ts';
import type {
  CommittedPosition,
  GroupPositions,
  PlannedPosition,
  PositionChange,
  PositionOutcome,
  PositionPlan,
  PositionTarget,
} from '../driver.ts';
import type { AmqpQueues } from './amqp-queues.ts';
import { noStreamOffsets } from './declaration.ts';
import type { Management, ManagementApi } from './management.ts';
import { queueFacts, queuePages } from './queue-facts.ts';
import type { QueueType } from './queue-type.ts';
import { emptyStream, offsetAt, onlyPosition } from './stream-places.ts';
import { streamReaders } from './stream-readers.ts';
import type { StreamEdges, Streams } from './streams.ts';

/** So many streams are asked at once. */
const concurrent = 8;

export interface PositionsContext {
  readonly streams: Streams;
  readonly queues: AmqpQueues;
  readonly management: Management;
  readonly typeOf: (queue: string, signal: AbortSignal) => Promise<QueueType>;
  readonly vhost: string;
  /** For errors. */
  readonly target: string;
}

/** Of those that are named, or of all in the virtual host, the streams in which something is stored under that name. */
export async function storedUnder(
  { streams, management, vhost }: PositionsContext,
  reference: string,
  channels: readonly string[] | null,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, bigint>> {
  const names = channels ?? (await streamNames(management, vhost, signal));
  const found = new Map<string, bigint>();
  for (let index = 0; index < names.length; index += concurrent) {
    const some = names.slice(index, index + concurrent);
    const offsets = await Promise.all(some.map((name) => streams.stored(reference, name, signal)));
    for (const [at, name] of some.entries()) {
      const next = offsets[at];
      if (next !== undefined && next !== null) found.set(name, next);
    }
  }
  return found;
}

/**
 * Throws `NotFoundError` for a name under which nothing is stored, `UnsupportedError` for a queue that is no stream; setting
 * throws `FailedError` with code `ACTIVE` where a consumer of that name is, or may be, at work.
 */
export function positions(context: PositionsContext): GroupPositions {
  const { streams, typeOf, target } = context;

  const edgesOf = async (stream: string, signal: AbortSignal): Promise<StreamEdges> =>
    (await streams.edges(stream, signal)) ?? emptyStream;

  const planned = async (
    group: string,
    { channel, to }: PositionTarget,
    notes: string[],
    signal: AbortSignal,
  ): Promise<PlannedPosition | null> => {
    if ((await typeOf(channel, signal)) !== 'stream') throw notAStream(channel);
    const before = await streams.stored(group, channel, signal);
    if (before === null)
      throw new NotFoundError('group', group, `stream "${channel}", ${target}`, {
        hint: 'nothing is stored there under that name: a consumer that begins chooses its own place',
      });
    const edges = await edgesOf(channel, signal);
    const wanted = await offsetAt(streams, channel, onlyPosition(to, channel), edges, before, signal);
    if (wanted === null) {
      notes.push(`${channel} is left out: the group that is named there has stored nothing in it`);
      return null;
    }
    const after = within(wanted, edges);
    if (after === 0n)
      notes.push(
        `${channel}: "nothing processed" is stored as 2^64 - 1, behind which the clients of Java, .NET and Go begin with offset 0; a client that does not count beyond it fails to start`,
      );
    const [from, until] = after < before ? [after, before] : [before, after];
    return {
      channel,
      partition: null,
      before: String(before),
      metadata: null,
      after: String(after),
      asked: after === wanted ? null : String(wanted),
      start: String(edges.first),
      end: String(edges.end),
      effect: after === before ? 'none' : after < before ? 'again' : 'skipped',
      ...(await between(streams, channel, within(from, edges), within(until, edges), signal)),
    };
  };

  return {
    async read(group, signal, channels) {
      const stored = await storedUnder(context, group, channels ?? null, signal);
      if (stored.size === 0) throw await noSuchReference(context, group, signal);
      const read = async ([channel, next]: readonly [string, bigint]): Promise<CommittedPosition> => {
        const { first, end } = await edgesOf(channel, signal);
        return {
          channel,
          partition: null,
          committed: String(next),
          start: String(first),
          end: String(end),
          metadata: null,
        };
      };
      return Promise.all([...stored].map(read));
    },

    async plan({ group, targets }, signal): Promise<PositionPlan> {
      const notes: string[] = [];
      const found: PlannedPosition[] = [];
      for (const each of targets) {
        const one = await planned(group, each, notes, signal);
        if (one !== null) found.push(one);
      }
      if (targets.length === 0 && (await storedUnder(context, group, null, signal)).size === 0)
        throw await noSuchReference(context, group, signal);
      const channels = targets.map(({ channel }) => channel);
      const { refusal, unknown } = await readersOf(context, group, channels, signal);
      if (unknown !== null) notes.push(unknown);
      return { group, kind: 'stream', positions: found, refusal, undo: 'exact', notes };
    },

    async set(group, changes, signal) {
      const channels = changes.map(({ channel }) => channel);
      const { refusal } = await readersOf(context, group, channels, signal);
      if (refusal !== null)
        throw new FailedError(`${refusal.reason}: nothing was set`, { code: 'ACTIVE', hint: refusal.hint });
      const outcomes: PositionOutcome[] = [];
      for (const change of changes) outcomes.push(await store(streams, group, change, signal));
      return outcomes;
    },
  };
}

async function store(
  streams: Streams,
  group: string,
  { channel, position }: PositionChange,
  signal: AbortSignal,
): Promise<PositionOutcome> {
  if (position === null)
    return {
      status: 'refused',
      reason: 'RabbitMQ does not forget a stored offset before the stream has passed it',
    };
  try {
    if (await streams.store(group, channel, BigInt(position), signal)) return { status: 'set' };
    return {
      status: 'unknown',
      reason:
        'RabbitMQ does not answer to this, and the offset is not there: may this login write to the stream?',
    };
  } catch (error) {
    if (!(error instanceof MqctlError) && !signal.aborted) throw error;
    return { status: 'unknown', reason: errorText(error) };
  }
}

/**
 * Who reads by that name now. Where it is not told by name, a reader of the stream may be the one: then it is refused, unless the
 * stream has none at all.
 */
async function readersOf(
  { management, vhost }: PositionsContext,
  group: string,
  channels: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly refusal: PositionPlan['refusal']; readonly unknown: string | null }> {
  const { api } = await management.reach(signal);
  const readers = api === null ? null : await streamReaders(api, vhost, signal);
  if (api === null || readers === null) {
    const unknown = `whether a consumer reads as "${group}" now is told by the management API of the plugin rabbitmq_stream_management alone, and that is not there: one that does stores its own offset again`;
    const count = api === null ? 0 : await countReaders(api, vhost, channels, signal);
    if (count === 0) return { refusal: null, unknown };
    return {
      refusal: {
        code: 'ACTIVE',
        reason: `there is ${countedConsumers(count)} at work, and ${unknown}`,
        hint: 'enable that plugin, or stop them',
        members: [],
      },
      unknown: null,
    };
  }
  const own = readers.filter(
    ({ reference, stream }) => reference === group && (channels.length === 0 || channels.includes(stream)),
  );
  if (own.length === 0) return { refusal: null, unknown: null };
  return {
    refusal: {
      code: 'ACTIVE',
      reason: `"${group}" has ${countedConsumers(own.length)} at work, storing where it is`,
      hint: 'stop them, and try again',
      members: own.map(({ member }) => member),
    },
    unknown: null,
  };
}

async function countReaders(
  api: ManagementApi,
  vhost: string,
  channels: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  let count = 0;
  for (const channel of channels) count += (await queueFacts(api, vhost, channel, signal))?.consumers ?? 0;
  return count;
}

function countedConsumers(count: number): string {
  return count === 1 ? 'a consumer' : `${String(count)} consumers`;
}

/** How many messages lie there at most, and the times of the first and the last of them. */
async function between(
  streams: Streams,
  stream: string,
  from: bigint,
  until: bigint,
  signal: AbortSignal,
): Promise<Pick<PlannedPosition, 'messages' | 'firstAt' | 'lastAt'>> {
  if (from >= until) return { messages: 0, firstAt: null, lastAt: null };
  const at = (offset: bigint) => streams.chunk(stream, { kind: 'offset', offset }, signal);
  const [oldest, newest] = await Promise.all([at(from), at(until - 1n)]);
  return {
    messages: Number(until - from),
    firstAt: oldest?.timestamp ?? null,
    lastAt: newest?.timestamp ?? null,
  };
}

function within(offset: bigint, { first, end }: StreamEdges): bigint {
  if (offset < first) return first;
  return offset > end ? end : offset;
}

async function streamNames(
  management: Management,
  vhost: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const api = await management.require(
    'finding the streams of a consumer',
    signal,
    ', or name the stream: --channel STREAM',
  );
  const names: string[] = [];
  for await (const page of queuePages(api, vhost, signal))
    for (const { name, type } of page) if (type === 'stream') names.push(name);
  return names;
}

async function noSuchReference(
  { queues, target }: PositionsContext,
  group: string,
  signal: AbortSignal,
): Promise<NotFoundError | UnsupportedError> {
  if ((await queues.check(group, signal)) !== null) return notAStream(group);
  return new NotFoundError('group', group, target, {
    hint: 'a group is the name under which consumers of a stream store their offset',
  });
}

function notAStream(channel: string): UnsupportedError {
  return new UnsupportedError(`"${channel}" is no consumer of a stream: ${noStreamOffsets}`, {
    hint: 'its backlog is told by mqctl lag',
  });
}
