import type { Claim, Claiming, ClaimRequest } from '../driver.ts';
import { channelNamed, partitionsOf } from './channels.ts';
import { LocalClaiming } from './claiming.ts';
import type { LocalFile, Sql } from './database.ts';
import type { Subscription } from './deliveries.ts';
import { findOrMakeGroup } from './group-rows.ts';
import { offsetOf, positionFor } from './position-resolver.ts';
import { queueGroup } from './schema.ts';
import { Session } from './sessions.ts';

export class LocalClaim implements Claim {
  readonly #file: LocalFile;

  constructor(file: LocalFile) {
    this.#file = file;
  }

  async open(request: ClaimRequest, signal: AbortSignal): Promise<Claiming> {
    this.#file.requireFor('channel', request.channel);
    let channelId = 0n;
    let group = queueGroup;
    const session = await Session.start(this.#file, 'claim', signal, (sql) => {
      const channel = channelNamed(sql, request.channel, this.#file.path);
      channelId = channel.id;
      if (request.group !== null) group = findOrMakeGroup(sql, request.group);
      makePositions(sql, { group, channel }, request, this.#file.path);
      return { group, channel: channelId };
    });
    return new LocalClaiming(this.#file, { group, channelId }, session, request, signal);
  }
}

/** A group that has no position yet begins where it was asked to, else at the start: nothing is passed over silently. */
function makePositions(
  sql: Sql,
  { group, channel }: Subscription,
  { from }: ClaimRequest,
  path: string,
): void {
  for (const partition of partitionsOf(sql, channel)) {
    const known = sql.get(
      'SELECT 1 FROM group_position WHERE group_id = ? AND channel = ? AND partition = ?',
      group,
      channel.id,
      partition.partition,
    );
    if (known !== undefined) continue;
    const position = from === null || group === queueGroup ? null : positionFor(from, partition);
    const begin = position === null ? partition.start : offsetOf(sql, channel, partition, position, path);
    sql.run(
      'INSERT INTO group_position (group_id, channel, partition, committed, claimed_to) VALUES (?, ?, ?, ?, ?)',
      group,
      channel.id,
      partition.partition,
      begin,
      begin,
    );
  }
}
