import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';

import { FailedError } from '../../errors.ts';
import type {
  AtomicMove,
  AtomicMoveRequest,
  MessageReference,
  MoveItem,
  Outcome,
  Recovered,
} from '../driver.ts';
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
const thisMove = 'name = ? AND source = ? AND destination = ?';
const thisRun = `${thisMove} AND token = ?`;
/** What the last move of each run took away. Made when it is first needed: older files have not got it. */
const movedTable = `
CREATE TABLE IF NOT EXISTS moved (
  name TEXT NOT NULL,
  source TEXT NOT NULL,
  destination TEXT NOT NULL,
  partition INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (name, source, destination, partition, offset)
) STRICT, WITHOUT ROWID`;

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
      sql.exec(movedTable);
      sql.run('DELETE FROM move_run WHERE started_at < ?', now - forgottenMs);
      sql.run('DELETE FROM moved WHERE at < ?', now - forgottenMs);
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
      // Only what the last move did can be in question.
      sql.run(`DELETE FROM moved WHERE ${thisMove}`, ...this.#run.slice(0, 3));
      const now = Date.now();
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
        if (spot === null || published[index]?.status !== 'accepted') return;
        removeMessage(sql, source.id, spot.partition, spot.offset);
        sql.run(
          'INSERT OR REPLACE INTO moved (name, source, destination, partition, offset, at) VALUES (?, ?, ?, ?, ?, ?)',
          ...this.#run.slice(0, 3),
          spot.partition,
          spot.offset,
          now,
        );
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

  /** What is still there was not moved, and what was moved is noted: both happen in one transaction. */
  async recover(sources: readonly MessageReference[], signal: AbortSignal): Promise<readonly Recovered[]> {
    return this.#file.read(signal, (sql) => {
      const { id } = channelNamed(sql, this.#source, this.#file.path);
      return sources.map((message) => {
        const spot = spotOf(message);
        if (spot === null) return 'gone';
        if (messageRow(sql, id, spot) !== undefined) return 'not-moved';
        const noted = sql.get(
          `SELECT 1 FROM moved WHERE ${thisMove} AND partition = ? AND offset = ?`,
          ...this.#run.slice(0, 3),
          spot.partition,
          spot.offset,
        );
        return noted === undefined ? 'gone' : 'moved';
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

function spotOf({ partition, offset }: MessageReference): Spot | null {
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
