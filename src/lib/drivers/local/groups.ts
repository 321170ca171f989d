import { globMatches } from '../../message/glob.ts';
import type {
  CommittedPosition,
  GroupDescription,
  GroupMember,
  GroupPositions,
  Groups,
  GroupSummary,
} from '../driver.ts';
import { allChannels, partitionsOf } from './channels.ts';
import type { LocalFile, Sql } from './database.ts';
import { groupNamed } from './group-rows.ts';
import { bigintOf, numberOf, textOf } from './rows.ts';
import { liveMembers, type SessionRow } from './sessions.ts';

/** Groups share messages: every member takes from every partition, and each message is acknowledged by itself. */
const kind = 'share';

export class LocalGroups implements Groups {
  readonly #file: LocalFile;

  constructor(file: LocalFile) {
    this.#file = file;
  }

  async list(
    request: { readonly match: string | null },
    signal: AbortSignal,
  ): Promise<readonly GroupSummary[]> {
    return this.#file.read(signal, (sql) =>
      sql
        .all('SELECT id, name FROM consumer_group ORDER BY name')
        .filter((row) => globMatches(request.match, textOf(row, 'name')))
        .map((row) => summaryOf(textOf(row, 'name'), liveMembers(sql, bigintOf(row, 'id'), null))),
    );
  }

  async describe(name: string, signal: AbortSignal): Promise<GroupDescription> {
    this.#file.requireFor('group', name);
    return this.#file.read(signal, (sql) => {
      const group = groupNamed(sql, name, this.#file.path);
      const members = liveMembers(sql, group, null);
      return {
        ...summaryOf(name, members),
        coordinator: null,
        channels: channelsOf(sql, group),
        memberList: members.map((member) => memberOf(sql, group, member)),
        unknown: [],
      };
    });
  }
}

function summaryOf(group: string, members: readonly SessionRow[]): GroupSummary {
  return { group, kind, state: members.length > 0 ? 'active' : 'empty', members: members.length };
}

function channelsOf(sql: Sql, group: bigint): readonly string[] {
  return sql
    .all(
      `SELECT DISTINCT c.name AS name FROM group_position p JOIN channel c ON c.id = p.channel
       WHERE p.group_id = ? AND c.deleted = 0 ORDER BY c.name`,
      group,
    )
    .map((row) => textOf(row, 'name'));
}

function memberOf(sql: Sql, group: bigint, member: SessionRow): GroupMember {
  const channel =
    member.channel === null
      ? undefined
      : sql.get('SELECT name FROM channel WHERE id = ? AND deleted = 0', member.channel);
  const held = sql.get(
    'SELECT count(*) AS count FROM delivery WHERE group_id = ? AND channel = ? AND acked = 0 AND lease_until > ? AND owner = ?',
    group,
    member.channel,
    Date.now(),
    member.id,
  );
  return {
    id: member.id,
    client: `mqctl, process ${member.pid}`,
    host: member.host,
    partitions: channel === undefined ? [] : [{ channel: textOf(channel, 'name'), partition: null }],
    inFlight: held === undefined ? null : numberOf(held, 'count'),
    prefetch: null,
  };
}

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
        const committed = new Map(
          sql
            .all(
              'SELECT partition, committed FROM group_position WHERE group_id = ? AND channel = ?',
              group,
              channel.id,
            )
            .map((row) => [bigintOf(row, 'partition'), bigintOf(row, 'committed')]),
        );
        if (committed.size === 0) return [];
        return partitionsOf(sql, channel).map(({ partition, start, end }) => ({
          channel: channel.name,
          partition: String(partition),
          committed: committed.get(partition)?.toString() ?? null,
          start: String(start),
          end: String(end),
          metadata: null,
        }));
      });
    });
  }
}
