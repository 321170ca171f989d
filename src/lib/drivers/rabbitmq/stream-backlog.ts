/** How far consumers of a stream are behind, by the offsets that they store under their names. */
import { MqctlError } from '../../errors.ts';
import type { GroupBacklog, PartitionBacklog } from '../driver.ts';
import type { Management } from './management.ts';
import { readersUntold, storedReferences } from './stream-readers.ts';
import type { StreamReader } from './stream-readers.ts';
import { emptyStream } from './stream-places.ts';
import type { StreamEdges, Streams } from './streams.ts';

export interface StreamBacklogContext {
  readonly streams: Streams;
  readonly management: Management;
  readonly vhost: string;
}

/**
 * One for each name that stores its offset in this stream: those that are given, or all that can be found. Without any, the stream
 * alone. `own` is what is known of the stream itself, `readers` who reads in the virtual host.
 */
export async function streamBacklogs(
  { streams, management, vhost }: StreamBacklogContext,
  own: GroupBacklog,
  references: readonly string[] | null,
  readers: readonly StreamReader[] | null,
  signal: AbortSignal,
): Promise<readonly GroupBacklog[]> {
  const stream = own.channel;
  const [partition] = own.partitions;
  if (partition === undefined) return [own];
  const { api } = await management.reach(signal);
  const names =
    references ?? (api === null ? null : await knownReferences(api, vhost, stream, readers, signal));
  try {
    const edges = (await streams.edges(stream, signal)) ?? emptyStream;
    const withEdges = { ...partition, start: String(edges.first), end: String(edges.end) };
    const found: GroupBacklog[] = [];
    for (const name of names ?? []) {
      const next = await streams.stored(name, stream, signal);
      if (next === null) continue;
      found.push({
        ...own,
        group: name,
        members: readersNamed(readers, name, stream),
        partitions: [await waitingFor(streams, stream, withEdges, next, edges, signal)],
        // Stored offsets take offsets of the stream, too.
        approximate: true,
        unknown: readers === null ? [`members: ${readersUntold}`] : [],
      });
    }
    if (found.length > 0) return found;
    const why =
      names === null
        ? `whose offsets are stored there: ${readersUntold}; name one: mqctl lag NAME --channel ${stream}`
        : null;
    return [{ ...own, partitions: [withEdges], unknown: [...own.unknown, ...(why === null ? [] : [why])] }];
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof MqctlError)) throw error;
    return [{ ...own, unknown: [...own.unknown, `stored offsets: ${error.message}`] }];
  }
}

async function knownReferences(
  api: Parameters<typeof storedReferences>[0],
  vhost: string,
  stream: string,
  readers: readonly StreamReader[] | null,
  signal: AbortSignal,
): Promise<readonly string[] | null> {
  const stored = await storedReferences(api, vhost, stream, signal);
  if (stored === null && readers === null) return null;
  const reading = (readers ?? []).flatMap((reader) =>
    reader.stream === stream && reader.reference !== null ? [reader.reference] : [],
  );
  return [...new Set([...(stored ?? []), ...reading])].sort();
}

function readersNamed(readers: readonly StreamReader[] | null, name: string, stream: string): number | null {
  return readers?.filter((reader) => reader.reference === name && reader.stream === stream).length ?? null;
}

async function waitingFor(
  streams: Streams,
  stream: string,
  partition: PartitionBacklog,
  next: bigint,
  { first, end }: StreamEdges,
  signal: AbortSignal,
): Promise<PartitionBacklog> {
  const from = next < first ? first : next;
  const lost = next < first ? Number(first - next) : 0;
  const standing = { ...partition, committed: String(next), inFlight: null, lost };
  if (from >= end) return { ...standing, waiting: 0, oldest: null };
  const chunk = await streams.chunk(stream, { kind: 'offset', offset: from }, signal);
  if (chunk === null) return { ...standing, waiting: 0, oldest: null };
  const oldest = chunk.firstOffset > from ? chunk.firstOffset : from;
  return {
    ...standing,
    waiting: Number(end - oldest),
    oldest: { at: chunk.timestamp, clock: 'append' },
  };
}
