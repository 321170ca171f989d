import type { DeadLetter, Message } from '../../message/message.ts';
import type { DeadLetterPair, DeadLetters } from '../driver.ts';
import { Appender, PartitionChoice, roomIn } from './append.ts';
import { findChannel, type Channel } from './channels.ts';
import type { LocalFile, Sql } from './database.ts';
import { acknowledgeUnheld, messageRow, type Claimable, type Subscription } from './deliveries.ts';
import { deathHeaders, isDeathHeader, readDeath } from './death-headers.ts';
import { removeMessage } from './remove.ts';
import { textOf } from './rows.ts';
import { queueGroup } from './schema.ts';
import { messageFrom, storedFrom } from './stored-message.ts';

/** Where the dead letters of a channel go; null where it names none, or one that is not there: then messages stay. */
export function deadLetterChannelOf(sql: Sql, channel: Channel): Channel | null {
  const { deadLetter } = channel.settings;
  return deadLetter === null || deadLetter === channel.name ? null : findChannel(sql, deadLetter);
}

/**
 * Copies a message that was delivered too often to the dead-letter channel, with why, and acknowledges it for its group
 * (a queue loses it). False where that channel is full: then it stays where it is.
 */
export function moveToDeadLetters(
  sql: Sql,
  subscription: Subscription,
  deadLetters: Channel,
  dead: Claimable,
  groupName: string | null,
): boolean {
  const { channel, group } = subscription;
  const row = messageRow(sql, channel.id, dead);
  if (row === undefined) return false;
  if (roomIn(sql, deadLetters) === 0) return false;
  const now = Date.now();
  const message = messageFrom(row, channel.name, null);
  const death = deathHeaders(message, { group: groupName, attempts: dead.attempts, at: now });
  const headers = [...message.headers.filter(({ name }) => !isDeathHeader(name)), ...death];
  // Its own time is in a header: the dead-letter channel's retention counts from the death.
  const outgoing = { ...message, headers, partition: null, timestamp: null };
  const choice = new PartitionChoice(deadLetters);
  const appender = new Appender(sql, deadLetters);
  appender.append(storedFrom(outgoing, now), choice.choose(outgoing));
  appender.finish();
  choice.store(sql, deadLetters);
  if (group === queueGroup) removeMessage(sql, channel.id, dead.partition, dead.offset);
  else acknowledgeUnheld(sql, subscription, dead);
  return true;
}

export class LocalDeadLetters implements DeadLetters {
  readonly volatileHeaders = [];
  readonly volatileProperties = [];
  readonly #file: LocalFile;

  constructor(file: LocalFile) {
    this.#file = file;
  }

  async pairs(signal: AbortSignal): Promise<readonly DeadLetterPair[]> {
    return this.#file.read(signal, (sql) =>
      sql
        .all(
          `SELECT c.name AS source, s.value AS target FROM setting s JOIN channel c ON c.id = s.channel
           WHERE s.name = 'dead-letter' AND c.deleted = 0 ORDER BY c.name`,
        )
        .map((row) => ({
          source: textOf(row, 'source'),
          deadLetter: textOf(row, 'target'),
          how: 'setting dead-letter',
        })),
    );
  }

  read(message: Message): DeadLetter | null {
    return readDeath(message.headers);
  }
}
