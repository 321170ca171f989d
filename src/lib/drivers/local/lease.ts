import { randomUUID } from 'node:crypto';

import { FailedError } from '../../errors.ts';
import type { HeldLease, Lease, LeaseHolder } from '../driver.ts';
import { channelNamed } from './channels.ts';
import type { LocalFile } from './database.ts';
import { numberOf, textOf, type Row } from './rows.ts';
import { isDead, thisProcess } from './this-process.ts';

const renewMs = 2_000;
/** Without a renewal for so long, its holder is gone. */
const silentMs = 30_000;

/** One operator for each channel, as a row: whoever can reach the file sees it. */
export class LocalLease implements Lease {
  readonly #file: LocalFile;

  constructor(file: LocalFile) {
    this.#file = file;
  }

  async acquire(
    name: string,
    holder: LeaseHolder,
    takeOver: boolean,
    signal: AbortSignal,
  ): Promise<HeldLease> {
    this.#file.requireFor('channel', name);
    const token = randomUUID();
    const channel = await this.#file.write(signal, (sql) => {
      const { id } = channelNamed(sql, name, this.#file.path);
      const row = sql.get('SELECT * FROM operator_lease WHERE channel = ?', id);
      if (row !== undefined && !takeOver && isAlive(row)) throw heldError(name, row);
      sql.run(
        `INSERT OR REPLACE INTO operator_lease (channel, token, who, holder_host, since, pid, host, process_space, heartbeat_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        id,
        token,
        holder.who,
        holder.host,
        Math.trunc(holder.since),
        thisProcess.pid,
        thisProcess.host,
        thisProcess.processSpace,
        Date.now(),
      );
      return id;
    });
    return new RowLease(this.#file, channel, token);
  }
}

function isAlive(row: Row): boolean {
  const identity = {
    pid: numberOf(row, 'pid'),
    host: textOf(row, 'host'),
    processSpace: textOf(row, 'process_space'),
  };
  return numberOf(row, 'heartbeat_at') >= Date.now() - silentMs && !isDead(identity);
}

function heldError(channel: string, row: Row): FailedError {
  const since = new Date(numberOf(row, 'since')).toISOString();
  return new FailedError(
    `${textOf(row, 'who')} on ${textOf(row, 'holder_host')} (process ${numberOf(row, 'pid')}) has been working on "${channel}" since ${since}`,
    { code: 'HELD', retriable: true, hint: 'wait until it is done, or end it knowingly with --take-over' },
  );
}

class RowLease implements HeldLease {
  readonly lost: AbortSignal;
  readonly #file: LocalFile;
  readonly #channel: bigint;
  readonly #token: string;
  readonly #timer: NodeJS.Timeout;
  #released = false;

  constructor(file: LocalFile, channel: bigint, token: string) {
    this.#file = file;
    this.#channel = channel;
    this.#token = token;
    const loss = new AbortController();
    this.lost = loss.signal;
    this.#timer = setInterval(() => void this.#renew(loss), renewMs);
    this.#timer.unref();
  }

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    clearInterval(this.#timer);
    await this.#file.write(null, (sql) =>
      sql.run('DELETE FROM operator_lease WHERE channel = ? AND token = ?', this.#channel, this.#token),
    );
  }

  async #renew(loss: AbortController): Promise<void> {
    try {
      const kept = await this.#file.writeLazily(null, (sql) =>
        sql.run(
          'UPDATE operator_lease SET heartbeat_at = ? WHERE channel = ? AND token = ?',
          Date.now(),
          this.#channel,
          this.#token,
        ),
      );
      if (kept > 0 || this.#released) return;
      clearInterval(this.#timer);
      loss.abort(
        new FailedError('someone else has taken over this dead-letter channel', { code: 'LEASE_LOST' }),
      );
    } catch {
      // A renewal that fails is made good by the next one, many of them within the time that is granted.
    }
  }
}
