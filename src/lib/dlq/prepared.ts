import { join } from 'node:path';

import type { Job, JobStore } from '../store/jobs.ts';
import { RedriveJournal } from './journal.ts';
import { type PlanHead, type PlanTotals, readPlan } from './plan.ts';
import type { PlannedChanges } from './planned-changes.ts';
import type { BlastRadius } from './preflight.ts';
import type { Guarantee } from './report.ts';
import type { SelectionResult } from './select.ts';
import type { DeadLetterSource } from './source.ts';

/** A plan that is kept, and what a person should know before saying yes. */
export interface Prepared {
  readonly job: Job;
  readonly planPath: string;
  readonly totals: PlanTotals;
  /** null for a plan that was made before. */
  readonly selection: SelectionResult | null;
  /** What is changed on the way, by edit. Of a job that is taken up again: it was shown when that began. */
  readonly changes: PlannedChanges;
  /** How many go back to each channel; empty for what is taken up again. */
  readonly goesTo: ReadonlyMap<string, number>;
  readonly guarantee: Guarantee;
  /** Who else would receive them: not without being told so. */
  readonly blast: readonly BlastRadius[];
  /** What may surprise, a sentence each. */
  readonly notes: readonly string[];
  /** Nobody knows any more what became of what was in flight: it is moved again, and named. */
  readonly forgotten: boolean;
}

/** With what the plan leaves out already recorded. `plain`: it leaves out nothing and puts nothing aside. */
export async function startJournal(
  jobs: JobStore,
  job: Job,
  planPath: string,
  totals: PlanTotals,
  plain: boolean,
): Promise<void> {
  const journal = await RedriveJournal.create(join(jobs.folderOf(job.id), 'journal'), totals.selected);
  if (plain) {
    await journal.close();
    return;
  }
  for await (const items of readPlan(planPath))
    for (const { ordinal, leftOut, quarantine } of items)
      if (quarantine !== null) journal.record('ASIDE', [ordinal], quarantine);
      else if (leftOut !== null) journal.record(leftOut.as, [ordinal], leftOut.reason);
  await journal.sync();
  await journal.close();
}

/** What can be promised of all of them: exactly once only where each goes in one step. */
export async function guaranteeOf(
  { driver }: DeadLetterSource,
  { channel, copy }: PlanHead,
  { destinations }: PlanTotals,
  signal: AbortSignal,
): Promise<Guarantee> {
  if (driver.atomicMove === undefined || copy) return 'at-least-once';
  const atomic = await driver.movesAtomically?.(channel, Object.keys(destinations), signal);
  return atomic === false ? 'at-least-once' : 'exactly-once';
}

/** What becomes of the dead letters, and of what they stand for. */
export function fateNotes({ declaration }: DeadLetterSource, head: PlanHead): readonly string[] {
  if (head.copy) return ['they are copied, and stay where they are'];
  if (declaration.facets.deadLetters?.originals !== 'stay') return [];
  return head.deleteOriginals
    ? ['the originals are deleted, too: nobody who has not read them yet will']
    : ['the originals stay where they are: --delete-original deletes them, too'];
}
