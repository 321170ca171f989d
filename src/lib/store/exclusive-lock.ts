/**
 * One holder at a time on this machine. The operating system holds the lock (through SQLite's file locks), so it ends
 * with the process however that ends, and a process number that was given to someone else cannot keep it.
 */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { FailedError, errorText } from '../errors.ts';

export class ExclusiveLock {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Where someone else holds it, `heldBy` is what that one noted. The file is made where it is missing, 0600. */
  static async tryAcquire(path: string, note: string): Promise<ExclusiveLock | { readonly heldBy: string }> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const database = openDatabase(path);
    try {
      // The note is committed so that others can read it; then an open transaction is what is held.
      database.exec(
        'PRAGMA busy_timeout = 200; CREATE TABLE IF NOT EXISTS holder (note TEXT NOT NULL); BEGIN IMMEDIATE; DELETE FROM holder',
      );
      database.prepare('INSERT INTO holder (note) VALUES (?)').run(note);
      database.exec('COMMIT; BEGIN IMMEDIATE');
      return new ExclusiveLock(database);
    } catch (error) {
      const heldBy = isBusy(error) ? readNote(database) : null;
      database.close();
      if (heldBy !== null) return { heldBy };
      throw new FailedError(`could not lock ${path}: ${errorText(error)}`, { cause: error });
    }
  }

  release(): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

function openDatabase(path: string): DatabaseSync {
  const before = process.umask(0o077);
  try {
    return new DatabaseSync(path);
  } catch (error) {
    throw new FailedError(`could not open ${path}: ${errorText(error)}`, { cause: error });
  } finally {
    process.umask(before);
  }
}

function readNote(database: DatabaseSync): string {
  if (database.isTransaction) database.exec('ROLLBACK');
  const note = database.prepare('SELECT note FROM holder').get()?.['note'];
  return typeof note === 'string' ? note : '';
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && /locked|busy/i.test(error.message);
}
