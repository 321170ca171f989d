/**
 * Redrive: the dead letters that are selected go back to where they came from, once, at a pace that the service behind
 * bears. Plan → run → report; what a run leaves open is taken up by `resume`.
 */
import { createHash, randomBytes } from 'node:crypto';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Appraisal, AtomicMove, Driver, HeldLease } from '../drivers/driver.ts';
import type { Positions } from '../message/position.ts';
import { FailedError, NotFoundError, UnsupportedError, UsageError, errorText } from '../errors.ts';
import { ExclusiveLock } from '../store/exclusive-lock.ts';
import { thisOperator } from '../store/operator.ts';
import type { JobStore } from '../store/jobs.ts';
import { newJob, type Job, type JobState } from '../store/jobs.ts';
import { Breaker } from './breaker.ts';
import { Canary } from './canary.ts';
import type { Clock } from './clock.ts';
import { ContentHash } from './content-hash.ts';
import type { EditCheck } from './decision.ts';
import { belowMargin, DeliveryMemory, refuseBelowMargin } from './delivery-margin.ts';
import { Departed } from './departed.ts';
import { Destinations, type Destination } from './destination.ts';
import { Governor } from './governor.ts';
import { RedriveJournal } from './journal.ts';
import { acquireLease } from './lease.ts';
import type { KeepHeaders } from './outgoing.ts';
import { batchSize, Pacer } from './pacing.ts';
import { isOwnGroup, preflight, type BlastRadius } from './preflight.ts';
import { checkPlan, PlanWriter, readPlan, readPlanHead, type PlanHead, type PlanTotals } from './plan.ts';
import { PlannedEdits } from './planned-edits.ts';
import { Matcher, PlanTable } from './plan-table.ts';
import { quarantineOf } from './quarantine.ts';
import { writeReportFile, type Guarantee, type RedriveReport } from './report.ts';
import { admitForgotten, beginRecord, unresolvedOf, type ForgottenChoice } from './resolution.ts';
import { channelEnds, ReturnsByDepth, ReturnsByLook, type DepthParts, type Returns } from './returns.ts';
import { HeaderTally, type Ended, type Run } from './run.ts';
import { runCopied } from './run-copied.ts';
import { runAtomic, type OpenMove } from './run-atomic.ts';
import { heldAtMost, runClaimed } from './run-claimed.ts';
import { select, type Selection, type SelectionResult } from './select.ts';
import { selectionNotes } from './selection-notes.ts';
import { isFree, lookOf, type DeadLetterSource } from './source.ts';

export interface PlanRequest extends ForgottenChoice {
  readonly channel: string;
  readonly selection: Selection;
  /** null: each where it came from. */
  readonly to: string | null;
  readonly keepHeaders: KeepHeaders;
  readonly maxRedrives: number;
  /** Look although a message there was near the delivery limit when it was last seen. */
  readonly lookAgain?: boolean;
  /** The context's name, for the record. */
  readonly context: string;
  readonly reason: string | null;
  /** Where messages are put aside; undefined or null: the channel named `<dead letters>.quarantine`, if it is there. */
  readonly quarantine?: string | null;
  /** Asked for each edited message, as it would arrive: what is wrong with it keeps it where it is. */
  readonly check?: EditCheck | null;
  /** Publish and leave them where they are. */
  readonly copy?: boolean;
  /** So many more were looked at for the plan. */
  readonly onLooked?: (count: number) => void;
  /** What has no room for our mark stays where it is. */
  readonly requireMark?: boolean;
  /** Where a dead letter stands for a message that stays where it was: delete that one, too. */
  readonly deleteOriginals?: boolean;
  /** For a destination that passes on by a key; undefined or null: each message's own. */
  readonly routingKey?: string | null;
}

/** A plan that is kept, and what a person should know before saying yes. */
export interface Prepared {
  readonly job: Job;
  readonly planPath: string;
  readonly totals: PlanTotals;
  /** null for a plan that was made before. */
  readonly selection: SelectionResult | null;
  readonly destinations: readonly Destination[];
  readonly guarantee: Guarantee;
  /** Who else would receive them: not without being told so. */
  readonly blast: readonly BlastRadius[];
  /** What may surprise, a sentence each. */
  readonly notes: readonly string[];
  /** Nobody knows any more what became of what was in flight: it is moved again, and named. */
  readonly forgotten: boolean;
}

/** The longest that the messages' own delays make a step be watched. */
const longestWatchMs = 600_000;

/** How long each step of the ramp is watched where nobody said it: 10 s, twice the time that failing took, the lease; the longest. */
export function watchMsFor({ failureDelayMs }: PlanTotals, leaseMs: number | null): number {
  return Math.max(defaultWatchMs, Math.min(longestWatchMs, 2 * (failureDelayMs ?? 0)), leaseMs ?? 0);
}

export interface RunOptions {
  /** Messages a second; null: as fast as it goes. */
  readonly ratePerSecond: number | null;
  readonly inFlight: number;
  readonly canary: boolean;
  /** null: as `watchMsFor` says. */
  readonly canaryWaitMs: number | null;
  /** How long what is claimed is hidden from others, where a system gives leases; null or undefined: its own default. */
  readonly leaseMs?: number | null;
  /** Waits while more than so many wait in a destination. */
  readonly maxBacklog?: number | null;
  readonly takeOver: boolean;
  /** Go on although a message there was near the delivery limit when it was last seen. */
  readonly lookAgain?: boolean;
  readonly clock: Clock;
  readonly onProgress: (moved: number) => void;
  /** So many more came back. */
  readonly onReturned?: (count: number) => void;
  readonly onNote: (text: string) => void;
}

export interface RedriveResult {
  readonly report: RedriveReport;
  /** What broke the run off, as it was thrown; null where nothing did. */
  readonly error: unknown;
}

/** How long each step of the canary is watched where nobody said it. */
const defaultWatchMs = 10_000;
/** Deliveries that a plan and its run cost each message. */
const lookingAndMoving = 2;

/**
 * Selects, and keeps the plan. Nothing is moved. What is selected, and what is done with each, is `request.selection`:
 * a filter for the command line; `decide` (see `decidedByName`) and `messages` for a screen on which a person has decided
 * message by message: redrive, elsewhere, edited, quarantine, skip. Then show `Prepared`, ask, and `runRedrive` it, or
 * `jobs.remove(prepared.job.id)`.
 * Throws `UsageError`, `NotFoundError`, `FailedError`.
 */
export async function prepareRedrive(
  source: DeadLetterSource,
  jobs: JobStore,
  request: PlanRequest,
  signal: AbortSignal,
): Promise<Prepared> {
  const { driver } = source;
  const { channel } = request;
  await driver.describe(channel, signal); // a name that is not there is told before anything else
  const appraisal = await lookOf(source).appraise(channel, signal);
  const memory = new DeliveryMemory(jobs.deliveriesFolder);
  await refuseNearLimit(source, memory, channel, appraisal, request.lookAgain ?? false, signal);
  await admitForgotten(source, jobs, channel, request, null, signal);
  const unresolved = await unresolvedOf(source, channel, signal);
  const declared = (await driver.deadLetters?.pairs(signal).catch(() => [])) ?? [];
  const from = declared.filter(({ deadLetter }) => deadLetter === channel).map(({ source: name }) => name);
  const destinations = new Destinations(driver, channel, request.to, [...new Set(from)]);
  const aside = await quarantineOf(driver, channel, request.quarantine ?? null, signal);
  const job = newJob({ kind: 'redrive', ...request, target: driver.target });
  const head: PlanHead = {
    id: randomBytes(8).toString('hex'),
    target: driver.target,
    channel,
    madeAt: job.startedAt,
    keepHeaders: request.keepHeaders,
    ends: await channelEnds(driver, channel, signal),
    exhaustive: request.selection.equalOnesAlike,
    copy: request.copy === true,
    deleteOriginals: request.deleteOriginals === true,
    routingKey: request.routingKey ?? null,
  };
  const planPath = join(await jobs.create(job), 'plan');
  try {
    const plan = await PlanWriter.create(planPath, head);
    const hash = contentHashOf(source);
    let highest: number | null = null;
    const parts = {
      source,
      head,
      hash,
      unresolved,
      destinations,
      appraisal,
      maxRedrives: request.maxRedrives,
      quarantine: aside === null ? null : await new Destinations(driver, channel, null, []).at(aside, signal),
      check: request.check ?? null,
      requireMark: request.requireMark ?? false,
      onLooked: request.onLooked ?? (() => undefined),
      onDelivered: (count: number) => {
        highest = Math.max(count, highest ?? 0);
      },
    };
    const selection = await select(parts, request.selection, plan, signal).catch(async (error: unknown) => {
      await plan.abandon();
      await memory.rememberBroken(driver.target, channel, appraisal, highest);
      throw error;
    });
    await rememberNear(memory, driver.target, channel, appraisal, selection);
    refuseTooCostly(source, appraisal, selection);
    const { blast, notes } = await preflight(driver, selection.totals.destinations, signal);
    const plain = selection.leftOut.length === 0 && selection.quarantined === null;
    await startJournal(jobs, job, planPath, selection.totals, plain);
    return {
      job,
      planPath,
      totals: selection.totals,
      selection,
      destinations: destinations.all,
      guarantee: await guaranteeOf(source, head, selection.totals, signal),
      blast,
      notes: [
        ...fateNotes(source, head),
        ...notes,
        ...selectionNotes(source, channel, appraisal, selection),
        ...notesOf(source, appraisal),
      ],
      forgotten: false,
    };
  } catch (error) {
    await jobs.remove(job.id);
    throw error;
  }
}

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
  const totals = await checkPlan(file, ({ leftOut, quarantine }) => {
    if (leftOut !== null || quarantine !== null) plain = false;
  });
  const { blast, notes } = await preflight(source.driver, totals.destinations, signal);
  const job = newJob({ kind: 'redrive', ...request, target: source.driver.target });
  const planPath = join(await jobs.create(job), 'plan');
  await copyFile(file, planPath);
  await startJournal(jobs, job, planPath, totals, plain);
  return {
    job,
    planPath,
    totals,
    selection: null,
    destinations: [],
    guarantee: await guaranteeOf(source, head, totals, signal),
    blast,
    notes: [...fateNotes(source, head), ...notes],
    forgotten: false,
  };
}

/** The plan of a job that was interrupted. Throws `UsageError` for another channel or place, `FailedError` with code `FORGOTTEN`. */
export async function reopenRedrive(
  source: DeadLetterSource,
  jobs: JobStore,
  id: string,
  channel: string | null,
  choice: ForgottenChoice = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<Prepared> {
  const job = await jobs.find(id, channel, 'redrive');
  const planPath = join(jobs.folderOf(job.id), 'plan');
  const head = await readPlanHead(planPath);
  refuseOther(head, source, channel ?? job.channel);
  const forgotten = await admitForgotten(source, jobs, job.channel, choice, job, signal);
  const totals = await checkPlan(planPath);
  return {
    job,
    planPath,
    totals,
    selection: null,
    destinations: [],
    guarantee: await guaranteeOf(source, head, totals, signal),
    blast: [], // it was agreed to when it began
    notes: [],
    forgotten,
  };
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
    const table = await PlanTable.load(planPath, head.id, totals.selected);
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

/** With what the plan leaves out already recorded. `plain`: it leaves out nothing and puts nothing aside. */
async function startJournal(
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
  for await (const { ordinal, leftOut, quarantine } of readPlan(planPath))
    if (quarantine !== null) journal.record('ASIDE', [ordinal], quarantine);
    else if (leftOut !== null) journal.record(leftOut.as, [ordinal], leftOut.reason);
  await journal.sync();
  await journal.close();
}

function refuseOther(head: PlanHead, { driver }: DeadLetterSource, channel: string): void {
  if (head.channel === channel && head.target === driver.target) return;
  throw new UsageError(
    `this plan is for "${head.channel}" at ${head.target}, not for "${channel}" at ${driver.target}`,
  );
}

function contentHashOf({ driver }: DeadLetterSource): ContentHash {
  return new ContentHash(driver.deadLetters ?? { volatileHeaders: [], volatileProperties: [] });
}

async function guaranteeOf(
  { driver }: DeadLetterSource,
  { channel, copy }: PlanHead,
  { destinations }: PlanTotals,
  signal: AbortSignal,
): Promise<Guarantee> {
  if (driver.atomicMove === undefined || copy) return 'at-least-once';
  const atomic = await driver.movesAtomically?.(channel, Object.keys(destinations), signal);
  return atomic === false ? 'at-least-once' : 'exactly-once';
}

function claimTraits({ declaration }: DeadLetterSource) {
  const traits = declaration.facets.claim;
  if (traits === undefined)
    throw new UnsupportedError(`${declaration.system} has no way to take single messages out of a channel`);
  return traits;
}

/** What lies near the limit need not be the first one, which alone is looked at before all are: so it is kept. */
async function rememberNear(
  memory: DeliveryMemory,
  target: string,
  channel: string,
  appraisal: Appraisal,
  { highestDeliveryCount, looked }: SelectionResult,
): Promise<void> {
  if (highestDeliveryCount !== null && belowMargin(appraisal, highestDeliveryCount, 1) !== null)
    await memory.remember(target, channel, highestDeliveryCount);
  else if (appraisal.waiting !== null && looked >= appraisal.waiting) await memory.forget(target, channel);
}

/** Throws `UsageError` where the plan would cost more than the system bears. */
function refuseTooCostly(source: DeadLetterSource, appraisal: Appraisal, selection: SelectionResult): void {
  refuseTooManyHeld(source, selection.totals.ahead, 0);
  refuseBelowMargin(appraisal, selection.highestDeliveryCount, 1);
}

/** How many messages may be held together; null: no limit, or none need be. */
export function mostHeld({ driver, declaration }: DeadLetterSource): number | null {
  const traits = declaration.facets.claim;
  if (traits === undefined || driver.atomicMove !== undefined) return null;
  return traits.holdLimit;
}

/** Throws `UsageError` where more would have to be held than the system bears. */
function refuseTooManyHeld(source: DeadLetterSource, ahead: number, inFlight: number): void {
  const most = mostHeld(source);
  const byReference = source.declaration.facets.claim?.select ?? false;
  if (most === null || ahead + inFlight <= most || byReference !== false) return;
  throw new UsageError(
    `${ahead.toString()} messages that are not selected lie in front of the last one that is, and at most ${(most - inFlight).toString()} can be held beside those in flight`,
    { hint: 'select from the front with --limit, or redrive --all' },
  );
}

/** How often what is held is delivered: once, and once more each time that it is given back before the broker takes it back. */
function roundsOf(
  totals: PlanTotals,
  { longestHoldMs }: Appraisal,
  { ratePerSecond, canary, canaryWaitMs, leaseMs }: RunOptions,
): number {
  const { selected, ahead } = totals;
  if (longestHoldMs === null || ahead === 0) return 1;
  const moving = ratePerSecond === null ? 0 : (selected / ratePerSecond) * 1_000;
  const watchMs = canaryWaitMs ?? watchMsFor(totals, leaseMs ?? null);
  const watching = canary ? Canary.steps(selected).length * watchMs : 0;
  return 1 + Math.floor((moving + watching) / (longestHoldMs * heldAtMost));
}

/**
 * One message is looked at before all of them are: where the broker would soon drop them, that is one delivery and not one of
 * each; and none where it is known from the time before.
 */
async function refuseNearLimit(
  source: DeadLetterSource,
  memory: DeliveryMemory,
  channel: string,
  appraisal: Appraisal,
  lookAgain: boolean,
  signal: AbortSignal,
): Promise<void> {
  if (isFree(appraisal.cost) || appraisal.deliveryLimit === null || appraisal.waiting === 0) return;
  const { target } = source.driver;
  if (!lookAgain) await memory.refuseKnown(target, channel, appraisal, lookingAndMoving);
  const from: Positions = { every: { kind: 'start', shift: 0n } };
  const first = { channel, from, until: null, follow: false, partitions: null, limit: 1, uncommitted: false };
  const looking = await lookOf(source).open(first, signal);
  await Array.fromAsync(looking.batches);
  const { deliveryCount } = looking.report();
  if (belowMargin(appraisal, deliveryCount, lookingAndMoving) === null) return;
  await memory.remember(target, channel, deliveryCount ?? 0);
  refuseBelowMargin(appraisal, deliveryCount, lookingAndMoving);
}

/** What becomes of the dead letters, and of what they stand for. */
function fateNotes({ declaration }: DeadLetterSource, head: PlanHead): readonly string[] {
  if (head.copy) return ['they are copied, and stay where they are'];
  if (declaration.facets.deadLetters?.originals !== 'stay') return [];
  return head.deleteOriginals
    ? ['the originals are deleted, too: nobody who has not read them yet will']
    : ['the originals stay where they are: --delete-original deletes them, too'];
}

function notesOf(source: DeadLetterSource, appraisal: Appraisal): string[] {
  const notes: string[] = [];
  if (!isFree(appraisal.cost)) notes.push('looking through them cost each one a delivery');
  if (source.driver.lease === undefined || source.declaration.facets.lease?.scope === 'machine')
    notes.push('who works on this channel is known on this machine only: nobody elsewhere is kept from it');
  return notes;
}

async function assemble(
  source: DeadLetterSource,
  head: PlanHead,
  planPath: string,
  table: PlanTable,
  journal: RedriveJournal,
  appraisal: Appraisal,
  memory: DeliveryMemory,
  options: RunOptions & { readonly watchMs: number },
  signal: AbortSignal,
): Promise<Run> {
  const { driver } = source;
  const { clock, onNote, onProgress, ratePerSecond } = options;
  const hash = contentHashOf(source);
  const matcher = new Matcher(table, journal.state, hash);
  const departed = new Departed(head.id);
  const { state } = journal;
  const awaited = state.count('planned') + state.count('intended') + state.count('confirmed');
  const returns = await watcherOf(
    source,
    head,
    appraisal,
    { clock, departed, awaited, isAwaited: (message) => matcher.isAwaited(message) },
    signal,
  );
  if (returns.blind !== null) onNote(returns.blind);
  const toGoBack = [...state.with('planned')].filter((ordinal) => !table.isForQuarantine(ordinal));
  const governor = new Governor({
    pacer: new Pacer(ratePerSecond, clock),
    canary: new Canary(options.canary, toGoBack.length),
    breaker: new Breaker(),
    returns,
    clock,
    watchMs: options.watchMs,
    overload: (within) => overloadOf(driver, table.destinations, options.maxBacklog ?? null, within),
    batchSize: batchSize(ratePerSecond, options.inFlight),
    onReturned: (ordinals) => {
      const fresh = ordinals.filter(
        (ordinal) => ordinal < table.selected && !journal.state.isReturned(ordinal),
      );
      journal.record('RETURNED', fresh);
      if (fresh.length > 0) options.onReturned?.(fresh.length);
      return fresh.length;
    },
    onNote,
  });
  return {
    driver,
    declaration: source.declaration,
    head,
    planPath,
    table,
    journal,
    matcher,
    hash,
    governor,
    returns,
    departed,
    clock,
    headers: new HeaderTally(),
    headerLimits: await headerLimitsOf(driver, table.destinations, signal),
    edits: await PlannedEdits.load(table.edits),
    inFlight: options.inFlight,
    leaseMs: options.leaseMs ?? null,
    finishing: new AbortController().signal,
    appraisal,
    onNearLimit: (count) => memory.remember(driver.target, head.channel, count),
    onMoved: onProgress,
    onNote,
  };
}

/** null for one that is gone: publishing to it says so. */
async function headerLimitsOf(
  driver: Driver,
  channels: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number | null>> {
  const limits = new Map<string, number | null>();
  for (const channel of channels) {
    const asked = await driver.publish?.limits(channel, signal).catch((error: unknown) => {
      if (error instanceof NotFoundError) return null;
      throw error;
    });
    limits.set(channel, asked?.headers ?? null);
  }
  return limits;
}

/** Whether more waits in one of them than was said. Where that is unknown, nothing speaks against going on. */
async function overloadOf(
  driver: Driver,
  channels: readonly string[],
  most: number | null,
  signal: AbortSignal,
): Promise<string | null> {
  if (most === null) return null;
  const backlog = (await driver.backlog?.read({ groups: null, channels }, signal)) ?? [];
  for (const { channel, group, partitions } of backlog) {
    if (group !== null && isOwnGroup(group)) continue; // nobody waits for those
    const waiting = partitions.reduce((sum, each) => sum + (each.waiting ?? 0), 0);
    if (waiting > most)
      return `${waiting.toString()} wait in "${channel}"${group === null ? '' : ` for "${group}"`}`;
  }
  return null;
}

async function watcherOf(
  source: DeadLetterSource,
  head: PlanHead,
  { cost }: Appraisal,
  watching: Pick<DepthParts, 'clock' | 'departed' | 'awaited' | 'isAwaited'>,
  signal: AbortSignal,
): Promise<Returns> {
  const { driver } = source;
  const { channel, ends } = head;
  const look = lookOf(source);
  return isFree(cost)
    ? new ReturnsByLook(driver, look, channel, watching.departed, ends)
    : ReturnsByDepth.start({ driver, look, channel, ...watching }, signal);
}

/** How to open an atomic move; null where this system has none from here to these destinations. */
async function atomicMoves({ driver, head, table, finishing }: Run): Promise<OpenMove | null> {
  const [first] = table.destinations;
  if (driver.atomicMove === undefined || first === undefined) return null;
  // One that cannot be reached in one step: then all go in two, so that the plan told the truth of each.
  if ((await driver.movesAtomically?.(head.channel, table.destinations, finishing)) === false) return null;
  const attempt = async (channel: string): Promise<AtomicMove | null> => {
    // The same in every run of this redrive, so that a later one fences an earlier one.
    const name = `${head.id}-${createHash('sha256').update(channel).digest('hex').slice(0, 8)}`;
    const request = { source: head.channel, destination: driver, channel, name };
    return (await driver.atomicMove?.(request, finishing)) ?? null;
  };
  const probe = await attempt(first);
  await probe?.close();
  if (probe === null) return null;
  return async (channel) => {
    const opened = await attempt(channel);
    if (opened === null)
      throw new FailedError(`"${channel}" cannot be moved to in one step, although "${first}" can`);
    return opened;
  };
}

async function reportOf(
  run: Run,
  job: Job,
  folder: string,
  totals: PlanTotals,
  state: 'done' | 'stopped' | 'interrupted',
  stoppedBy: string | null,
  atomic: boolean,
): Promise<RedriveReport> {
  const { head, journal, planPath, table, headers } = run;
  const reportFile = join(folder, 'report.ndjson');
  const lists = await writeReportFile(reportFile, planPath, head.id, journal);
  const { possibleDuplicates, ...counts } = journal.state.counts();
  const guarantee: Guarantee = atomic ? 'exactly-once' : 'at-least-once';
  return {
    id: job.id,
    channel: head.channel,
    bytes: totals.bytes,
    ...counts,
    state,
    stoppedBy,
    possibleDuplicateCount: possibleDuplicates,
    ...lists,
    guarantees: Object.fromEntries(table.destinations.map((channel) => [channel, guarantee])),
    headersRemoved: Object.fromEntries(headers.removed),
    headersAdded: Object.fromEntries(headers.added),
    unmarked: headers.unmarked,
    journal: journal.path,
    reportFile,
  };
}
