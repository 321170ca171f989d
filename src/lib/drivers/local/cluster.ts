import { statSync } from 'node:fs';

import type { Cluster, ClusterStatus } from '../driver.ts';
import type { LocalFile } from './database.ts';
import { numberOf, textOf } from './rows.ts';
import { schemaVersion } from './schema.ts';
import { thisProcess } from './this-process.ts';

/** Checking reads the whole file with the event loop stopped: beyond this it would take too long. */
const largestChecked = 2 * 1024 ** 3;

/** The file is the cluster: its size, its journal, and whether it is sound. */
export class LocalCluster implements Cluster {
  readonly #file: LocalFile;

  constructor(file: LocalFile) {
    this.#file = file;
  }

  async status(signal: AbortSignal): Promise<ClusterStatus> {
    const { path } = this.#file;
    const size = sizeOfFile(path);
    const isChecked = size <= largestChecked;
    return this.#file.read(signal, (sql) => {
      const text = (query: string): string => textOf(sql.get(query) ?? {}, 'value');
      const number = (query: string): number => numberOf(sql.get(query) ?? {}, 'value');
      const version = text('SELECT sqlite_version() AS value');
      const problems = isChecked
        ? sql
            .all('PRAGMA quick_check(10)')
            .map((row) => textOf(row, 'quick_check'))
            .filter((line) => line !== 'ok')
        : [];
      return {
        system: 'mqctl local',
        version: `SQLite ${version}`,
        cluster: path,
        nodes: [{ node: thisProcess.host, address: path, version, role: null, running: true }],
        problems: problems.map((line) => `the file is damaged: ${line}`),
        facts: {
          file: path,
          bytes: String(size),
          walBytes: String(sizeOfFile(`${path}-wal`)),
          journal: text('SELECT journal_mode AS value FROM pragma_journal_mode'),
          format: String(schemaVersion),
          channels: String(number('SELECT count(*) AS value FROM channel WHERE deleted = 0')),
          messages: String(number('SELECT coalesce(sum(messages), 0) AS value FROM partition')),
        },
        unknown: isChecked
          ? []
          : ['whether the file is sound: it is over 2 GiB, ask sqlite3 with "pragma quick_check"'],
      };
    });
  }
}

function sizeOfFile(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
