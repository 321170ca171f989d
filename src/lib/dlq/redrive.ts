/**
 * Redrive: the dead letters that are selected go back to where they came from, once, at a pace that the service behind
 * bears. Plan → run → report; what a run leaves open is taken up by `resume`.
 */
import { join } from 'node:path';

import type { HeldLease } from '../drivers/driver.ts';
import { errorText, FailedError, UnsupportedError } from '../errors.ts';
import { ExclusiveLock } from '../store/exclusive-lock.ts';
import type { JobState, JobStore } from '../store/jobs.ts';
import { thisOperator } from '../store/operator.ts';
import { assemble } from './assemble-run.ts';
import { atomicMoves } from './atomic-moves.ts';
import { DeliveryMemory, refuseBelowMargin } from './delivery-margin.ts';
import { refuseTooManyHeld, roundsOf } from './hold-limit.ts';
import { RedriveJournal } from './journal.ts';
import { acquireLease } from './lease.ts';
import { PlanTable } from './plan-table.ts';
import { type PlanTotals, readPlanHead } from './plan.ts';
import type { Prepared } from './prepared.ts';
import { type RedriveReport, reportOf } from './report.ts';
import { beginRecord } from './resolution.ts';
import { type OpenMove, runAtomic } from './run-atomic.ts';
import { runClaimed } from './run-claimed.ts';
import { runCopied } from './run-copied.ts';
import type { RunOptions } from './run-options.ts';
import type { Ended, Run } from './run.ts';
import { type DeadLetterSource, lookOf } from './source.ts';
import { watchMsFor } from './watch-time.ts';

export interface RedriveResult {
  readonly report: RedriveReport;
  /** What broke the run off, as it was thrown; null where nothing did. */
  readonly error: unknown;
}

/** Runs what is left of a plan. An interrupted run is a report, not an error; so is one that the ramp or the breaker stopped. */
export async function runRedrive(
  source: DeadLetterSource,
  jobs: JobStore,
  prepared: Prepared,
  options: RunOptions,
  signal: AbortSignal,
): Promise<RedriveResult> {
  const { job, planPath, totals, forgotten } = prepared;
  const folder = jobs.folderOf(job.id);
  const operator = thisOperator();
  const lock = await ExclusiveLock.tryAcquire(jobs.lockOf(job.id), `${operator.who} at ${operator.host}`);
  if (!(lock instanceof ExclusiveLock))
    throw new FailedError(`job ${job.id} is being run by ${lock.heldBy}`, { code: 'HELD' });
  let lease: HeldLease | null = null;
  let journal: RedriveJournal | null = null;
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  try {
    const head = await readPlanHead(planPath);
    const table = await PlanTable.load(planPath, head.id, totals.selected);
    lease = await acquireLease(source, jobs, head.channel, options, both);
    const { lost } = lease;
    lost.addEventListener('abort', () => stop.abort(lossOf(lost.reason)));
    const appraisal = await lookOf(source).appraise(head.channel, both);
    const memory = new DeliveryMemory(jobs.deliveriesFolder);
    if (options.lookAgain !== true)
      await memory.refuseKnown(source.driver.target, head.channel, appraisal, 1);
    refuseTooManyHeld(source, totals.ahead, options.inFlight);
    const seen = prepared.selection?.highestDeliveryCount ?? null;
    refuseBelowMargin(appraisal, seen, roundsOf(totals, appraisal, options));
    journal = await RedriveJournal.reopen(join(folder, 'journal'), totals.selected);
    journal.note('RUN', { ...operator, at: Date.now() });
    await jobs.write({ ...job, state: 'running', endedAt: null, stoppedBy: null });
    const watchMs = options.canaryWaitMs ?? watchMsFor(totals, options.leaseMs ?? null);
    const timed = { ...options, watchMs };
    const run = await assemble(source, head, planPath, table, journal, appraisal, memory, timed, signal);
    if (forgotten) sendAgain(journal);
    if (!head.copy) await beginRecord(source, head.channel, both);
    const atomic = head.copy ? null : await atomicMoves(run);
    const ended = await move(run, source, totals, atomic, both).catch((error: unknown) => ({
      stoppedBy: errorText(error),
      // What was aborted ends for the reason of the abort, however it was worded.
      error: both.aborted ? lostLease(stop.signal) : error,
    }));
    const error = ended.error ?? lostLease(stop.signal);
    const stoppedBy = error === null ? ended.stoppedBy : errorText(error);
    const state: JobState = signal.aborted ? 'interrupted' : stoppedBy === null ? 'done' : 'stopped';
    journal.note(state === 'done' ? 'END' : 'STOPPED', stoppedBy);
    await journal.sync();
    const report = await reportOf(run, job, folder, totals, state, stoppedBy, atomic !== null);
    const counts = { ...journal.state.counts() };
    await jobs.write({ ...job, state, endedAt: Date.now(), counts, stoppedBy });
    return { report, error };
  } finally {
    await journal?.close();
    await lease?.release().catch(() => undefined); // it ends with the connection anyway
    lock.release();
  }
}

/** Nobody can say what became of them: they go again under the same id, and are named. */
function sendAgain(journal: RedriveJournal): void {
  const unsure = [...journal.state.with('intended')];
  journal.record('AGAIN', unsure);
  journal.record('NOT-MOVED', unsure);
}

/** In one step where the system can, else in two. */
async function move(
  run: Run,
  source: DeadLetterSource,
  totals: PlanTotals,
  atomic: OpenMove | null,
  signal: AbortSignal,
): Promise<Ended & { readonly error: unknown }> {
  if (run.head.copy) return { ...(await runCopied(run, source, totals.ahead, signal)), error: null };
  const ended =
    atomic === null
      ? await runClaimed(run, claimTraits(source), totals.ahead, signal)
      : await runAtomic(run, source, atomic, signal);
  return { ...ended, error: null };
}

/** Somebody took it over, or its connection broke: the driver says which. */
function lossOf(reason: unknown): FailedError {
  return reason instanceof FailedError ? reason : new FailedError('somebody else took this over');
}

function lostLease(stop: AbortSignal): unknown {
  return stop.aborted ? stop.reason : null;
}

function claimTraits({ declaration }: DeadLetterSource) {
  const traits = declaration.facets.claim;
  if (traits === undefined)
    throw new UnsupportedError(`${declaration.system} has no way to take single messages out of a channel`);
  return traits;
}
