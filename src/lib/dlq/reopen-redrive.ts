import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';

import { UsageError } from '../errors.ts';
import { type Job, type JobStore, newJob } from '../store/jobs.ts';
import { EditsOfPlan } from './planned-changes.ts';
import { checkPlan, type PlanHead, readPlanHead, readPlanTotals } from './plan.ts';
import { preflight } from './preflight.ts';
import type { PlanRequest } from './prepare-redrive.ts';
import { fateNotes, guaranteeOf, startJournal, type Prepared } from './prepared.ts';
import { admitForgotten, type ForgottenChoice } from './resolution.ts';
import type { DeadLetterSource } from './source.ts';

/** Takes up a plan from a file, to run exactly that. Throws `FailedError` where it cannot be trusted, `UsageError`. */
export async function adoptPlan(
  source: DeadLetterSource,
  jobs: JobStore,
  file: string,
  request: Pick<PlanRequest, 'channel' | 'context' | 'reason'> & ForgottenChoice,
  signal: AbortSignal = new AbortController().signal,
): Promise<Prepared> {
  const head = await readPlanHead(file);
  refuseOther(head, source, request.channel);
  await admitForgotten(source, jobs, request.channel, request, null, signal);
  let plain = true;
  const goesTo = new Map<string, number>();
  const edits = new EditsOfPlan();
  const totals = await checkPlan(file, (item) => {
    const { leftOut, quarantine, destination } = item;
    edits.see(item);
    if (leftOut !== null || quarantine !== null) plain = false;
    else goesTo.set(destination, (goesTo.get(destination) ?? 0) + 1);
  });
  const { blast, notes } = await preflight(source.driver, totals.destinations, signal);
  const changes = await edits.shown(source, request.channel, signal);
  const job = newJob({ kind: 'redrive', ...request, target: source.driver.target });
  const planPath = join(await jobs.create(job), 'plan');
  await copyFile(file, planPath);
  await startJournal(jobs, job, planPath, totals, plain);
  return {
    job,
    planPath,
    totals,
    selection: null,
    changes,
    goesTo,
    guarantee: await guaranteeOf(source, head, totals, signal),
    blast,
    notes: [...fateNotes(source, head), ...notes],
    forgotten: false,
  };
}

/** Throws `UsageError` where a job came to its end and left nothing open. */
export function refuseFinished({ id, state, counts }: Job): void {
  const open = (counts['remaining'] ?? 0) + (counts['inDoubt'] ?? 0) + (counts['unsettled'] ?? 0);
  if (state !== 'done' || open > 0) return;
  throw new UsageError(`job ${id} is done: there is nothing left to go on with`, {
    hint: `what became of each: mqctl jobs show ${id}`,
  });
}

/** The plan of a job that was interrupted. Throws `UsageError` for another channel or place, `FailedError` with code `FORGOTTEN`. */
export async function reopenRedrive(
  source: DeadLetterSource,
  jobs: JobStore,
  id: string,
  channel: string | null,
  choice: ForgottenChoice & { readonly reason?: string | null } = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<Prepared> {
  const job = await jobs.find(id, channel, 'redrive');
  refuseFinished(job);
  const planPath = join(jobs.folderOf(job.id), 'plan');
  const head = await readPlanHead(planPath);
  refuseOther(head, source, channel ?? job.channel);
  const forgotten = await admitForgotten(source, jobs, job.channel, choice, job, signal);
  const totals = await readPlanTotals(planPath); // all of it is read, and checked, when it runs
  return {
    job: { ...job, reason: bothReasons(job.reason, choice.reason ?? null) },
    planPath,
    totals,
    selection: null,
    changes: { edits: [], others: 0 },
    goesTo: new Map(),
    guarantee: await guaranteeOf(source, head, totals, signal),
    blast: [], // it was agreed to when it began
    notes: [],
    forgotten,
  };
}

/** What was said when it began stays. */
function bothReasons(first: string | null, second: string | null): string | null {
  const reasons = new Set([first, second].filter((reason) => reason !== null));
  return reasons.size === 0 ? null : [...reasons].join('; ');
}

function refuseOther(head: PlanHead, { driver }: DeadLetterSource, channel: string): void {
  if (head.channel === channel && head.target === driver.target) return;
  throw new UsageError(
    `this plan is for "${head.channel}" at ${head.target}, not for "${channel}" at ${driver.target}`,
  );
}
