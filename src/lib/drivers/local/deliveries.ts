/**
 * What a group knows of single messages: claimed by whom and until when, how often, acknowledged or not. All within a
 * transaction that the caller has begun.
 */
import type { Channel } from './channels.ts';
import type { Sql } from './database.ts';
import { bigintOf, numberOf, type Row } from './rows.ts';
import { queueGroup } from './schema.ts';
import { contentColumns } from './stored-message.ts';

/** A group in a channel; group 0 is the channel itself, taken from as a queue. */
export interface Subscription {
  readonly group: bigint;
  readonly channel: Channel;
}

export interface Spot {
  readonly partition: bigint;
  readonly offset: bigint;
}

export interface Claimable extends Spot {
  /** Deliveries so far. */
  readonly attempts: number;
}

/** The row of a message with `partition`, `offset` and content; undefined where it is gone. */
export function messageRow(sql: Sql, channel: bigint, { partition, offset }: Spot): Row | undefined {
  return sql.get(
    `SELECT partition, offset, ${contentColumns} FROM message WHERE channel = ? AND partition = ? AND offset = ?`,
    channel,
    partition,
    offset,
  );
}

/**
 * Delivered before and free again: given back, or a lease that ran out. Given back ones come first, in their order.
 * `notOwner`: not those that this one held last; null for all.
 */
export function freeAgain(
  sql: Sql,
  { group, channel }: Subscription,
  now: number,
  notOwner: string | null,
  limit: number,
): readonly Claimable[] {
  return sql
    .all(
      `SELECT partition, offset, attempts FROM delivery
       WHERE group_id = ?1 AND channel = ?2 AND acked = 0 AND lease_until <= ?3 AND (?4 IS NULL OR owner IS NOT ?4)
       ORDER BY lease_until, partition, offset LIMIT ?5`,
      group,
      channel.id,
      now,
      notOwner,
      limit,
    )
    .map((row) => ({
      partition: bigintOf(row, 'partition'),
      offset: bigintOf(row, 'offset'),
      attempts: numberOf(row, 'attempts'),
    }));
}

/** Never claimed by this group, in order. */
export function neverClaimed(
  sql: Sql,
  { group, channel }: Subscription,
  partition: bigint,
  limit: number,
): readonly bigint[] {
  return sql
    .all(
      `SELECT m.offset AS offset FROM message m
       WHERE m.channel = ?1 AND m.partition = ?2 AND m.offset >=
           (SELECT claimed_to FROM group_position WHERE group_id = ?3 AND channel = ?1 AND partition = ?2)
         AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.group_id = ?3 AND d.channel = ?1 AND d.partition = ?2 AND d.offset = m.offset)
       ORDER BY m.offset LIMIT ?4`,
      channel.id,
      partition,
      group,
      limit,
    )
    .map((row) => bigintOf(row, 'offset'));
}

/** Whether there may be messages that this group never claimed. */
export function hasNew(sql: Sql, { group, channel }: Subscription): boolean {
  return (
    sql.get(
      `SELECT 1 FROM group_position g JOIN partition p ON p.channel = g.channel AND p.partition = g.partition
       WHERE g.group_id = ? AND g.channel = ? AND p.next_offset > g.claimed_to LIMIT 1`,
      group,
      channel.id,
    ) !== undefined
  );
}

/** All before `offset` have been claimed at least once. */
export function setClaimedTo(
  sql: Sql,
  { group, channel }: Subscription,
  partition: bigint,
  offset: bigint,
): void {
  sql.run(
    'UPDATE group_position SET claimed_to = max(claimed_to, ?) WHERE group_id = ? AND channel = ? AND partition = ?',
    offset,
    group,
    channel.id,
    partition,
  );
}

/** Counts one more delivery. Resolves with how many there were, this one included. */
export function lease(
  sql: Sql,
  { group, channel }: Subscription,
  spot: Spot,
  owner: string,
  until: number,
): number {
  const row = sql.get(
    `INSERT INTO delivery (group_id, channel, partition, offset, attempts, owner, lease_until) VALUES (?, ?, ?, ?, 1, ?, ?)
     ON CONFLICT DO UPDATE SET attempts = attempts + 1, owner = excluded.owner, lease_until = excluded.lease_until
     RETURNING attempts`,
    group,
    channel.id,
    spot.partition,
    spot.offset,
    owner,
    until,
  );
  return row === undefined ? 1 : numberOf(row, 'attempts');
}

/** A claim as its owner knows it: a later delivery has another number of attempts. */
export interface Lease extends Spot {
  readonly owner: string;
  readonly attempts: number;
}

const heldBy =
  'group_id = ? AND channel = ? AND partition = ? AND offset = ? AND acked = 0 AND owner = ? AND attempts = ?';

function heldParameters({ group, channel }: Subscription, held: Lease) {
  return [group, channel.id, held.partition, held.offset, held.owner, held.attempts] as const;
}

/** False where someone else has it by now, or the message was taken away. */
export function isHeld(sql: Sql, subscription: Subscription, held: Lease): boolean {
  return (
    sql.get(
      `SELECT 1 FROM delivery WHERE ${heldBy} AND lease_until > 0`,
      ...heldParameters(subscription, held),
    ) !== undefined
  );
}

/** False where it is not held any more: then nothing was changed. */
export function acknowledge(sql: Sql, subscription: Subscription, held: Lease): boolean {
  return (
    sql.run(
      `UPDATE delivery SET acked = 1 WHERE ${heldBy} AND lease_until > 0`,
      ...heldParameters(subscription, held),
    ) > 0
  );
}

/** Free for anyone at once; the delivery still counts. False where someone else has it by now, or it is acknowledged. */
export function giveBack(sql: Sql, subscription: Subscription, held: Lease): boolean {
  return (
    sql.run(`UPDATE delivery SET lease_until = 0 WHERE ${heldBy}`, ...heldParameters(subscription, held)) > 0
  );
}

/** `until` is in milliseconds since 1970. False where it is not held any more. */
export function prolong(sql: Sql, subscription: Subscription, held: Lease, until: number): boolean {
  return (
    sql.run(
      `UPDATE delivery SET lease_until = ? WHERE ${heldBy} AND lease_until > 0`,
      until,
      ...heldParameters(subscription, held),
    ) > 0
  );
}

/** Whoever holds it, if anyone. Nothing is changed where the group never claimed it. */
export function acknowledgeUnheld(sql: Sql, { group, channel }: Subscription, spot: Spot): void {
  sql.run(
    'UPDATE delivery SET acked = 1 WHERE group_id = ? AND channel = ? AND partition = ? AND offset = ?',
    group,
    channel.id,
    spot.partition,
    spot.offset,
  );
}

/** Forgets a message that is gone. */
export function forget(sql: Sql, { group, channel }: Subscription, spot: Spot): void {
  sql.run(
    'DELETE FROM delivery WHERE group_id = ? AND channel = ? AND partition = ? AND offset = ?',
    group,
    channel.id,
    spot.partition,
    spot.offset,
  );
}

/** Moves the committed position over everything that is acknowledged without a gap. */
export function advance(sql: Sql, { group, channel }: Subscription, partition: bigint): void {
  if (group === queueGroup) return;
  const place = [group, channel.id, partition] as const;
  // In the order of the primary key it ends at the first open one; all acknowledged ones before it go away below.
  const open = sql.get(
    `SELECT offset FROM delivery NOT INDEXED
     WHERE group_id = ? AND channel = ? AND partition = ? AND acked = 0 ORDER BY offset LIMIT 1`,
    ...place,
  );
  const position = sql.get(
    'SELECT committed, claimed_to FROM group_position WHERE group_id = ? AND channel = ? AND partition = ?',
    ...place,
  );
  if (position === undefined) return;
  const committed = bigintOf(position, 'committed');
  const claimedTo = bigintOf(position, 'claimed_to');
  const first = open === undefined ? claimedTo : bigintOf(open, 'offset');
  const next = first < claimedTo ? first : claimedTo;
  if (next <= committed) return;
  sql.run(
    'UPDATE group_position SET committed = ? WHERE group_id = ? AND channel = ? AND partition = ?',
    next,
    ...place,
  );
  sql.run(
    'DELETE FROM delivery WHERE group_id = ? AND channel = ? AND partition = ? AND offset < ? AND acked = 1',
    ...place,
    next,
  );
}

/** Neither acknowledged by this group nor claimed by someone just now. */
export function isFree(sql: Sql, { group, channel }: Subscription, spot: Spot, now: number): boolean {
  const place = [group, channel.id, spot.partition] as const;
  const delivery = sql.get(
    'SELECT acked, lease_until FROM delivery WHERE group_id = ? AND channel = ? AND partition = ? AND offset = ?',
    ...place,
    spot.offset,
  );
  if (delivery !== undefined)
    return bigintOf(delivery, 'acked') === 0n && numberOf(delivery, 'lease_until') <= now;
  if (group === queueGroup) return true;
  const position = sql.get(
    'SELECT committed FROM group_position WHERE group_id = ? AND channel = ? AND partition = ?',
    ...place,
  );
  return position === undefined || spot.offset >= bigintOf(position, 'committed');
}
