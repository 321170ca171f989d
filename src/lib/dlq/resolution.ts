import { dirname, join } from 'node:path';

import type { MessageReference, ResolvedState } from '../drivers/driver.ts';
import { FailedError, UnsupportedError, UsageError } from '../errors.ts';
import type { Message } from '../message/message.ts';
import { readJournal } from '../store/journal-file.ts';
import type { Job, JobStore } from '../store/jobs.ts';
import { journalKind, RedriveJournal } from './journal.ts';
import { checkPlan, readPlan, readPlanHead } from './plan.ts';
import type { DeadLetterSource } from './source.ts';

/** Which dead letters are still to be worked on. */
export interface Unresolved {
  readonly has: (message: Message) => boolean;
  /** null where the channel itself forgets what was resolved. */
  readonly state: ResolvedState | null;
}

/** Where a channel keeps its dead letters for ever, what was resolved is recorded beside it. */
export async function unresolvedOf(
  { driver, declaration }: DeadLetterSource,
  channel: string,
  signal: AbortSignal,
): Promise<Unresolved> {
  if (declaration.facets.deadLetters?.by !== 'recorded') return { has: () => true, state: null };
  const state = (await driver.deadLetters?.resolved?.(channel, signal)) ?? null;
  return { has: (message) => state?.isResolved(message) !== true, state };
}

/** What the operator says where nobody knows any more what was resolved. */
export interface ForgottenChoice {
  /** Redrive although it was forgotten. */
  readonly treatAsNew?: boolean;
  /** A journal that still says what was resolved: what it moved is recorded as resolved again. */
  readonly resolvedFrom?: string | null;
}

/**
 * Whether what was resolved is no longer known, so that redriving may send messages twice: `resumed` is the job that goes
 * on. Throws `FailedError` with code `FORGOTTEN` where it is so and nothing was chosen; `UsageError`, `FailedError` for a
 * journal that is none of this channel.
 */
export async function admitForgotten(
  source: DeadLetterSource,
  jobs: JobStore,
  channel: string,
  choice: ForgottenChoice,
  resumed: Job | null,
  signal: AbortSignal,
): Promise<boolean> {
  const { state } = await unresolvedOf(source, channel, signal);
  if (state === null) return false;
  const before = await whoMoved(source, jobs, channel, state, resumed);
  const forgotten = state.memory === 'forgotten' || before !== null;
  const { treatAsNew = false, resolvedFrom = null } = choice;
  if (resolvedFrom !== null) await resolveAgain(source, channel, resolvedFrom, signal);
  if (!forgotten || treatAsNew || resolvedFrom !== null) return forgotten;
  throw new FailedError(
    `which dead letters of "${channel}" were resolved has been forgotten${before === null ? '' : `: ${before.said}`}`,
    {
      code: 'FORGOTTEN',
      hint:
        before === null
          ? 'say --treat-as-new if it is right to redrive them all'
          : `say --resolved-from ${before.journal} to record again what it moved, or --treat-as-new if it is right to redrive them all`,
    },
  );
}

/** So that a record which is gone later is known to be forgotten, and not for one that never was. */
export async function beginRecord(
  source: DeadLetterSource,
  channel: string,
  signal: AbortSignal,
): Promise<void> {
  const { state } = await unresolvedOf(source, channel, signal);
  if (state?.memory === 'fresh') await source.driver.deadLetters?.resolve?.(channel, [], signal);
}

interface Witness {
  readonly said: string;
  readonly journal: string;
}

/** A run of this machine that knows better than the record; null: none does. */
async function whoMoved(
  { driver: { target } }: DeadLetterSource,
  jobs: JobStore,
  channel: string,
  state: ResolvedState,
  resumed: Job | null,
): Promise<Witness | null> {
  if (resumed !== null && (await isCopy(jobs.folderOf(resumed.id)))) return null; // it resolves nothing
  if (resumed !== null && (await movedUnrecorded(jobs.folderOf(resumed.id), state)))
    return witness(jobs, resumed.id, 'moved some of them');
  if (state.memory !== 'fresh') return null;
  const { jobs: all, damaged } = await jobs.survey();
  for (const { id, counts, ...job } of all) {
    if (job.kind !== 'redrive' || job.channel !== channel || job.target !== target) continue;
    const moved = counts['moved'] ?? 0;
    if (await isCopy(jobs.folderOf(id))) continue;
    if (moved > 0) return witness(jobs, id, `moved ${moved.toString()} of them`);
    // A run that was killed did not come to write down what it moved.
    if (job.state === 'running' && (await intended(jobs.folderOf(id))))
      return witness(jobs, id, 'moved some of them');
  }
  for (const { id } of damaged) {
    const head = await readPlanHead(join(jobs.folderOf(id), 'plan')).catch(() => null);
    if (
      head?.channel === channel &&
      head.target === target &&
      !head.copy &&
      (await intended(jobs.folderOf(id)))
    )
      return witness(jobs, id, 'moved some of them');
  }
  return null;
}

/** A plan that cannot be read any more may have moved what it says. */
async function isCopy(folder: string): Promise<boolean> {
  return (await readPlanHead(join(folder, 'plan')).catch(() => null))?.copy === true;
}

function witness(jobs: JobStore, id: string, did: string): Witness {
  return { said: `job ${id} ${did}`, journal: join(jobs.folderOf(id), 'journal') };
}

/** Whether anything was about to be moved; a journal that cannot be read does not say no. */
async function intended(folder: string): Promise<boolean> {
  try {
    for await (const lines of readJournal(join(folder, 'journal'), journalKind))
      if (lines.some(({ text }) => text.startsWith('INTENT '))) return true;
    return false;
  } catch {
    return true;
  }
}

/** Whether the job's own journal says of something that it was moved, of which the record does not know. */
async function movedUnrecorded(folder: string, state: ResolvedState): Promise<boolean> {
  for await (const reference of movedBy(folder)) if (!state.isResolved(reference)) return true;
  return false;
}

/** What a journal is sure to have moved. Throws `FailedError` where it cannot be trusted. */
async function* movedBy(folder: string): AsyncGenerator<MessageReference> {
  const plan = join(folder, 'plan');
  const { selected } = await checkPlan(plan);
  const state = await RedriveJournal.read(join(folder, 'journal'), selected);
  for await (const items of readPlan(plan)) {
    for (const { ordinal, reference } of items) {
      const standing = state.standing(ordinal);
      if (standing === 'done' || standing === 'confirmed') yield reference;
    }
  }
}

const recordedAtOnce = 10_000;

async function resolveAgain(
  { driver }: DeadLetterSource,
  channel: string,
  journal: string,
  signal: AbortSignal,
): Promise<void> {
  const { deadLetters } = driver;
  if (deadLetters?.resolve === undefined)
    throw new UnsupportedError(`what was resolved is not recorded at ${driver.target}`);
  const folder = dirname(journal);
  const head = await readPlanHead(join(folder, 'plan'));
  if (head.channel !== channel || head.target !== driver.target)
    throw new UsageError(
      `${journal} is of "${head.channel}" at ${head.target}, not of "${channel}" at ${driver.target}`,
    );
  if (head.copy)
    throw new UsageError(`${journal} is of a copy, which resolved nothing: what it published is unresolved`);
  let references: MessageReference[] = [];
  for await (const reference of movedBy(folder)) {
    references.push(reference);
    if (references.length < recordedAtOnce) continue;
    await deadLetters.resolve(channel, references, signal);
    references = [];
  }
  await deadLetters.resolve(channel, references, signal);
}
