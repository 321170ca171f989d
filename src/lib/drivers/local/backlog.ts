import type { Backlog, GroupBacklog, PartitionBacklog } from '../driver.ts';
import { allChannels, channelNamed, partitionsOf, type Channel, type Partition } from './channels.ts';
import type { LocalFile, Sql } from './database.ts';
import { groupNamed } from './group-rows.ts';
import { bigintOf, numberOf, textOf } from './rows.ts';
import { queueGroup } from './schema.ts';
import { liveMembers, type SessionRow } from './sessions.ts';

interface NamedGroup {
  readonly id: bigint;
  readonly name: string | null;
}

/**
 * A group is behind in every channel that it ever took from. A channel that nobody reads through a group is a queue: it is
 * reported for itself when it was taken from so, or is asked for by name.
 */
export class LocalBacklog implements Backlog {
  readonly #file: LocalFile;

  constructor(file: LocalFile) {
    this.#file = file;
  }

  async read(
    request: { readonly groups: readonly string[] | null; readonly channels: readonly string[] | null },
    signal: AbortSignal,
  ): Promise<readonly GroupBacklog[]> {
    const { groups, channels } = request;
    const firstNamed = groups?.[0] ?? channels?.[0];
    if (firstNamed !== undefined)
      this.#file.requireFor(groups?.[0] === undefined ? 'channel' : 'group', firstNamed);
    return this.#file.read(signal, (sql) => {
      const wanted =
        groups === null ? null : new Set(groups.map((name) => groupNamed(sql, name, this.#file.path)));
      const looked =
        channels === null
          ? allChannels(sql, null)
          : channels.map((name) => channelNamed(sql, name, this.#file.path));
      return looked.flatMap((channel) => {
        const readers = readersOf(sql, channel).filter(({ id }) => wanted === null || wanted.has(id));
        const asQueue = wanted === null && channels !== null && readers.length === 0;
        return [...readers, ...(asQueue ? [{ id: queueGroup, name: null }] : [])].map((group) =>
          backlogOf(sql, channel, group),
        );
      });
    });
  }
}

/** Groups and, where it was ever taken from as a queue, the channel itself. */
function readersOf(sql: Sql, channel: Channel): readonly NamedGroup[] {
  return sql
    .all(
      `SELECT DISTINCT p.group_id AS id, g.name AS name FROM group_position p LEFT JOIN consumer_group g ON g.id = p.group_id
       WHERE p.channel = ? ORDER BY g.name`,
      channel.id,
    )
    .map((row) => {
      const id = bigintOf(row, 'id');
      return { id, name: id === queueGroup ? null : textOf(row, 'name') };
    });
}

function backlogOf(sql: Sql, channel: Channel, group: NamedGroup): GroupBacklog {
  const members = liveMembers(sql, group.id, channel.id);
  return {
    group: group.name,
    channel: channel.name,
    kind: group.name === null ? 'queue' : 'share',
    state: members.length > 0 ? 'active' : 'empty',
    members: members.length,
    partitions: partitionsOf(sql, channel).map((partition) =>
      partitionBacklog(sql, channel, group, partition, members),
    ),
    approximate: false,
    boundedBySize: channel.settings.retentionMessages !== null,
    notYetCounted: false,
    unknown: [],
    unreachable: [],
  };
}

function partitionBacklog(
  sql: Sql,
  channel: Channel,
  group: NamedGroup,
  partition: Partition,
  members: readonly SessionRow[],
): PartitionBacklog {
  const place = [group.id, channel.id, partition.partition] as const;
  const position = sql.get(
    'SELECT committed FROM group_position WHERE group_id = ? AND channel = ? AND partition = ?',
    ...place,
  );
  const committed = position === undefined || group.name === null ? null : bigintOf(position, 'committed');
  const from = committed === null || committed < partition.start ? partition.start : committed;
  const settled = countOf(
    sql,
    `SELECT count(*) AS count FROM delivery d NOT INDEXED
     WHERE group_id = ? AND channel = ? AND partition = ? AND acked = 1 AND offset >= ? AND EXISTS
       (SELECT 1 FROM message m WHERE m.channel = d.channel AND m.partition = d.partition AND m.offset = d.offset)`,
    ...place,
    from,
  );
  const inFlight = countOf(
    sql,
    'SELECT count(*) AS count FROM delivery WHERE group_id = ? AND channel = ? AND partition = ? AND acked = 0 AND lease_until > ? AND offset >= ?',
    ...place,
    Date.now(),
    from,
  );
  const unsettled = messagesFrom(sql, channel, partition, from) - settled;
  return {
    partition: String(partition.partition),
    committed: committed === null ? null : String(committed),
    start: String(partition.start),
    end: String(partition.end),
    waiting: Math.max(0, unsettled - inFlight),
    inFlight,
    oldest: unsettled > 0 ? oldestFrom(sql, place, from) : null,
    owner: ownerOf(sql, place, members),
    rateIn: null,
    rateOut: null,
    lost: committed === null || committed >= partition.start ? 0 : Number(partition.start - committed),
    retentionMs: channel.settings.retentionMs,
  };
}

/** Where no offset is missing, a difference; else a count. */
function messagesFrom(sql: Sql, channel: Channel, partition: Partition, from: bigint): number {
  if (from >= partition.end) return 0;
  if (from <= partition.start) return partition.messages;
  if (BigInt(partition.messages) === partition.end - partition.start) return Number(partition.end - from);
  return countOf(
    sql,
    'SELECT count(*) AS count FROM message WHERE channel = ? AND partition = ? AND offset >= ?',
    channel.id,
    partition.partition,
    from,
  );
}

/** The first message that the group has not acknowledged. */
function oldestFrom(
  sql: Sql,
  [group, channel, partition]: readonly [bigint, bigint, bigint],
  from: bigint,
): PartitionBacklog['oldest'] {
  const row = sql.get(
    `SELECT timestamp, timestamp_type FROM message m
     WHERE channel = ?2 AND partition = ?3 AND offset >= ?4 AND NOT EXISTS
       (SELECT 1 FROM delivery d WHERE d.group_id = ?1 AND d.channel = ?2 AND d.partition = ?3 AND d.offset = m.offset AND d.acked = 1)
     ORDER BY offset LIMIT 1`,
    group,
    channel,
    partition,
    from,
  );
  if (row === undefined) return null;
  return {
    at: numberOf(row, 'timestamp'),
    clock: textOf(row, 'timestamp_type') === 'create' ? 'create' : 'append',
  };
}

/** Members share all partitions: one owns a partition where it is alone, or alone holds messages of it. */
function ownerOf(
  sql: Sql,
  place: readonly [bigint, bigint, bigint],
  members: readonly SessionRow[],
): string | null {
  if (members.length === 1) return members[0]?.id ?? null;
  const holders = sql.all(
    `SELECT DISTINCT owner FROM delivery
     WHERE group_id = ? AND channel = ? AND partition = ? AND acked = 0 AND lease_until > ? LIMIT 2`,
    ...place,
    Date.now(),
  );
  const [only, another] = holders;
  if (only === undefined || another !== undefined) return null;
  const owner = textOf(only, 'owner');
  return members.some(({ id }) => id === owner) ? owner : null;
}

function countOf(sql: Sql, text: string, ...parameters: (bigint | number)[]): number {
  const row = sql.get(text, ...parameters);
  return row === undefined ? 0 : numberOf(row, 'count');
}
