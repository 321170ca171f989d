import { NotFoundError, UsageError } from '../../errors.ts';
import type {
  CommittedPosition,
  GroupPositions,
  PlannedPosition,
  PositionChange,
  PositionOutcome,
  PositionPlan,
  PositionTarget,
} from '../driver.ts';
import { allChannels, channelNamed, partitionsOf } from './channels.ts';
import type { Channel, Partition } from './channels.ts';
import type { LocalFile, Sql } from './database.ts';
import { groupNamed } from './group-rows.ts';
import { groupKind, memberOf, refuseMembers } from './groups.ts';
import { placeFor, positionFor, requirePartitions } from './position-resolver.ts';
import { bigintOf, numberOf } from './rows.ts';
import { liveMembers } from './sessions.ts';

/**
 * Where groups stand. What was acknowledged out of order behind the committed offset is the position's metadata
 * (`acked:5-7,9`), so that putting a position back brings exactly what it was.
 */
export class LocalPositions implements GroupPositions {
  readonly #file: LocalFile;

  constructor(file: LocalFile) {
    this.#file = file;
  }

  async read(name: string, signal: AbortSignal): Promise<readonly CommittedPosition[]> {
    this.#file.requireFor('group', name);
    return this.#file.read(signal, (sql) => {
      const group = groupNamed(sql, name, this.#file.path);
      return allChannels(sql, null).flatMap((channel) => {
        const committed = committedIn(sql, group, channel);
        if (committed.size === 0) return [];
        return partitionsOf(sql, channel).map(({ partition, start, end }) => ({
          channel: channel.name,
          partition: String(partition),
          committed: committed.get(partition)?.toString() ?? null,
          start: String(start),
          end: String(end),
          metadata: ackedText(sql, group, channel, partition),
        }));
      });
    });
  }

  async plan(
    { group: name, targets }: { readonly group: string; readonly targets: readonly PositionTarget[] },
    signal: AbortSignal,
  ): Promise<PositionPlan> {
    this.#file.requireFor('group', name);
    return this.#file.read(signal, (sql) => {
      const group = groupNamed(sql, name, this.#file.path);
      const members = liveMembers(sql, group, null);
      const without: string[] = [];
      const positions = targets.flatMap((target) => {
        const channel = channelNamed(sql, target.channel, this.#file.path);
        const partitions = partitionsOf(sql, channel);
        if ('byPartition' in target.to) requirePartitions(channel, target.to.byPartition.keys(), partitions);
        const committed = committedIn(sql, group, channel);
        return partitions.flatMap((partition) => {
          const position = positionFor(target.to, partition);
          if (position === null) return [];
          const before = committed.get(partition.partition) ?? null;
          const place = placeFor(sql, channel, partition, position, before, this.#file.path);
          if (place === null) {
            without.push(`${channel.name}:${String(partition.partition)}`);
            return [];
          }
          return [planned(sql, group, channel, partition, before, place)];
        });
      });
      return {
        group: name,
        kind: groupKind,
        positions,
        refusal:
          members.length === 0
            ? null
            : {
                code: 'ACTIVE',
                reason: `the group "${name}" has ${members.length === 1 ? '1 member' : `${String(members.length)} members`}: they would go on from where they are`,
                hint: 'stop its consumers first',
                members: members.map((member) => memberOf(sql, group, member)),
              },
        undo: 'exact',
        notes:
          without.length === 0
            ? []
            : [`nothing is committed there, so these stay as they are: ${without.join(', ')}`],
      };
    });
  }

  /** All or nothing: it is one transaction. */
  async set(
    name: string,
    changes: readonly PositionChange[],
    signal: AbortSignal,
  ): Promise<readonly PositionOutcome[]> {
    this.#file.requireFor('group', name);
    return this.#file.write(signal, (sql) => {
      const group = groupNamed(sql, name, this.#file.path);
      refuseMembers(sql, group, name, 'set');
      for (const [channelName, ofChannel] of Map.groupBy(changes, ({ channel }) => channel)) {
        const channel = channelNamed(sql, channelName, this.#file.path);
        const partitions = new Map(
          partitionsOf(sql, channel).map(({ partition }) => [String(partition), partition]),
        );
        for (const change of ofChannel) {
          const partition = partitions.get(change.partition ?? '');
          if (partition === undefined)
            throw new NotFoundError('partition', change.partition ?? '', `"${channelName}"`);
          setOne(sql, [group, channel.id, partition], change);
        }
      }
      return changes.map(() => ({ status: 'set' as const }));
    });
  }
}

function planned(
  sql: Sql,
  group: bigint,
  channel: Channel,
  partition: Partition,
  before: bigint | null,
  { offset: after, outside }: { readonly offset: bigint; readonly outside: bigint | null },
): PlannedPosition {
  const [first, end] = before === null || before < after ? [before, after] : [after, before];
  const between =
    first === null
      ? undefined
      : sql.get(
          `SELECT count(*) AS count, min(timestamp) AS first_at, max(timestamp) AS last_at FROM message
           WHERE channel = ? AND partition = ? AND offset >= ? AND offset < ?`,
          channel.id,
          partition.partition,
          first,
          end,
        );
  const messages = between === undefined ? null : numberOf(between, 'count');
  const at = (column: string): number | null =>
    between === undefined || messages === 0 ? null : numberOf(between, column);
  return {
    channel: channel.name,
    partition: String(partition.partition),
    before: before?.toString() ?? null,
    metadata: ackedText(sql, group, channel, partition.partition),
    after: String(after),
    asked: outside?.toString() ?? null,
    start: String(partition.start),
    end: String(partition.end),
    effect: before === null ? 'unknown' : before === after ? 'none' : after < before ? 'again' : 'skipped',
    messages,
    firstAt: at('first_at'),
    lastAt: at('last_at'),
  };
}

function committedIn(sql: Sql, group: bigint, channel: Channel): ReadonlyMap<bigint, bigint> {
  return new Map(
    sql
      .all(
        'SELECT partition, committed FROM group_position WHERE group_id = ? AND channel = ?',
        group,
        channel.id,
      )
      .map((row) => [bigintOf(row, 'partition'), bigintOf(row, 'committed')]),
  );
}

/** `acked:5-7,9`; null where nothing is acknowledged out of order. */
function ackedText(sql: Sql, group: bigint, channel: Channel, partition: bigint): string | null {
  const ranges: [bigint, bigint][] = [];
  for (const row of sql.all(
    'SELECT offset FROM delivery WHERE group_id = ? AND channel = ? AND partition = ? AND acked = 1 ORDER BY offset',
    group,
    channel.id,
    partition,
  )) {
    const offset = bigintOf(row, 'offset');
    const last = ranges.at(-1);
    if (last !== undefined && last[1] + 1n === offset) last[1] = offset;
    else ranges.push([offset, offset]);
  }
  if (ranges.length === 0) return null;
  const texts = ranges.map(([first, last]) =>
    first === last ? String(first) : `${String(first)}-${String(last)}`,
  );
  return `acked:${texts.join(',')}`;
}

/** Throws `UsageError` for what `ackedText` did not make. */
function parseAcked(metadata: string | null): readonly (readonly [bigint, bigint])[] {
  if (metadata === null || metadata === '') return [];
  const text = /^acked:(\d{1,18}(?:-\d{1,18})?(?:,\d{1,18}(?:-\d{1,18})?)*)$/.exec(metadata)?.[1];
  if (text === undefined)
    throw new UsageError(`${JSON.stringify(metadata)} is no metadata of a position of local:`);
  return text.split(',').map((range) => {
    const [first = '', last = first] = range.split('-');
    return [BigInt(first), BigInt(last)] as const;
  });
}

function setOne(
  sql: Sql,
  place: readonly [group: bigint, channel: bigint, partition: bigint],
  change: PositionChange,
): void {
  for (const table of ['delivery', 'group_position'])
    sql.run(`DELETE FROM ${table} WHERE group_id = ? AND channel = ? AND partition = ?`, ...place);
  if (change.position === null) return;
  const committed = BigInt(change.position);
  const acked = parseAcked(change.metadata);
  const claimedTo = acked.reduce((most, [, last]) => (last >= most ? last + 1n : most), committed);
  sql.run(
    'INSERT INTO group_position (group_id, channel, partition, committed, claimed_to) VALUES (?, ?, ?, ?, ?)',
    ...place,
    committed,
    claimedTo,
  );
  // Every message between them has a row; those that are not acknowledged are free to be claimed.
  sql.run(
    `INSERT INTO delivery (group_id, channel, partition, offset, attempts, acked, owner, lease_until)
     SELECT ?1, channel, partition, offset, 0, 0, NULL, 0 FROM message
     WHERE channel = ?2 AND partition = ?3 AND offset >= ?4 AND offset < ?5`,
    ...place,
    committed,
    claimedTo,
  );
  for (const [first, last] of acked)
    sql.run(
      'UPDATE delivery SET acked = 1 WHERE group_id = ? AND channel = ? AND partition = ? AND offset BETWEEN ? AND ?',
      ...place,
      first,
      last,
    );
}
