import { globMatches } from '../../message/glob.ts';
import { FailedError } from '../../errors.ts';
import type { GroupDescription, GroupMember, Groups, GroupSummary } from '../driver.ts';
import type { LocalFile, Sql } from './database.ts';
import { groupNamed } from './group-rows.ts';
import { bigintOf, numberOf, textOf } from './rows.ts';
import { liveMembers, type SessionRow } from './sessions.ts';
import { shellLine } from '../../shell-line.ts';

/** Groups share messages: every member takes from every partition, and each message is acknowledged by itself. */
export const groupKind = 'share';

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

  async delete(name: string, signal: AbortSignal): Promise<void> {
    this.#file.requireFor('group', name);
    await this.#file.write(signal, (sql) => {
      const group = groupNamed(sql, name, this.#file.path);
      refuseMembers(sql, group, name, 'deleted');
      for (const table of ['delivery', 'group_position'])
        sql.run(`DELETE FROM ${table} WHERE group_id = ?`, group);
      sql.run('DELETE FROM consumer_group WHERE id = ?', group);
    });
  }
}

/** Throws `FailedError` with code `ACTIVE` where somebody takes messages for the group just now. */
export function refuseMembers(sql: Sql, group: bigint, name: string, done: string): void {
  if (liveMembers(sql, group, null).length === 0) return;
  throw new FailedError(`the group "${name}" has members, so it cannot be ${done}`, {
    code: 'ACTIVE',
    hint: shellLine`stop its consumers first: mqctl groups describe ${name}`,
  });
}

function summaryOf(group: string, members: readonly SessionRow[]): GroupSummary {
  return { group, kind: groupKind, state: members.length > 0 ? 'active' : 'empty', members: members.length };
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

/** `inFlight` counts what it holds under a lease that has not run out. */
export function memberOf(sql: Sql, group: bigint, member: SessionRow): GroupMember {
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
