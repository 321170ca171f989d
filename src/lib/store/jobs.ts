/**
 * What was run, each in a folder of its own below the state folder:
 *
 *     redrives/20261121T072043-3fa9c2/   job.json  plan  journal  report.ndjson
 *
 * `job.json` is for people and lists; the journal is the truth.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { FailedError, NotFoundError, UsageError } from '../errors.ts';
import { readJsonFile, writeJsonFile } from './json-file.ts';

export const jobStates = ['planned', 'running', 'done', 'stopped', 'interrupted', 'failed'] as const;
export type JobState = (typeof jobStates)[number];

export interface Job {
  readonly id: string;
  readonly who: string;
  readonly host: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly endedAt: number | null;
  /** The context's name, or its URL without secrets. */
  readonly context: string;
  /** The driver's own name of where it ran, without secrets. */
  readonly target: string;
  readonly channel: string;
  readonly state: JobState;
  readonly counts: Readonly<Record<string, number>>;
  /** Why, as the operator said it. */
  readonly reason: string | null;
  /** Why it stopped before the end. */
  readonly stoppedBy: string | null;
}

export class JobStore {
  /** Where leases of this machine are kept. */
  readonly leaseFolder: string;
  readonly #folder: string;

  /** `stateFolder` is made as soon as something is kept. */
  constructor(stateFolder: string) {
    this.#folder = join(stateFolder, 'redrives');
    this.leaseFolder = join(stateFolder, 'leases');
  }

  folderOf(id: string): string {
    if (!/^[\w.-]+$/.test(id) || /^\.+$/.test(id))
      throw new UsageError(`${JSON.stringify(id)} is no job`, { hint: 'see mqctl jobs ls' });
    return join(this.#folder, id);
  }

  /** Makes the folder. */
  async create(job: Job): Promise<string> {
    const folder = this.folderOf(job.id);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await this.write(job);
    return folder;
  }

  async write(job: Job): Promise<void> {
    await writeJsonFile(join(this.folderOf(job.id), 'job.json'), job);
  }

  /** `last` is the newest that is not finished, else the newest, of `channel` where that is given. Throws `NotFoundError`. */
  async find(id: string, channel: string | null): Promise<Job> {
    if (id === 'last') {
      const candidates = (await this.list()).filter((job) => channel === null || job.channel === channel);
      const newest = candidates.find(({ state }) => state !== 'done' && state !== 'planned') ?? candidates[0];
      if (newest === undefined)
        throw new NotFoundError('job', channel === null ? id : `of ${channel}`, this.#folder, {
          hint: 'nothing was run yet on this machine',
        });
      return newest;
    }
    const document = await readJsonFile(join(this.folderOf(id), 'job.json'));
    if (document === undefined)
      throw new NotFoundError('job', id, this.#folder, {
        hint: `where it ran on another machine, copy its folder redrives/${id} from there to ${this.#folder}`,
      });
    return parseJob(document, id);
  }

  /** The newest first. */
  async list(): Promise<readonly Job[]> {
    const names = await readdir(this.#folder).catch(() => []);
    const jobs: Job[] = [];
    for (const name of names) {
      const document = await readJsonFile(join(this.#folder, name, 'job.json')).catch(() => undefined);
      if (document !== undefined) jobs.push(parseJob(document, name));
    }
    return jobs.sort((one, other) => other.startedAt - one.startedAt || (one.id < other.id ? 1 : -1));
  }

  /** Forgets it for good, its journal too. */
  async remove(id: string): Promise<void> {
    await rm(this.folderOf(id), { recursive: true });
  }
}

function parseJob(document: unknown, id: string): Job {
  const wrong = (field: string) =>
    new FailedError(`the record of job ${id} is damaged: ${field}`, { code: 'DAMAGED' });
  if (typeof document !== 'object' || document === null) throw wrong('no object');
  const fields: ReadonlyMap<string, unknown> = new Map(Object.entries(document));
  const text = (name: string): string => {
    const value = fields.get(name);
    if (typeof value !== 'string') throw wrong(name);
    return value;
  };
  const number = (name: string): number => {
    const value = fields.get(name);
    if (typeof value !== 'number') throw wrong(name);
    return value;
  };
  const optional = <T>(name: string, read: (name: string) => T): T | null =>
    (fields.get(name) ?? null) === null ? null : read(name);
  const state = jobStates.find((known) => known === fields.get('state'));
  if (state === undefined) throw wrong('state');
  return {
    id: text('id'),
    who: text('who'),
    host: text('host'),
    startedAt: number('startedAt'),
    endedAt: optional('endedAt', number),
    context: text('context'),
    target: text('target'),
    channel: text('channel'),
    state,
    counts: parseCounts(fields.get('counts')),
    reason: optional('reason', text),
    stoppedBy: optional('stoppedBy', text),
  };
}

function parseCounts(counts: unknown): Readonly<Record<string, number>> {
  if (typeof counts !== 'object' || counts === null) return {};
  const known: [string, number][] = [];
  for (const [name, value] of Object.entries(counts))
    if (typeof value === 'number') known.push([name, value]);
  return Object.fromEntries(known);
}
