/** Changing settings of a channel: plan → keep what is → change. And taking it back, "was not set" too. */
import { join } from 'node:path';
import type { ChannelSetting, Driver, DriverWith } from '../drivers/driver.ts';
import { FailedError, UnsupportedError, errorText } from '../errors.ts';
import { JobStore, newJob } from '../store/jobs.ts';
import type { Job } from '../store/jobs.ts';
import { readJsonFile, writeJsonFile } from '../store/json-file.ts';

const fileName = 'settings.json';
const version = 1;

export interface SettingMove {
  readonly name: string;
  /** The channel's own value; null: it was not set. */
  readonly before: string | null;
  /** null: as if it was never set. */
  readonly after: string | null;
  /** What applies now; null: nothing, or the system keeps it secret. */
  readonly effective: string | null;
}

export interface PreparedSettings {
  readonly channel: string;
  readonly moves: readonly SettingMove[];
  /** The job that is undone by this. */
  readonly undoes: Job | null;
}

export interface SettingsRecord {
  readonly stateFolder: string;
  readonly context: string;
  readonly reason: string | null;
}

/**
 * What would be changed; the system is asked whether it would take it. Throws `NotFoundError`, `UsageError`, and
 * `UnsupportedError` for what cannot be changed.
 */
export async function planSettings(
  { admin }: DriverWith<'admin'>,
  channel: string,
  wanted: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<PreparedSettings> {
  const settings = await admin.settings(channel, Object.keys(wanted), signal);
  const after = Object.values(wanted);
  const moves = settings.map((setting, index) => moveOf(channel, setting, after[index] ?? null));
  await admin.alter({ channel, changes: changesOf(moves), checkOnly: true }, signal);
  return { channel, moves, undoes: null };
}

/** Back to what was there before the last change that was not undone. Throws `FailedError` where there is none. */
export async function planSettingsUndo(
  driver: DriverWith<'admin'>,
  channel: string,
  stateFolder: string,
  signal: AbortSignal,
): Promise<PreparedSettings> {
  const jobs = new JobStore(stateFolder);
  for (const job of await jobs.list()) {
    const mine = job.kind === 'setting' && job.channel === channel && job.target === driver.target;
    if (!mine || job.state === 'undone' || job.state === 'failed') continue;
    const kept = await readKeptSettings(jobs.folderOf(job.id));
    if (kept === null || kept.undoes !== null) continue;
    const names = kept.before.map(({ name }) => name);
    const settings = await driver.admin.settings(channel, names, signal);
    const moves = settings.map((setting, index) =>
      moveOf(channel, setting, kept.before[index]?.value ?? null),
    );
    return { channel, moves, undoes: job };
  }
  throw new FailedError(`there is nothing to undo for "${channel}" at ${driver.target}`, {
    hint: 'settings are kept on the machine that changed them: see mqctl jobs ls --kind setting',
  });
}

/** What differs from what is. */
export function changed(moves: readonly SettingMove[]): readonly SettingMove[] {
  return moves.filter(({ before, after }) => before !== after);
}

/** Keeps what is, then changes all of it or nothing. Throws what `alter` throws. */
export async function applySettings(
  driver: DriverWith<'admin'> & Pick<Driver, 'target'>,
  { channel, moves, undoes }: PreparedSettings,
  { stateFolder, context, reason }: SettingsRecord,
  signal: AbortSignal,
): Promise<Job> {
  const wanted = changed(moves);
  const jobs = new JobStore(stateFolder);
  const job = newJob({ kind: 'setting', channel, context, target: driver.target, reason });
  const folder = await jobs.create(job);
  const before = wanted.map((move) => ({ name: move.name, value: move.before }));
  await writeJsonFile(join(folder, fileName), { version, undoes: undoes?.id ?? null, before });
  await jobs.write({ ...job, state: 'running' });
  const counts = { selected: wanted.length, set: 0 };
  try {
    await driver.admin.alter({ channel, changes: changesOf(wanted), checkOnly: false }, signal);
  } catch (error) {
    await jobs.write({ ...job, state: 'stopped', endedAt: Date.now(), counts, stoppedBy: errorText(error) });
    throw error;
  }
  const ended: Job = {
    ...job,
    state: 'done',
    endedAt: Date.now(),
    counts: { ...counts, set: wanted.length },
  };
  await jobs.write(ended);
  if (undoes !== null) await jobs.write({ ...undoes, state: 'undone' });
  return ended;
}

function moveOf(
  channel: string,
  { name, own, effective, fixed }: ChannelSetting,
  after: string | null,
): SettingMove {
  if (fixed !== null)
    throw new UnsupportedError(`the setting ${name} of "${channel}" cannot be changed`, { hint: fixed });
  return { name, before: own, after, effective };
}

function changesOf(moves: readonly SettingMove[]) {
  return moves.map(({ name, after }) => ({ name, value: after }));
}

interface KeptSettings {
  readonly undoes: string | null;
  readonly before: readonly { readonly name: string; readonly value: string | null }[];
}

/** null where nothing was kept: then nothing was changed either. Throws `FailedError` for a file that is not ours. */
export async function readKeptSettings(folder: string): Promise<KeptSettings | null> {
  const path = join(folder, fileName);
  const document = await readJsonFile(path);
  if (document === undefined) return null;
  const wrong = new FailedError(`${path} holds no settings that this mqctl kept`, { code: 'DAMAGED' });
  const { undoes, before, version: found } = fieldsOf(document);
  if (!Array.isArray(before) || found !== version) throw wrong;
  const items: readonly unknown[] = before;
  return {
    undoes: typeof undoes === 'string' ? undoes : null,
    before: items.map((item) => {
      const { name, value } = fieldsOf(item);
      if (typeof name !== 'string' || (value !== null && typeof value !== 'string')) throw wrong;
      return { name, value };
    }),
  };
}

function fieldsOf(document: unknown): Readonly<Record<string, unknown>> {
  return typeof document === 'object' && document !== null
    ? Object.fromEntries(Object.entries(document))
    : {};
}
