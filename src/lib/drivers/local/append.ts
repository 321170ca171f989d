import type { OutgoingMessage } from '../../message/message.ts';
import { sizeOf, type Channel } from './channels.ts';
import type { Sql } from './database.ts';
import { partitionNumber, partitionOfKey } from './partitioner.ts';
import { bigintOf } from './rows.ts';
import { columnsOf, contentColumns, type StoredMessage } from './stored-message.ts';

export interface Place {
  readonly partition: number;
  readonly offset: bigint;
}

export interface Refusal {
  readonly reason: string;
  readonly retriable: boolean;
}

/** Why a message can never enter this channel as it is; null where it can. */
export function refusalOf(
  outgoing: OutgoingMessage,
  stored: StoredMessage,
  channel: Channel,
): Refusal | null {
  const { partition } = outgoing;
  if (partition !== null && partitionNumber(partition, channel.partitions) === null)
    return {
      reason: `no partition "${partition}": "${channel.name}" has ${channel.partitions} (0 to ${channel.partitions - 1})`,
      retriable: false,
    };
  const limit = channel.settings.maxMessageBytes;
  if (stored.bytes > limit)
    return { reason: `${stored.bytes} bytes are more than max.message.bytes ${limit}`, retriable: false };
  if (!Number.isSafeInteger(stored.timestamp))
    return { reason: 'the timestamp is no time', retriable: false };
  return null;
}

/** Room for so many more messages; null: no limit. */
export function roomIn(sql: Sql, channel: Channel): number | null {
  const { maxMessages } = channel.settings;
  return maxMessages === null ? null : Math.max(0, maxMessages - sizeOf(sql, channel.id).messages);
}

/** For a channel that has as many messages as its `max.messages`; retriable, since room may be made. */
export function fullRefusal(channel: Channel): Refusal {
  return {
    reason: `"${channel.name}" is full: max.messages is ${channel.settings.maxMessages}`,
    retriable: true,
  };
}

/** Chooses partitions: the one that is asked for, the key's, or the next in turn. */
export class PartitionChoice {
  readonly #partitions: number;
  #next: number;

  constructor(channel: Channel) {
    this.#partitions = channel.partitions;
    this.#next = channel.nextPartition % channel.partitions;
  }

  choose(outgoing: OutgoingMessage): number {
    if (outgoing.partition !== null) return partitionNumber(outgoing.partition, this.#partitions) ?? 0;
    if (outgoing.key !== null) return partitionOfKey(outgoing.key, this.#partitions);
    const chosen = this.#next;
    this.#next = (this.#next + 1) % this.#partitions;
    return chosen;
  }

  /** Kept with the channel, so that the turn goes on in the next transaction. */
  store(sql: Sql, channel: Channel): void {
    sql.run('UPDATE channel SET next_partition = ? WHERE id = ?', this.#next, channel.id);
  }
}

/** Adds messages at the ends of partitions, within one transaction: `finish` writes the counts that belong to them. */
export class Appender {
  readonly #sql: Sql;
  readonly #channel: Channel;
  readonly #ends = new Map<number, { first: bigint; next: bigint; bytes: number }>();

  constructor(sql: Sql, channel: Channel) {
    this.#sql = sql;
    this.#channel = channel;
  }

  append(stored: StoredMessage, partition: number): Place {
    const end = this.#end(partition);
    const offset = end.next;
    this.#sql.run(
      `INSERT INTO message (channel, partition, offset, ${contentColumns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      this.#channel.id,
      partition,
      offset,
      ...columnsOf(stored),
    );
    end.next = offset + 1n;
    end.bytes += stored.bytes;
    return { partition, offset };
  }

  finish(): void {
    for (const [partition, { first, next, bytes }] of this.#ends)
      this.#sql.run(
        'UPDATE partition SET next_offset = ?, messages = messages + ?, bytes = bytes + ? WHERE channel = ? AND partition = ?',
        next,
        next - first,
        bytes,
        this.#channel.id,
        partition,
      );
    this.#ends.clear();
  }

  #end(partition: number): { first: bigint; next: bigint; bytes: number } {
    const known = this.#ends.get(partition);
    if (known !== undefined) return known;
    const row = this.#sql.get(
      'SELECT next_offset FROM partition WHERE channel = ? AND partition = ?',
      this.#channel.id,
      partition,
    );
    const first = row === undefined ? 0n : bigintOf(row, 'next_offset');
    const end = { first, next: first, bytes: 0 };
    this.#ends.set(partition, end);
    return end;
  }
}
