import { NotFoundError } from '../../errors.ts';
import type { Sql } from './database.ts';
import { bigintOf } from './rows.ts';

function findGroup(sql: Sql, name: string): bigint | null {
  const row = sql.get('SELECT id FROM consumer_group WHERE name = ?', name);
  return row === undefined ? null : bigintOf(row, 'id');
}

/** Throws `NotFoundError`. */
export function groupNamed(sql: Sql, name: string, path: string): bigint {
  const found = findGroup(sql, name);
  if (found === null) throw new NotFoundError('group', name, `local:${path}`);
  return found;
}

/** A group exists from the first time that someone takes messages through it. */
export function findOrMakeGroup(sql: Sql, name: string): bigint {
  const found = findGroup(sql, name);
  if (found !== null) return found;
  const row = sql.get(
    'INSERT INTO consumer_group (name, created_at) VALUES (?, ?) RETURNING id',
    name,
    Date.now(),
  );
  return row === undefined ? 0n : bigintOf(row, 'id');
}
