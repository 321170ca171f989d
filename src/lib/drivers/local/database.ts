import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

import { errorText, NotFoundError, UnreachableError } from '../../errors.ts';
import { isBusy, readable } from './database-errors.ts';
import { pause } from './pause.ts';
import { bigintOf, type Row } from './rows.ts';
import { applicationId, schemaVersion, tables } from './schema.ts';

/**
 * How long SQLite itself may wait for a lock. It sleeps with the event loop stopped, so this is short; the rest of the
 * wait is ours and hears the AbortSignal.
 */
const lockWaitMs = 100;

/** SQLite's statements, prepared once each. */
export class Sql {
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  #statement(text: string): StatementSync {
    let statement = this.#prepared.get(text);
    if (statement === undefined) {
      statement = this.#database.prepare(text);
      this.#prepared.set(text, statement);
    }
    return statement;
  }

  get(text: string, ...parameters: SQLInputValue[]): Row | undefined {
    return this.#statement(text).get(...parameters);
  }

  all(text: string, ...parameters: SQLInputValue[]): Row[] {
    return this.#statement(text).all(...parameters);
  }

  /** Rows one by one, for what must not be in memory at once. Nothing may be written while it runs. */
  iterate(text: string, ...parameters: SQLInputValue[]): Iterable<Row> {
    return this.#statement(text).iterate(...parameters);
  }

  /** How many rows it changed. */
  run(text: string, ...parameters: SQLInputValue[]): number {
    return Number(this.#statement(text).run(...parameters).changes);
  }

  exec(text: string): void {
    this.#database.exec(text);
  }
}

/** 0 where there is nothing, or nothing that may be asked. */
function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** The commit itself failed: whether it holds is not known. */
export class CommitInDoubt extends Error {}

/**
 * The file, opened when first needed and made only by `create`. All work is in transactions that run without a pause, so
 * that two pieces of work of one process never mix; other processes are kept out by SQLite's lock.
 */
export class LocalFile {
  readonly path: string;
  readonly #timeoutMs: number;
  readonly #mayMakeFolder: boolean;
  #database: DatabaseSync | null = null;
  #sql: Sql | null = null;
  #closed = false;

  constructor(path: string, options: { readonly timeoutMs: number; readonly mayMakeFolder: boolean }) {
    this.path = path;
    this.#timeoutMs = options.timeoutMs;
    this.#mayMakeFolder = options.mayMakeFolder;
  }

  /** An empty file is one that is about to be made: nothing is in it. */
  isThere(): boolean {
    if (this.#sql !== null) return true;
    return sizeOf(this.path) > 0;
  }

  /**
   * Whether this can be the file of a broker: one of ours, or none yet in a folder that is there. Throws `UnreachableError`.
   */
  async check(signal: AbortSignal): Promise<void> {
    if (this.isThere()) await this.read(signal, () => undefined);
    else if (!this.#mayMakeFolder && !isFolder(dirname(this.path)))
      throw new UnreachableError(`there is no folder ${dirname(this.path)}`, {
        hint: 'check the path, or make the folder first',
      });
  }

  /** Says "no such channel" instead of "no such file", with how to make it. Throws `NotFoundError`. */
  requireFor(kind: string, name: string): void {
    if (this.isThere()) return;
    throw new NotFoundError(kind, name, `local:${this.path}`, {
      hint: 'the file does not exist yet: "mqctl create" makes it, "mqctl demo" fills one to try',
    });
  }

  /** One consistent view over several statements. Throws `UnreachableError` where there is no file. */
  async read<T>(signal: AbortSignal | null, work: (sql: Sql) => T): Promise<T> {
    return this.#patiently(signal, () => this.#transaction('BEGIN', this.#open(), work));
  }

  /**
   * All or nothing, on disk when it resolves (`synchronous=FULL`). `signal` only ends the wait for other writers: null for
   * what must be finished after a Ctrl-C.
   */
  async write<T>(signal: AbortSignal | null, work: (sql: Sql) => T): Promise<T> {
    return this.#patiently(signal, () => this.#transaction('BEGIN IMMEDIATE', this.#open(), work));
  }

  /**
   * All or nothing too, but a power loss may undo it, up to the next `write`: for what nobody was told that it is kept, such as
   * a claim. It survives the end of the process, and costs no fsync.
   */
  async writeLazily<T>(signal: AbortSignal | null, work: (sql: Sql) => T): Promise<T> {
    return this.#patiently(signal, () => {
      const sql = this.#open();
      sql.exec('PRAGMA synchronous = NORMAL');
      try {
        return this.#transaction('BEGIN IMMEDIATE', sql, work);
      } finally {
        sql.exec('PRAGMA synchronous = FULL');
      }
    });
  }

  /** Makes the file and its tables where they are missing. Throws `UnreachableError`. */
  async create(signal: AbortSignal): Promise<void> {
    if (!this.isThere()) this.#makeFile();
    await this.#patiently(signal, () => {
      this.#open({ making: true });
    });
  }

  close(): void {
    this.#closed = true;
    this.#sql = null;
    this.#database?.close();
    this.#database = null;
  }

  async #patiently<T>(signal: AbortSignal | null, attempt: () => T): Promise<T> {
    const deadline = Date.now() + this.#timeoutMs;
    for (;;) {
      signal?.throwIfAborted();
      try {
        return attempt();
      } catch (thrown) {
        if (!isBusy(thrown) || Date.now() >= deadline) throw readable(thrown, this.path);
      }
      await pause(1 + Math.random() * 20, signal);
    }
  }

  #transaction<T>(begin: string, sql: Sql, work: (sql: Sql) => T): T {
    sql.exec(begin);
    let result: T;
    try {
      result = work(sql);
    } catch (thrown) {
      this.#rollback(sql);
      throw thrown;
    }
    try {
      sql.exec('COMMIT');
    } catch (thrown) {
      this.#rollback(sql);
      if (isBusy(thrown)) throw thrown;
      throw new CommitInDoubt(`${this.path}: ${errorText(thrown)}`, { cause: thrown });
    }
    return result;
  }

  /** SQLite has rolled back by itself after some errors (a full disk): then there is nothing to do. */
  #rollback(sql: Sql): void {
    if (this.#database?.isTransaction === true) sql.exec('ROLLBACK');
  }

  #makeFile(): void {
    try {
      if (this.#mayMakeFolder) mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
      // Made before SQLite does, so that nobody else can read it; its journal files take the same mode.
      closeSync(openSync(this.path, 'a', 0o600));
    } catch (thrown) {
      throw new UnreachableError(`${this.path} cannot be made: ${errorText(thrown)}`, {
        cause: thrown,
        hint: `the folder ${dirname(this.path)} must exist and be writable`,
      });
    }
  }

  #open({ making = false } = {}): Sql {
    if (this.#sql !== null) return this.#sql;
    if (this.#closed) throw new Error('the driver was closed');
    if (!making && !this.isThere())
      throw new UnreachableError(`there is no file ${this.path}`, {
        hint: '"mqctl create CHANNEL" makes it, "mqctl demo" fills one to try',
      });
    const database = new DatabaseSync(this.path, { timeout: lockWaitMs, readBigInts: true });
    try {
      const sql = new Sql(database);
      this.#prepare(sql, database);
      this.#database = database;
      this.#sql = sql;
      return sql;
    } catch (thrown) {
      database.close();
      throw thrown;
    }
  }

  #prepare(sql: Sql, database: DatabaseSync): void {
    // A file of someone else may hold triggers and views that call what it likes.
    sql.exec('PRAGMA trusted_schema = OFF');
    const version = pragma(sql, 'user_version');
    const application = pragma(sql, 'application_id');
    if (application === 0n && version === 0n && sql.get('SELECT 1 FROM sqlite_schema') === undefined) {
      sql.exec('PRAGMA journal_mode = WAL');
      sql.exec('BEGIN IMMEDIATE');
      try {
        // Another process may have been first.
        if (pragma(sql, 'user_version') === 0n) {
          sql.exec(tables);
          sql.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}`);
        }
        sql.exec('COMMIT');
      } finally {
        if (database.isTransaction) sql.exec('ROLLBACK');
      }
    } else if (application !== BigInt(applicationId)) {
      throw new UnreachableError(`${this.path} is a SQLite database, but not one of mqctl`, {
        hint: 'name another file: this one was left as it is',
      });
    } else if (version > BigInt(schemaVersion)) {
      throw new UnreachableError(
        `${this.path} was written by a newer mqctl (format ${version}, this one knows ${schemaVersion})`,
        { hint: 'use the newer mqctl' },
      );
    }
    // FULL: what is acknowledged survives a power loss too, at one fsync for each transaction.
    sql.exec(
      'PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -8192; PRAGMA wal_autocheckpoint = 4000',
    );
  }
}

function pragma(sql: Sql, name: 'user_version' | 'application_id'): bigint {
  const row = sql.get(`SELECT ${name} AS value FROM pragma_${name}`);
  return row === undefined ? 0n : bigintOf(row, 'value');
}
