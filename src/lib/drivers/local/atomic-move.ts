import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';

import { FailedError } from '../../errors.ts';
import type { Message } from '../../message/message.ts';
import type { AtomicMove, AtomicMoveRequest, MoveItem, Outcome } from '../driver.ts';
import { appendBatch } from './append-batch.ts';
import { channelNamed } from './channels.ts';
import type { LocalFile, Sql } from './database.ts';
import { messageRow, type Spot } from './deliveries.ts';
import { removeMessage } from './remove.ts';
import { numberOf, textOrNull } from './rows.ts';
import { queueGroup } from './schema.ts';
import { thisProcess } from './this-process.ts';

/** What a killed run left is forgotten after this. */
const forgottenMs = 30 * 24 * 3_600_000;
const thisRun = 'name = ? AND source = ? AND destination = ? AND token = ?';

/** Both ways to the same file: then one database transaction holds the publishing and the removal. */
export function isSameFile(one: LocalFile, other: LocalFile): boolean {
  if (one.path === other.path) return true;
  const [a, b] = [one, other].map(({ path }) => statSync(path, { throwIfNoEntry: false }));
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}

export class LocalMove implements AtomicMove {
  readonly #file: LocalFile;
  readonly #source: string;
  readonly #destination: string;
  readonly #run: readonly [name: string, source: string, destination: string, token: string];

  private constructor(file: LocalFile, { name, source, channel }: AtomicMoveRequest, token: string) {
    this.#file = file;
    this.#source = source;
    this.#destination = channel;
    this.#run = [name, source, channel, token];
  }

  /** Fences an earlier run of the same name: it can move nothing more. Throws `NotFoundError` for either channel. */
  static async open(file: LocalFile, request: AtomicMoveRequest, signal: AbortSignal): Promise<LocalMove> {
    const move = new LocalMove(file, request, randomUUID());
    await file.write(signal, (sql) => {
      channelNamed(sql, request.source, file.path);
      channelNamed(sql, request.channel, file.path);
      const now = Date.now();
      sql.run('DELETE FROM move_run WHERE started_at < ?', now - forgottenMs);
      sql.run(
        'INSERT OR REPLACE INTO move_run (name, source, destination, token, started_at) VALUES (?, ?, ?, ?, ?)',
        ...move.#run,
        now,
      );
    });
    return move;
  }

  async move(items: readonly MoveItem[], signal: AbortSignal): Promise<readonly Outcome[]> {
    return this.#file.write(signal, (sql) => {
      this.#requireRun(sql);
      const source = channelNamed(sql, this.#source, this.#file.path);
      const seen = new Set<string>();
      const refusals = items.map((item): string | null => {
        const spot = spotOf(item.source);
        const place = `${item.source.partition}/${item.source.offset}`;
        if (spot === null || seen.has(place) || messageRow(sql, source.id, spot) === undefined)
          return `it is no longer in "${this.#source}"`;
        seen.add(place);
        return isHeldElsewhere(sql, source.id, spot) ? 'another process holds it just now' : null;
      });
      const movable = items.filter((_, index) => refusals[index] === null);
      const published = appendBatch(
        sql,
        channelNamed(sql, this.#destination, this.#file.path),
        movable.map(({ outgoing }) => outgoing),
      );
      movable.forEach((item, index) => {
        const spot = spotOf(item.source);
        if (spot !== null && published[index]?.status === 'accepted')
          removeMessage(sql, source.id, spot.partition, spot.offset);
      });
      const outcomes = published.values();
      return refusals.map((reason): Outcome => {
        if (reason !== null) return { status: 'rejected', reason, retriable: false };
        const outcome = outcomes.next();
        return outcome.done === true
          ? { status: 'rejected', reason: 'it was not published', retriable: true }
          : outcome.value;
      });
    });
  }

  /** What is still there was not moved: both happen in one transaction, and a second move of the same finds it gone. */
  async recover(
    sources: readonly Message[],
    signal: AbortSignal,
  ): Promise<readonly ('moved' | 'not-moved')[]> {
    return this.#file.read(signal, (sql) => {
      const { id } = channelNamed(sql, this.#source, this.#file.path);
      return sources.map((message) => {
        const spot = spotOf(message);
        return spot !== null && messageRow(sql, id, spot) !== undefined ? 'not-moved' : 'moved';
      });
    });
  }

  async close(): Promise<void> {
    await this.#file.write(null, (sql) => sql.run(`DELETE FROM move_run WHERE ${thisRun}`, ...this.#run));
  }

  #requireRun(sql: Sql): void {
    if (sql.get(`SELECT 1 FROM move_run WHERE ${thisRun}`, ...this.#run) === undefined)
      throw new FailedError(`another run has taken over moving "${this.#source}" to "${this.#destination}"`, {
        code: 'FENCED',
        hint: 'nothing of this batch was moved; see "mqctl jobs ls"',
      });
  }
}

function spotOf({ partition, offset }: Message): Spot | null {
  const digits = /^[0-9]{1,18}$/;
  if (partition === null || offset === null || !digits.test(partition) || !digits.test(offset)) return null;
  return { partition: BigInt(partition), offset: BigInt(offset) };
}

/** Claims of this very process do not stand in its way. */
function isHeldElsewhere(sql: Sql, channel: bigint, spot: Spot): boolean {
  const row = sql.get(
    `SELECT s.pid AS pid, s.host AS host, s.process_space AS space FROM delivery d LEFT JOIN session s ON s.id = d.owner
     WHERE d.group_id = ? AND d.channel = ? AND d.partition = ? AND d.offset = ? AND d.acked = 0 AND d.lease_until > ?`,
    queueGroup,
    channel,
    spot.partition,
    spot.offset,
    Date.now(),
  );
  if (row === undefined) return false;
  const host = textOrNull(row, 'host');
  return (
    host !== thisProcess.host ||
    textOrNull(row, 'space') !== thisProcess.processSpace ||
    numberOf(row, 'pid') !== thisProcess.pid
  );
}
