import type { OutgoingMessage } from '../../message/message.ts';
import type { Outcome } from '../driver.ts';
import { Appender, fullRefusal, PartitionChoice, refusalOf, roomIn, type Refusal } from './append.ts';
import type { Channel } from './channels.ts';
import type { Sql } from './database.ts';
import { applyRetention } from './remove.ts';
import { storedFrom } from './stored-message.ts';

/** Adds what may enter, in one transaction that the caller has begun. One outcome for each. */
export function appendBatch(
  sql: Sql,
  channel: Channel,
  messages: readonly OutgoingMessage[],
): readonly Outcome[] {
  const now = Date.now();
  applyRetention(sql, channel, now, messages.length);
  const choice = new PartitionChoice(channel);
  const appender = new Appender(sql, channel);
  let room = roomIn(sql, channel);
  const outcomes = messages.map((outgoing): Outcome => {
    const stored = storedFrom(outgoing, now);
    const refusal = refusalOf(outgoing, stored, channel) ?? (room === 0 ? fullRefusal(channel) : null);
    if (refusal !== null) return rejected(refusal);
    if (room !== null) room -= 1;
    const { partition, offset } = appender.append(stored, choice.choose(outgoing));
    return { status: 'accepted', partition: String(partition), offset: String(offset), id: null };
  });
  appender.finish();
  choice.store(sql, channel);
  return outcomes;
}

/** The outcome of a message that was refused. */
export function rejected({ reason, retriable }: Refusal): Outcome {
  return { status: 'rejected', reason, retriable };
}
