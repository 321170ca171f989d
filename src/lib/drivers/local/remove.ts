import type { Channel } from './channels.ts';
import type { Sql } from './database.ts';
import { bigintOf, numberOf } from './rows.ts';
import { queueGroup } from './schema.ts';

/** Takes one message out of its channel, with what is known of its deliveries as a queue. False where it is gone. */
export function removeMessage(sql: Sql, channel: bigint, partition: bigint, offset: bigint): boolean {
  const row = sql.get(
    'DELETE FROM message WHERE channel = ? AND partition = ? AND offset = ? RETURNING bytes',
    channel,
    partition,
    offset,
  );
  sql.run(
    'DELETE FROM delivery WHERE group_id = ? AND channel = ? AND partition = ? AND offset = ?',
    queueGroup,
    channel,
    partition,
    offset,
  );
  if (row === undefined) return false;
  sql.run(
    'UPDATE partition SET messages = messages - 1, bytes = bytes - ? WHERE channel = ? AND partition = ?',
    bigintOf(row, 'bytes'),
    channel,
    partition,
  );
  return true;
}

/** Takes away everything before `before`, and what groups remember of it. How many messages went. */
function removeBefore(sql: Sql, channel: bigint, partition: bigint, before: bigint): number {
  const place = [channel, partition, before] as const;
  const row = sql.get(
    'SELECT count(*) AS messages, coalesce(sum(bytes), 0) AS bytes FROM message WHERE channel = ? AND partition = ? AND offset < ?',
    ...place,
  );
  const messages = row === undefined ? 0 : numberOf(row, 'messages');
  if (row === undefined || messages === 0) return 0;
  sql.run('DELETE FROM message WHERE channel = ? AND partition = ? AND offset < ?', ...place);
  sql.run(
    `DELETE FROM delivery WHERE channel = ? AND partition = ? AND offset < ? AND group_id IN
       (SELECT group_id FROM group_position WHERE channel = ? AND partition = ?)`,
    ...place,
    channel,
    partition,
  );
  sql.run(
    'UPDATE partition SET messages = messages - ?, bytes = bytes - ? WHERE channel = ? AND partition = ?',
    messages,
    bigintOf(row, 'bytes'),
    channel,
    partition,
  );
  return messages;
}

/** Room for a batch that came just now, and some more, so that what was kept too long goes away step by step. */
const fewestPerStep = 1_000;

/**
 * Drops what is older than `retention.ms` or beyond the last `retention.messages` of each partition, from the front, at
 * most some thousand messages of each partition: called with each batch, it keeps up. A group's position stays where it
 * was, so that its loss can be seen.
 */
export function applyRetention(sql: Sql, channel: Channel, now: number, added = 0): void {
  const { retentionMs, retentionMessages } = channel.settings;
  if (retentionMs === null && retentionMessages === null) return;
  const step = Math.max(fewestPerStep, 2 * added);
  for (const row of sql.all(
    'SELECT partition, messages FROM partition WHERE channel = ? AND messages > 0',
    channel.id,
  )) {
    const partition = bigintOf(row, 'partition');
    const surplus =
      retentionMessages === null ? 0 : Math.max(0, numberOf(row, 'messages') - retentionMessages);
    const oldest = retentionMs === null ? null : now - retentionMs;
    const kept = firstKept(sql, channel.id, partition, Math.min(surplus, step), oldest, step);
    if (kept !== null) removeBefore(sql, channel.id, partition, kept);
  }
}

/** The first offset that stays; null where nothing goes. Looks at no more than `step` messages. */
function firstKept(
  sql: Sql,
  channel: bigint,
  partition: bigint,
  surplus: number,
  oldest: number | null,
  step: number,
): bigint | null {
  let kept: bigint | null = null;
  let seen = 0;
  const rows = sql.iterate(
    'SELECT offset, timestamp FROM message WHERE channel = ? AND partition = ? ORDER BY offset LIMIT ?',
    channel,
    partition,
    step,
  );
  for (const row of rows) {
    const expired = oldest !== null && numberOf(row, 'timestamp') < oldest;
    if (seen >= surplus && !expired) break;
    kept = bigintOf(row, 'offset') + 1n;
    seen += 1;
  }
  return kept;
}
