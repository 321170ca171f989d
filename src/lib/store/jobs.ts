/**
 * What was run, each in a folder of its own below the state folder:
 *
 *     jobs/20261121T072043-3fa9c2/   job.json, and what its kind keeps: a plan, a journal, a report, what was there before
 *
 * `job.json` is for people and lists; the journal is the truth.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { FailedError, NotFoundError, UsageError, errorText } from '../errors.ts';
import { ExclusiveLock } from './exclusive-lock.ts';
import { readJsonFile, writeJsonFile } from './json-file.ts';
import { thisOperator } from './operator.ts';

export const jobKinds = ['redrive', 'replay', 'reset', 'setting'] as const;
export type JobKind = (typeof jobKinds)[number];

/** `undone`: a reset or setting that was put back as it was. */
const jobStates = ['planned', 'running', 'done', 'stopped', 'interrupted', 'failed', 'undone'] as const;
export type JobState = (typeof jobStates)[number];

/** They need nothing more from anyone. */
const finished: ReadonlySet<JobState> = new Set(['done', 'planned', 'undone']);

export interface Job {
  readonly id: string;
  readonly kind: JobKind;
  readonly who: string;
  readonly host: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly endedAt: number | null;
  /** The context's name, or its URL without secrets. */
  readonly context: string;
  /** The driver's own name of where it ran, without secrets. */
  readonly target: string;
  /** Of a reset: the group. */
  readonly channel: string;
  readonly state: JobState;
  readonly counts: Readonly<Record<string, number>>;
  /** Why, as the operator said it. */
  readonly reason: string | null;
  /** Why it stopped before the end. */
  readonly stoppedBy: string | null;
}

/** A job that begins now. */
export function newJob(request: Pick<Job, 'kind' | 'channel' | 'context' | 'target' | 'reason'>): Job {
  const now = new Date();
  const time = now.toISOString().replace(/[-:]|\.\d+Z$/g, '');
  const { kind, channel, context, target, reason } = request;
  return {
    id: `${time}-${randomBytes(3).toString('hex')}`,
    kind,
    ...thisOperator(),
    startedAt: now.getTime(),
    endedAt: null,
    context,
    target,
    channel,
    state: 'planned',
    counts: {},
    reason,
    stoppedBy: null,
  };
}

/** A job whose record cannot be read; its plan and journal may still be whole. */
export interface DamagedJob {
  readonly id: string;
  readonly problem: string;
}

export class JobStore {
  /** Where leases of this machine are kept. */
  readonly leaseFolder: string;
  /** Where it is kept how often the messages of a channel were delivered. */
  readonly deliveriesFolder: string;
  readonly #folder: string;

  /** `stateFolder` is made as soon as something is kept. */
  constructor(stateFolder: string) {
    this.#folder = join(stateFolder, 'jobs');
    this.leaseFolder = join(stateFolder, 'leases');
    this.deliveriesFolder = join(stateFolder, 'deliveries');
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

  /**
   * `last` is the newest that is not finished, else the newest, of `channel` and `kind` where they are given. Throws
   * `NotFoundError`, also for a job of another kind.
   */
  async find(id: string, channel: string | null, kind: JobKind | null = null): Promise<Job> {
    if (id === 'last') {
      const candidates = (await this.list()).filter(
        (job) => (channel === null || job.channel === channel) && (kind === null || job.kind === kind),
      );
      const newest = candidates.find(({ state }) => !finished.has(state)) ?? candidates[0];
      if (newest === undefined)
        throw new NotFoundError('job', channel === null ? id : `of ${channel}`, this.#folder, {
          hint: 'nothing was run yet on this machine',
        });
      return newest;
    }
    const document = await readJsonFile(join(this.folderOf(id), 'job.json'));
    const job = document === undefined ? null : parseJob(document, id);
    if (job !== null && kind !== null && job.kind !== kind)
      throw new NotFoundError(kind, id, this.#folder, { hint: `that job is a ${job.kind}` });
    if (job === null)
      throw new NotFoundError('job', id, this.#folder, {
        hint: `where it ran on another machine, copy its folder jobs/${id} from there to ${this.#folder}`,
      });
    return job;
  }

  /** The newest first; without those whose record is damaged. */
  async list(): Promise<readonly Job[]> {
    return (await this.survey()).jobs;
  }

  /** All of them, the newest first, and beside them those whose record cannot be read. */
  async survey(): Promise<{ readonly jobs: readonly Job[]; readonly damaged: readonly DamagedJob[] }> {
    const names = await readdir(this.#folder).catch(() => []);
    const jobs: Job[] = [];
    const damaged: DamagedJob[] = [];
    for (const name of names) {
      try {
        const document = await readJsonFile(join(this.#folder, name, 'job.json'));
        if (document !== undefined) jobs.push(parseJob(document, name));
      } catch (error) {
        damaged.push({ id: name, problem: errorText(error) });
      }
    }
    jobs.sort((one, other) => other.startedAt - one.startedAt || (one.id < other.id ? 1 : -1));
    return { jobs, damaged };
  }

  /** The lock that a run of this job holds. */
  lockOf(id: string): string {
    return join(this.folderOf(id), 'lock');
  }

  /** Forgets it for good, its journal too. */
  async remove(id: string): Promise<void> {
    await rm(this.folderOf(id), { recursive: true });
  }

  /** The same, unless it runs just now. Throws `FailedError` with code `HELD`, `NotFoundError`. */
  async removeIdle(id: string): Promise<void> {
    const folder = this.folderOf(id);
    if ((await stat(folder).catch(() => null)) === null) throw new NotFoundError('job', id, this.#folder);
    const lock = await ExclusiveLock.tryAcquire(this.lockOf(id), 'jobs rm');
    if (!(lock instanceof ExclusiveLock))
      throw new FailedError(`job ${id} is being run by ${lock.heldBy}`, {
        code: 'HELD',
        hint: 'wait until it ends, or end it with Ctrl-C first',
      });
    try {
      await this.remove(id);
    } finally {
      lock.release();
    }
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
  // What was kept before there were kinds is a redrive.
  const kind = jobKinds.find((known) => known === (fields.get('kind') ?? 'redrive'));
  if (kind === undefined) throw wrong('kind');
  return {
    id: text('id'),
    kind,
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
