import { setImmediate as nextTurn } from 'node:timers/promises';

import { FailedError } from '../../errors.ts';
import type { OutgoingMessage } from '../../message/message.ts';
import type { Outcome, Publisher } from '../driver.ts';
import { fullRefusal, PartitionChoice, refusalOf, roomIn } from './append.ts';
import { rejected } from './append-batch.ts';
import { channelNamed, type Channel } from './channels.ts';
import { chunksOf } from './chunks.ts';
import type { LocalFile, Sql } from './database.ts';
import { applyRetention } from './remove.ts';
import { bigintOf, numberOf } from './rows.ts';
import { endSession, Session } from './sessions.ts';
import { columnsOf, contentColumns, storedFrom } from './stored-message.ts';

/**
 * All or nothing: messages wait in a table of their own, where no reader looks, and enter the channel in one transaction
 * at `commit`. Memory stays flat however many they are. What a killed process staged is cleaned up by the next one.
 */
export class StagingPublisher implements Publisher {
  readonly blocked = null;
  readonly #file: LocalFile;
  readonly #channel: Channel;
  readonly #session: Session;
  readonly #signal: AbortSignal;
  readonly #choice: PartitionChoice;
  /** How many wait in each partition. */
  readonly #waiting = new Map<number, number>();
  #last: Promise<unknown> = Promise.resolve();
  #ended = false;

  private constructor(file: LocalFile, channel: Channel, session: Session, signal: AbortSignal) {
    this.#file = file;
    this.#channel = channel;
    this.#session = session;
    this.#signal = signal;
    this.#choice = new PartitionChoice(channel);
  }

  static async open(file: LocalFile, channel: Channel, signal: AbortSignal): Promise<StagingPublisher> {
    const session = await Session.start(file, 'publish', signal, () => ({
      group: null,
      channel: channel.id,
    }));
    return new StagingPublisher(file, channel, session, signal);
  }

  send(messages: readonly OutgoingMessage[]): Promise<readonly Outcome[]> {
    const sent = this.#last.then(() => this.#stage(messages));
    this.#last = sent.catch(() => undefined);
    return sent;
  }

  async commit(): Promise<void> {
    await this.#last;
    if (this.#ended) throw new FailedError('this transaction has ended');
    const now = Date.now();
    await this.#file.write(this.#signal, (sql) => {
      const channel = this.#currentChannel(sql);
      this.#requireSession(sql);
      const room = roomIn(sql, channel);
      const total = [...this.#waiting.values()].reduce((sum, count) => sum + count, 0);
      if (room !== null && total > room)
        throw new FailedError(
          `nothing was published: ${fullRefusal(channel).reason}, and ${total} would enter`,
          {
            code: 'FULL',
            retriable: true,
            hint: 'purge the channel, or let its consumers catch up',
          },
        );
      for (const partition of this.#waiting.keys()) this.#publish(sql, channel, partition);
      this.#choice.store(sql, channel);
      // From here on what was staged is left over: it can never be published twice.
      endSession(sql, this.#session.id);
      applyRetention(sql, channel, now, total);
    });
    await this.#end();
  }

  async abort(): Promise<void> {
    await this.#last;
    await this.#end();
  }

  async close(): Promise<void> {
    await this.abort();
  }

  async #stage(messages: readonly OutgoingMessage[]): Promise<readonly Outcome[]> {
    if (this.#ended) throw new FailedError('this transaction has ended');
    const outcomes: Outcome[] = [];
    for (const chunk of chunksOf(messages)) {
      outcomes.push(...(await this.#file.writeLazily(this.#signal, (sql) => this.#stageChunk(sql, chunk))));
      // SQLite works with the event loop stopped: signals and timers get their turn here.
      await nextTurn();
    }
    return outcomes;
  }

  #stageChunk(sql: Sql, messages: readonly OutgoingMessage[]): readonly Outcome[] {
    const channel = this.#currentChannel(sql);
    this.#requireSession(sql);
    const now = Date.now();
    return messages.map((outgoing): Outcome => {
      const stored = storedFrom(outgoing, now);
      const refusal = refusalOf(outgoing, stored, channel);
      if (refusal !== null) return rejected(refusal);
      const partition = this.#choice.choose(outgoing);
      const sequence = this.#waiting.get(partition) ?? 0;
      this.#waiting.set(partition, sequence + 1);
      sql.run(
        `INSERT INTO staged (session, partition, sequence, ${contentColumns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        this.#session.id,
        partition,
        sequence,
        ...columnsOf(stored),
      );
      return { status: 'accepted', partition: String(partition), offset: null, id: null };
    });
  }

  #publish(sql: Sql, channel: Channel, partition: number): void {
    const end = sql.get(
      'SELECT next_offset FROM partition WHERE channel = ? AND partition = ?',
      channel.id,
      partition,
    );
    const next = end === undefined ? 0n : bigintOf(end, 'next_offset');
    const entered = sql.run(
      `INSERT INTO message (channel, partition, offset, ${contentColumns})
       SELECT ?, partition, ? + sequence, ${contentColumns} FROM staged
       WHERE session = ? AND partition = ? ORDER BY sequence`,
      channel.id,
      next,
      this.#session.id,
      partition,
    );
    if (entered !== this.#waiting.get(partition))
      throw new FailedError('nothing was published: messages of this transaction are missing from the file');
    const sum = sql.get(
      'SELECT coalesce(sum(bytes), 0) AS bytes FROM staged WHERE session = ? AND partition = ?',
      this.#session.id,
      partition,
    );
    sql.run(
      'UPDATE partition SET next_offset = next_offset + ?, messages = messages + ?, bytes = bytes + ? WHERE channel = ? AND partition = ?',
      entered,
      entered,
      sum === undefined ? 0 : numberOf(sum, 'bytes'),
      channel.id,
      partition,
    );
  }

  #currentChannel(sql: Sql): Channel {
    const channel = channelNamed(sql, this.#channel.name, this.#file.path);
    if (channel.id !== this.#channel.id)
      throw new FailedError(`nothing was published: "${channel.name}" was deleted and made again meanwhile`);
    return channel;
  }

  #requireSession(sql: Sql): void {
    if (sql.get("SELECT 1 FROM session WHERE id = ? AND kind = 'publish'", this.#session.id) === undefined)
      throw new FailedError(
        'nothing was published: this transaction was silent for too long and was given up',
        {
          retriable: true,
        },
      );
  }

  async #end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#session.close(() => undefined);
  }
}
