/** Where a position lies in a stream, as the offset that is read next. */
import { NotFoundError, UsageError } from '../../errors.ts';
import type { Position, Positions } from '../../message/position.ts';
import type { StreamEdges, Streams } from './streams.ts';

/** A stream that holds nothing yet begins here. */
export const emptyStream: StreamEdges = { first: 0n, end: 0n };

/** Throws `NotFoundError` for a partition: a stream has none. */
export function onlyPosition(to: Positions, stream: string): Position {
  if ('every' in to) return to.every;
  throw new NotFoundError('partition', [...to.byPartition.keys()][0] ?? '', `stream "${stream}"`, {
    hint: 'a stream has no partitions: write one position',
  });
}

/**
 * Not brought into range. null: nothing is stored under the name that it refers to. `current`: where the name itself stands.
 * Throws `UsageError` for a kind that a stream has not got.
 */
export async function offsetAt(
  streams: Streams,
  stream: string,
  position: Position,
  edges: StreamEdges,
  current: bigint | null,
  signal: AbortSignal,
): Promise<bigint | null> {
  switch (position.kind) {
    case 'start':
      return edges.first + position.shift;
    case 'end':
      return edges.end + position.shift;
    case 'offset':
      return offsetIn(position.offset);
    case 'after':
      return offsetIn(position.offset) + 1n;
    case 'time':
      return atTime(streams, stream, position.time, edges, signal);
    case 'current':
      return current === null ? null : current + position.shift;
    case 'group': {
      const other = await streams.stored(position.group, stream, signal);
      return other === null ? null : other + position.shift;
    }
    case 'id':
      throw new UsageError('a message of a stream has no id', {
        hint: 'write start, end-100, an offset such as 42, or a time such as @-1h',
      });
  }
}

/** The first message of the first chunk that the broker appended then or later; the end where there is none. */
async function atTime(
  streams: Streams,
  stream: string,
  time: number,
  edges: StreamEdges,
  signal: AbortSignal,
): Promise<bigint> {
  const chunk = await streams.chunk(stream, { kind: 'time', time }, signal);
  if (chunk === null) return edges.end;
  return chunk.firstOffset < edges.first ? edges.first : chunk.firstOffset;
}

function offsetIn(text: string): bigint {
  if (!/^\d{1,19}$/.test(text))
    throw new UsageError(`"${text}" is no offset of a stream`, { hint: 'offsets are whole numbers' });
  return BigInt(text);
}
