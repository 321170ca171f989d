import { NotFoundError, UsageError } from '../../errors.ts';
import type { Position, Positions } from '../../message/position.ts';
import { firstId, idAt, nextId, parseId } from './entry-id.ts';
import type { EntryId } from './entry-id.ts';
import type { Link } from './link.ts';
import { idAfter, idBefore } from './pages.ts';
import { readGroup } from './streams.ts';
import type { StreamFacts } from './streams.ts';

/** The one position. Throws `NotFoundError` for one of a partition: a stream has none. */
export function onlyPosition(positions: Positions, stream: string): Position {
  if ('every' in positions) return positions.every;
  const [partition = ''] = positions.byPartition.keys();
  throw noPartition(partition, stream);
}

/** The error for a partition that was named. */
export function noPartition(partition: string, stream: string): NotFoundError {
  return new NotFoundError('partition', partition, `"${stream}"`, { hint: 'a stream has no partitions' });
}

/**
 * The least id from which a position begins. A shift counts entries that are there. Throws `UsageError` for a position that
 * means nothing here, `NotFoundError` for an unknown group.
 */
export async function idFor(
  link: Link,
  facts: StreamFacts,
  position: Position,
  signal: AbortSignal,
): Promise<EntryId> {
  switch (position.kind) {
    case 'start':
      return shifted(link, facts, facts.first ?? firstId, position.shift, signal);
    case 'end':
      return shifted(link, facts, facts.end, position.shift, signal);
    case 'offset':
      return requireId(position.offset);
    case 'after':
      return nextId(requireId(position.offset));
    case 'id':
      return requireId(position.id);
    case 'time':
      return idAt(position.time);
    case 'group': {
      const { lastDelivered } = await readGroup(link, facts.stream, position.group, signal);
      return shifted(link, facts, nextId(lastDelivered), position.shift, signal);
    }
    case 'current':
      throw new UsageError('"current" has no meaning for a stream', {
        hint: 'name the group: group:NAME, group:NAME:-100',
      });
  }
}

function requireId(text: string): EntryId {
  const id = parseId(text);
  if (id === null)
    throw new UsageError(`"${text}" is no id of an entry`, {
      hint: 'write id:1526919030474-0; milliseconds alone are the first of that time',
    });
  return id;
}

async function shifted(
  link: Link,
  { stream, end, first }: StreamFacts,
  base: EntryId,
  shift: bigint,
  signal: AbortSignal,
): Promise<EntryId> {
  if (shift === 0n) return base;
  if (shift > 0n) return (await idAfter(link, stream, base, shift, signal)) ?? end;
  return (await idBefore(link, stream, base, -shift, signal)) ?? first ?? firstId;
}
