import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';

import type { LocalFile, Sql } from './database.ts';
import { bigintOrNull, numberOf, textOf, type Row } from './rows.ts';
import { isDead, thisProcess, type ProcessIdentity } from './this-process.ts';

/** Who takes from a channel, or publishes in a transaction. */
export interface SessionRow extends ProcessIdentity {
  readonly id: string;
  readonly group: bigint | null;
  readonly channel: bigint | null;
}

const heartbeatMs = 5_000;
/** After so long without a heartbeat nobody is taken for a live member. */
const silentMs = 20_000;
/** After so long the remains of a process of another machine are cleaned up. */
const abandonedMs = 600_000;
const sweepRows = 5_000;
const removeStaged = 'DELETE FROM staged WHERE id IN (SELECT id FROM staged WHERE session = ? LIMIT ?)';

/** A row that says "I am here", kept fresh until it is closed. */
export class Session {
  readonly id: string = randomUUID();
  readonly #file: LocalFile;
  readonly #timer: NodeJS.Timeout;

  private constructor(file: LocalFile) {
    this.#file = file;
    // A beat that fails is made good by the next one.
    this.#timer = setInterval(() => void this.#beat().catch(() => undefined), heartbeatMs);
    this.#timer.unref();
  }

  /** `begin` runs in the transaction that makes the row. */
  static async start(
    file: LocalFile,
    kind: 'claim' | 'publish',
    signal: AbortSignal,
    begin: (sql: Sql) => { readonly group: bigint | null; readonly channel: bigint },
  ): Promise<Session> {
    await sweep(file, signal);
    const session = new Session(file);
    try {
      await file.write(signal, (sql) => {
        const { group, channel } = begin(sql);
        const now = Date.now();
        sql.run(
          `INSERT INTO session (id, kind, group_id, channel, pid, host, process_space, started_at, heartbeat_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
          session.id,
          kind,
          group,
          channel,
          thisProcess.pid,
          thisProcess.host,
          thisProcess.processSpace,
          now,
          now,
        );
      });
    } catch (thrown) {
      clearInterval(session.#timer);
      throw thrown;
    }
    return session;
  }

  /** `end` runs in the transaction that ends it. */
  async close(end: (sql: Sql) => void): Promise<void> {
    clearInterval(this.#timer);
    await this.#file.write(null, (sql) => {
      end(sql);
      endSession(sql, this.id);
    });
    await removeEnded(this.#file, null);
  }

  async #beat(): Promise<void> {
    await this.#file.writeLazily(null, (sql) =>
      sql.run('UPDATE session SET heartbeat_at = ? WHERE id = ?', Date.now(), this.id),
    );
  }
}

/** The live consumers, of one group or of all (null), of one channel or of all. */
export function liveMembers(sql: Sql, group: bigint | null, channel: bigint | null): readonly SessionRow[] {
  return sql
    .all(
      `SELECT id, group_id, channel, pid, host, process_space FROM session
       WHERE kind = 'claim' AND heartbeat_at >= ?1 AND (?2 IS NULL OR group_id = ?2) AND (?3 IS NULL OR channel = ?3)
       ORDER BY started_at, id`,
      Date.now() - silentMs,
      group,
      channel,
    )
    .map(sessionOf)
    .filter((session) => !isDead(session));
}

function sessionOf(row: Row): SessionRow {
  return {
    id: textOf(row, 'id'),
    group: bigintOrNull(row, 'group_id'),
    channel: bigintOrNull(row, 'channel'),
    pid: numberOf(row, 'pid'),
    host: textOf(row, 'host'),
    processSpace: textOf(row, 'process_space'),
  };
}

/**
 * Cleans up after processes that were killed: what they had claimed is free at once, what they had staged goes away. Only
 * where their death is certain, or after ten minutes of silence.
 */
export async function sweep(file: LocalFile, signal: AbortSignal): Promise<void> {
  const dead = await file.read(signal, deadSessions);
  if (dead.length > 0)
    await file.write(signal, (sql) => {
      for (const { id, group, channel } of dead) {
        if (group !== null)
          sql.run(
            'UPDATE delivery SET lease_until = 0 WHERE group_id = ? AND channel = ? AND acked = 0 AND owner = ?',
            group,
            channel,
            id,
          );
        endSession(sql, id);
      }
    });
  await removeEnded(file, signal);
}

/** A session that has ended: what it staged can never be published any more. */
export function endSession(sql: Sql, id: string): void {
  sql.run("UPDATE session SET kind = 'ended' WHERE id = ?", id);
}

/** Takes away what ended sessions staged, step by step, and then themselves. */
async function removeEnded(file: LocalFile, signal: AbortSignal | null): Promise<void> {
  for (;;) {
    const row = await file.read(signal, (sql) =>
      sql.get("SELECT id FROM session WHERE kind = 'ended' LIMIT 1"),
    );
    if (row === undefined) return;
    const id = textOf(row, 'id');
    await file.write(signal, (sql) => {
      if (sql.run(removeStaged, id, sweepRows) < sweepRows) sql.run('DELETE FROM session WHERE id = ?', id);
    });
    await nextTurn();
  }
}

function deadSessions(sql: Sql): readonly SessionRow[] {
  const now = Date.now();
  return sql
    .all(
      "SELECT id, group_id, channel, pid, host, process_space, heartbeat_at FROM session WHERE kind <> 'ended'",
    )
    .filter((row) => numberOf(row, 'heartbeat_at') < now - abandonedMs || isDead(sessionOf(row)))
    .map(sessionOf);
}
