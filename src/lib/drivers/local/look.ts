import { setImmediate as nextTurn } from 'node:timers/promises';

import type { Message } from '../../message/message.ts';
import type { Appraisal, Look, Looking, LookReport, LookRequest } from '../driver.ts';
import {
  channelNamed,
  deadLetterSources,
  partitionsOf,
  sizeOf,
  type Channel,
  type Partition,
} from './channels.ts';
import type { LocalFile, Sql } from './database.ts';
import { pause } from './pause.ts';
import { offsetOf, positionFor, requirePartitions } from './position-resolver.ts';
import { bigintOf, numberOf } from './rows.ts';
import { liveMembers } from './sessions.ts';
import { contentColumns, messageFrom } from './stored-message.ts';

const rowsPerBatch = 500;
const bytesPerBatch = 1024 * 1024;
/** The greatest offset that SQLite can hold. */
const noEnd = 2n ** 63n - 1n;
/** How long a follower sleeps when nothing is new. */
const pauseMs = 50;

/** What is still to be shown of a partition: from `next` to before `until` (null: no end). */
interface Range {
  readonly partition: bigint;
  readonly until: bigint | null;
  next: bigint;
}

export class LocalLook implements Look {
  readonly #file: LocalFile;

  constructor(file: LocalFile) {
    this.#file = file;
  }

  async appraise(name: string, signal: AbortSignal): Promise<Appraisal> {
    this.#file.requireFor('channel', name);
    return this.#file.read(signal, (sql) => {
      const channel = channelNamed(sql, name, this.#file.path);
      return {
        cost: 'free',
        waiting: sizeOf(sql, channel.id).messages,
        consumers: liveMembers(sql, null, channel.id).length,
        deadLetterChannel: deadLetterSources(sql, name).length > 0,
        deliveryLimit: channel.settings.deadLetter === null ? null : channel.settings.maxDeliveries,
        longestHoldMs: null,
      };
    });
  }

  async open(request: LookRequest, signal: AbortSignal): Promise<Looking> {
    this.#file.requireFor('channel', request.channel);
    return this.#file.read(signal, (sql) => {
      const channel = channelNamed(sql, request.channel, this.#file.path);
      const ranges = this.#rangesOf(sql, channel, request);
      const expected = request.follow ? null : expectedIn(sql, channel, ranges, request.limit);
      return new LocalLooking(this.#file, channel, ranges, request, expected, signal);
    });
  }

  #rangesOf(sql: Sql, channel: Channel, request: LookRequest): Range[] {
    const all = partitionsOf(sql, channel);
    const { from, until, partitions, follow } = request;
    for (const named of [
      partitions ?? [],
      'byPartition' in from ? from.byPartition.keys() : [],
      until !== null && 'byPartition' in until ? until.byPartition.keys() : [],
    ])
      requirePartitions(channel, named, all);
    const place = (partition: Partition, positions: LookRequest['from']): bigint | null => {
      const position = positionFor(positions, partition);
      return position === null ? null : offsetOf(sql, channel, partition, position, this.#file.path);
    };
    return all
      .filter(({ partition }) => partitions === null || partitions.includes(String(partition)))
      .flatMap((partition) => {
        const next = place(partition, from);
        if (next === null) return [];
        // A follower may wait for an offset that is not there yet.
        const end = until === null ? null : (futureOffset(request, partition) ?? place(partition, until));
        return [{ partition: partition.partition, next, until: end ?? (follow ? null : partition.end) }];
      });
  }
}

function futureOffset({ until, follow }: LookRequest, partition: Partition): bigint | null {
  const position = until === null || !follow ? null : positionFor(until, partition);
  return position?.kind === 'offset' && /^[0-9]{1,18}$/.test(position.offset)
    ? BigInt(position.offset)
    : null;
}

function expectedIn(sql: Sql, channel: Channel, ranges: readonly Range[], limit: number | null): number {
  const total = ranges.reduce((sum, { partition, next, until }) => {
    const row = sql.get(
      'SELECT count(*) AS messages FROM message WHERE channel = ? AND partition = ? AND offset >= ? AND offset < ?',
      channel.id,
      partition,
      next,
      until,
    );
    return sum + (row === undefined ? 0 : numberOf(row, 'messages'));
  }, 0);
  return limit === null ? total : Math.min(total, limit);
}

/** Goes through the partitions in turn, a batch of each. Writes nothing. */
class LocalLooking implements Looking {
  readonly batches: AsyncIterable<readonly Message[]>;
  readonly expected: number | null;
  readonly #file: LocalFile;
  readonly #channel: Channel;
  readonly #ranges: Range[];
  readonly #request: LookRequest;
  readonly #signal: AbortSignal;
  #looked = 0;

  constructor(
    file: LocalFile,
    channel: Channel,
    ranges: Range[],
    request: LookRequest,
    expected: number | null,
    signal: AbortSignal,
  ) {
    this.#file = file;
    this.#channel = channel;
    this.#ranges = ranges;
    this.#request = request;
    this.expected = expected;
    this.#signal = signal;
    this.batches = this.#read();
  }

  report(): LookReport {
    return { looked: this.#looked, hiddenMs: null, deliveryCount: null };
  }

  async *#read(): AsyncGenerator<readonly Message[]> {
    let open = this.#ranges;
    while (open.length > 0) {
      let found = false;
      for (const range of open) {
        const room = (this.#request.limit ?? Infinity) - this.#looked;
        if (room <= 0) return;
        const batch = await this.#file.read(this.#signal, (sql) => this.#batchOf(sql, range, room));
        if (batch.length === 0) continue;
        found = true;
        this.#looked += batch.length;
        yield batch;
        // Reading is done at once: signals and timers get their turn here.
        await nextTurn();
      }
      if (!found && !this.#request.follow) return;
      open = open.filter(({ next, until }) => until === null || next < until);
      if (!found && open.length > 0) await pause(pauseMs, this.#signal);
    }
  }

  #batchOf(sql: Sql, range: Range, room: number): readonly Message[] {
    // Also what tells a follower that the channel was deleted.
    channelNamed(sql, this.#channel.name, this.#file.path);
    const end = endOf(sql, this.#channel, range.partition);
    const messages: Message[] = [];
    let bytes = 0;
    const rows = sql.iterate(
      `SELECT partition, offset, ${contentColumns} FROM message
       WHERE channel = ?1 AND partition = ?2 AND offset >= ?3 AND offset < ?4 ORDER BY offset LIMIT ?5`,
      this.#channel.id,
      range.partition,
      range.next,
      range.until ?? noEnd,
      Math.min(room, rowsPerBatch),
    );
    for (const row of rows) {
      const message = messageFrom(row, this.#channel.name, null);
      messages.push(message);
      bytes += numberOf(row, 'bytes');
      range.next = BigInt(message.offset ?? 0) + 1n;
      if (bytes >= bytesPerBatch) break;
    }
    // The last ones before `until` may be gone: then nothing more can come.
    if (messages.length === 0 && range.until !== null && end >= range.until) range.next = range.until;
    return messages;
  }
}

function endOf(sql: Sql, channel: Channel, partition: bigint): bigint {
  const row = sql.get(
    'SELECT next_offset FROM partition WHERE channel = ? AND partition = ?',
    channel.id,
    partition,
  );
  return row === undefined ? 0n : bigintOf(row, 'next_offset');
}
