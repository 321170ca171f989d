import { NotFoundError } from '../../errors.ts';
import { globMatches } from '../../message/glob.ts';
import type { Sql } from './database.ts';
import { bigintOf, numberOf, textOf, type Row } from './rows.ts';
import { settingsOf, type Settings } from './settings.ts';

export interface Channel {
  readonly id: bigint;
  readonly name: string;
  readonly partitions: number;
  /** Where the next message without a key goes. */
  readonly nextPartition: number;
  readonly stored: ReadonlyMap<string, string>;
  readonly settings: Settings;
}

export interface Partition {
  readonly partition: bigint;
  /** The first offset that is there; the end where it is empty. */
  readonly start: bigint;
  /** The offset that comes next. */
  readonly end: bigint;
  readonly messages: number;
}

/** null: there is none of that name, or it was deleted. */
export function findChannel(sql: Sql, name: string): Channel | null {
  const row = sql.get(
    'SELECT id, name, partitions, next_partition FROM channel WHERE name = ? AND deleted = 0',
    name,
  );
  return row === undefined ? null : channelOf(sql, row);
}

/** Throws `NotFoundError`. */
export function channelNamed(sql: Sql, name: string, path: string): Channel {
  const found = findChannel(sql, name);
  if (found === null) throw new NotFoundError('channel', name, `local:${path}`);
  return found;
}

/** `match` is a glob of `message/glob.ts`; null for all. In order of names. */
export function allChannels(sql: Sql, match: string | null): readonly Channel[] {
  return sql
    .all('SELECT id, name, partitions, next_partition FROM channel WHERE deleted = 0 ORDER BY name')
    .filter((row) => globMatches(match, textOf(row, 'name')))
    .map((row) => channelOf(sql, row));
}

function channelOf(sql: Sql, row: Row): Channel {
  const id = bigintOf(row, 'id');
  const stored = new Map(
    sql
      .all('SELECT name, value FROM setting WHERE channel = ? ORDER BY name', id)
      .map((setting) => [textOf(setting, 'name'), textOf(setting, 'value')]),
  );
  return {
    id,
    name: textOf(row, 'name'),
    partitions: numberOf(row, 'partitions'),
    nextPartition: numberOf(row, 'next_partition'),
    stored,
    settings: settingsOf(stored),
  };
}

/** In order of their numbers. */
export function partitionsOf(sql: Sql, channel: Channel): readonly Partition[] {
  return sql
    .all(
      `SELECT partition, next_offset, messages, coalesce(
         (SELECT min(m.offset) FROM message m WHERE m.channel = p.channel AND m.partition = p.partition), next_offset) AS start
       FROM partition p WHERE channel = ? ORDER BY partition`,
      channel.id,
    )
    .map((row) => ({
      partition: bigintOf(row, 'partition'),
      start: bigintOf(row, 'start'),
      end: bigintOf(row, 'next_offset'),
      messages: numberOf(row, 'messages'),
    }));
}

/** How many messages a channel holds, and their bytes. */
export function sizeOf(sql: Sql, channel: bigint): { readonly messages: number; readonly bytes: number } {
  const row = sql.get(
    'SELECT coalesce(sum(messages), 0) AS messages, coalesce(sum(bytes), 0) AS bytes FROM partition WHERE channel = ?',
    channel,
  );
  return row === undefined
    ? { messages: 0, bytes: 0 }
    : { messages: numberOf(row, 'messages'), bytes: numberOf(row, 'bytes') };
}

/** Channels whose dead letters go to this one. */
export function deadLetterSources(sql: Sql, name: string): readonly string[] {
  return sql
    .all(
      `SELECT c.name AS name FROM setting s JOIN channel c ON c.id = s.channel
       WHERE s.name = 'dead-letter' AND s.value = ? AND c.deleted = 0 ORDER BY c.name`,
      name,
    )
    .map((row) => textOf(row, 'name'));
}

/** Groups that have a position in this channel. */
export function groupsOf(sql: Sql, channel: bigint): readonly string[] {
  return sql
    .all(
      `SELECT DISTINCT g.name AS name FROM group_position p JOIN consumer_group g ON g.id = p.group_id
       WHERE p.channel = ? ORDER BY g.name`,
      channel,
    )
    .map((row) => textOf(row, 'name'));
}
