/**
 * What earlier runs saw of each group, so that a cron job has trends without a daemon: one SQLite file in the state folder.
 *
 * Bounded: the newest looks of each group and channel, and of everything the newest that fit the size. Safe with several
 * processes at once (WAL, a busy time-out). Losing it loses trends, nothing else: it is written without fsync.
 */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

import { FailedError, errorText } from '../errors.ts';

/** Five numbers for each partition, in the order of `partitions`; NaN: unknown. */
export const numbersEach = 5;

export interface StoredLook {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly partitions: readonly (string | null)[];
  /** committed, end, lag, committedAt, arrived of each partition. */
  readonly numbers: Float64Array;
}

export interface LookToStore extends StoredLook {
  readonly group: string | null;
  readonly channel: string;
}

/** Looks that follow sooner are not kept: `--watch 1s` would push out what a trend needs. */
const spacingMs = 5_000;
const looksEach = 60;
const keptMs = 7 * 86_400_000;
/** Of all looks together, as they are stored. */
const totalBytes = 64 * 1024 * 1024;
const busyMs = 2_000;
const pauseMs = 20;
/** https://sqlite.org/rescode.html#busy */
const sqliteBusy = 5;
const schemaVersion = 2;

const tables = `
CREATE TABLE IF NOT EXISTS look (
  id INTEGER PRIMARY KEY,
  target TEXT NOT NULL,
  grp TEXT,
  channel TEXT NOT NULL,
  at INTEGER NOT NULL,
  size INTEGER NOT NULL,
  partitions TEXT NOT NULL,
  numbers BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS look_series ON look (target, channel, grp, at, size);
CREATE INDEX IF NOT EXISTS look_time ON look (at, size);`;

export class LagSamples {
  readonly #database: DatabaseSync;
  /** The bytes of all looks; smaller in tests. */
  readonly #totalBytes: number;

  private constructor(database: DatabaseSync, bytes: number) {
    this.#database = database;
    this.#totalBytes = bytes;
  }

  /** Makes the file where it is missing, 0600. Throws `FailedError`. */
  static async open(stateFolder: string, bytes = totalBytes): Promise<LagSamples> {
    const path = join(stateFolder, 'lag-samples.db');
    const until = Date.now() + busyMs;
    for (;;)
      try {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        return new LagSamples(openDatabase(path), bytes);
      } catch (error) {
        // Where two make the file at once, SQLite does not wait for the one that turns WAL on.
        if (!isBusy(error) || Date.now() > until)
          throw new FailedError(`could not open ${path}: ${errorText(error)}`, { cause: error });
        await sleep(pauseMs);
      }
  }

  /** The newest `limit` looks since `since` of a group in a channel, the oldest first. */
  read(
    target: string,
    { group, channel }: { readonly group: string | null; readonly channel: string },
    { since, limit }: { readonly since: number; readonly limit: number },
  ): StoredLook[] {
    return this.#statement(
      'SELECT at, partitions, numbers FROM look WHERE target = ? AND channel = ? AND grp IS ? AND at >= ? ORDER BY at DESC LIMIT ?',
    )
      .all(target, channel, group, since, limit)
      .map(storedLook)
      .reverse();
  }

  /** All or nothing. A look that follows the last one of its group too soon is left out. */
  append(target: string, looks: readonly LookToStore[]): void {
    const database = this.#database;
    database.exec('BEGIN IMMEDIATE');
    try {
      const newest = this.#statement(
        'SELECT max(at) AS at FROM look WHERE target = ? AND channel = ? AND grp IS ?',
      );
      const insert = this.#statement(
        'INSERT INTO look (target, grp, channel, at, size, partitions, numbers) VALUES (?, ?, ?, ?, ?, ?, ?)',
      );
      for (const { group, channel, at, partitions, numbers } of looks) {
        const last = newest.get(target, channel, group)?.['at'];
        if (typeof last === 'number' && Math.abs(at - last) < spacingMs) continue;
        const names = JSON.stringify(partitions);
        const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
        insert.run(target, group, channel, at, names.length + bytes.length, names, bytes);
      }
      this.#prune(target, looks);
      database.exec('COMMIT');
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw new FailedError(`could not keep the samples: ${errorText(error)}`, { cause: error });
    }
  }

  close(): void {
    this.#database.close();
  }

  #prune(target: string, looks: readonly LookToStore[]): void {
    const surplus = this.#statement(
      `DELETE FROM look WHERE id IN (SELECT id FROM look WHERE target = ? AND channel = ? AND grp IS ?
         ORDER BY at DESC LIMIT -1 OFFSET ${looksEach.toString()})`,
    );
    for (const { group, channel } of looks) surplus.run(target, channel, group);
    const newest = Math.max(0, ...looks.map(({ at }) => at));
    this.#statement('DELETE FROM look WHERE at < ?').run(newest - keptMs);
    this.#statement(
      `DELETE FROM look WHERE at < coalesce((SELECT at FROM
         (SELECT at, sum(size) OVER (ORDER BY at DESC ROWS UNBOUNDED PRECEDING) AS total FROM look)
         WHERE total <= ? ORDER BY at LIMIT 1), (SELECT max(at) FROM look))`,
    ).run(this.#totalBytes);
  }

  readonly #prepared = new Map<string, StatementSync>();

  #statement(text: string): StatementSync {
    const known = this.#prepared.get(text);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(text);
    this.#prepared.set(text, statement);
    return statement;
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy;
}

function openDatabase(path: string): DatabaseSync {
  const before = process.umask(0o077);
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(path, { timeout: busyMs });
  } finally {
    process.umask(before);
  }
  try {
    const version = (): unknown => database.prepare('PRAGMA user_version').get()?.['user_version'];
    if (version() !== schemaVersion) {
      database.exec('PRAGMA journal_mode = WAL; BEGIN IMMEDIATE');
      // Another process may have been first.
      if (version() !== schemaVersion)
        database.exec(
          `DROP TABLE IF EXISTS look; ${tables} PRAGMA user_version = ${schemaVersion.toString()}`,
        );
      database.exec('COMMIT');
    }
    database.exec('PRAGMA synchronous = OFF');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function storedLook(row: Readonly<Record<string, unknown>>): StoredLook {
  const { at, partitions, numbers } = row;
  if (typeof at !== 'number' || typeof partitions !== 'string' || !(numbers instanceof Uint8Array))
    throw new FailedError('the kept samples are damaged', { code: 'DAMAGED' });
  const names: unknown = JSON.parse(partitions);
  if (!isNames(names) || numbers.length !== names.length * numbersEach * Float64Array.BYTES_PER_ELEMENT)
    throw new FailedError('the kept samples are damaged', { code: 'DAMAGED' });
  // A view must begin at a multiple of eight.
  return { at, partitions: names, numbers: new Float64Array(new Uint8Array(numbers).buffer) };
}

function isNames(names: unknown): names is (string | null)[] {
  return Array.isArray(names) && names.every((name) => name === null || typeof name === 'string');
}
