import { NotFoundError, UsageError } from '../../errors.ts';
import type { Position, Positions } from '../../message/position.ts';
import type { Channel, Partition } from './channels.ts';
import type { Sql } from './database.ts';
import { groupNamed } from './group-rows.ts';
import { bigintOf } from './rows.ts';

/**
 * The offset that a position means in a partition, between its start and its end. A shift counts messages that are there,
 * not offsets that are gone. Throws `UsageError` for a position that this system does not know, `NotFoundError` for an unknown group.
 */
export function offsetOf(
  sql: Sql,
  channel: Channel,
  partition: Partition,
  position: Position,
  path: string,
): bigint {
  switch (position.kind) {
    case 'start':
      return shifted(sql, channel, partition, partition.start, position.shift);
    case 'end':
      return shifted(sql, channel, partition, partition.end, position.shift);
    case 'offset':
      return within(partition, parseOffset(position.offset));
    case 'after':
      return within(partition, parseOffset(position.offset) + 1n);
    case 'time':
      return offsetAtTime(sql, channel, partition, position.time);
    case 'group': {
      const committed = committedBy(sql, channel, partition, position.group, path);
      const base = committed === null ? partition.start : within(partition, committed);
      return shifted(sql, channel, partition, base, position.shift);
    }
    case 'id':
      throw new UsageError('messages of local: have no ids', {
        hint: 'name the partition and offset, as in 0:42',
      });
    case 'current':
      throw new UsageError('"current" is where the group that is reset stands: it has no meaning here');
  }
}

export interface Place {
  /** Between the start and the end. */
  readonly offset: bigint;
  /** What was meant, where that lies outside; null where it does not. */
  readonly outside: bigint | null;
}

/**
 * The same for a group that is to be set, which stands at `committed`. null: the group that is named, or this one where its own
 * place is meant, has committed nothing there. Throws as `offsetOf` does.
 */
export function placeFor(
  sql: Sql,
  channel: Channel,
  partition: Partition,
  position: Position,
  committed: bigint | null,
  path: string,
): Place | null {
  const base = baseOf(sql, channel, partition, position, committed, path);
  if (base === null) return null;
  const shift = 'shift' in position ? position.shift : 0n;
  const meant = base + shift;
  const outside = meant < partition.start || meant > partition.end ? meant : null;
  return { offset: shifted(sql, channel, partition, within(partition, base), shift), outside };
}

/** Before it is shifted, to the letter. */
function baseOf(
  sql: Sql,
  channel: Channel,
  partition: Partition,
  position: Position,
  committed: bigint | null,
  path: string,
): bigint | null {
  switch (position.kind) {
    case 'current':
      return committed;
    case 'offset':
      return parseOffset(position.offset);
    case 'after':
      return parseOffset(position.offset) + 1n;
    case 'group':
      return committedBy(sql, channel, partition, position.group, path);
    case 'start':
    case 'end':
      return offsetOf(sql, channel, partition, { ...position, shift: 0n }, path);
    case 'time':
    case 'id':
      return offsetOf(sql, channel, partition, position, path);
  }
}

function committedBy(
  sql: Sql,
  channel: Channel,
  partition: Partition,
  name: string,
  path: string,
): bigint | null {
  const row = sql.get(
    'SELECT committed FROM group_position WHERE group_id = ? AND channel = ? AND partition = ?',
    groupNamed(sql, name, path),
    channel.id,
    partition.partition,
  );
  return row === undefined ? null : bigintOf(row, 'committed');
}

/** null where the partition is not among those that are named. Throws `NotFoundError` for one that is not there. */
export function positionFor(positions: Positions, partition: Partition): Position | null {
  return 'every' in positions
    ? positions.every
    : (positions.byPartition.get(String(partition.partition)) ?? null);
}

/** Throws `NotFoundError` for a partition that the channel has not got. */
export function requirePartitions(
  channel: Channel,
  names: Iterable<string>,
  partitions: readonly Partition[],
): void {
  const known = new Set(partitions.map(({ partition }) => String(partition)));
  for (const name of names)
    if (!known.has(name))
      throw new NotFoundError('partition', name, `"${channel.name}"`, {
        hint: `it has ${partitions.length}: 0 to ${partitions.length - 1}`,
      });
}

function parseOffset(text: string): bigint {
  if (!/^[0-9]{1,30}$/.test(text)) throw new UsageError(`"${text}" is no offset: a whole number is needed`);
  return BigInt(text);
}

function within(partition: Partition, offset: bigint): bigint {
  if (offset < partition.start) return partition.start;
  return offset > partition.end ? partition.end : offset;
}

function shifted(sql: Sql, channel: Channel, partition: Partition, base: bigint, shift: bigint): bigint {
  if (shift === 0n) return base;
  const dense = BigInt(partition.messages) === partition.end - partition.start;
  if (dense) return within(partition, base + shift);
  const distance = shift < 0n ? -shift : shift;
  if (distance >= BigInt(partition.messages)) return shift < 0n ? partition.start : partition.end;
  const [direction, skipped] =
    shift < 0n ? ['< ? ORDER BY offset DESC', distance - 1n] : ['>= ? ORDER BY offset', distance];
  const row = sql.get(
    `SELECT offset FROM message WHERE channel = ? AND partition = ? AND offset ${direction} LIMIT 1 OFFSET ?`,
    channel.id,
    partition.partition,
    base,
    skipped,
  );
  if (row !== undefined) return bigintOf(row, 'offset');
  return shift < 0n ? partition.start : partition.end;
}

/** The first message that is not older; the end where all are. Times need not rise with offsets, so it looks from the front. */
function offsetAtTime(sql: Sql, channel: Channel, partition: Partition, time: number): bigint {
  const row = sql.get(
    'SELECT offset FROM message WHERE channel = ? AND partition = ? AND timestamp >= ? ORDER BY offset LIMIT 1',
    channel.id,
    partition.partition,
    Math.ceil(time),
  );
  return row === undefined ? partition.end : bigintOf(row, 'offset');
}
