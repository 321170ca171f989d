import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import type { Appraisal } from '../drivers/driver.ts';
import { type JobStore, newJob } from '../store/jobs.ts';
import type { EditCheck } from './decision.ts';
import { DeliveryMemory, refuseBelowMargin } from './delivery-margin.ts';
import { Destinations } from './destination.ts';
import { refuseTooManyHeld } from './hold-limit.ts';
import { refuseNearLimit, rememberNear } from './near-limit.ts';
import type { KeepHeaders } from './outgoing.ts';
import { type PlanHead, PlanWriter } from './plan.ts';
import { preflight } from './preflight.ts';
import { fateNotes, guaranteeOf, startJournal, type Prepared } from './prepared.ts';
import { quarantineOf } from './quarantine.ts';
import { admitForgotten, type ForgottenChoice, unresolvedOf } from './resolution.ts';
import { channelEnds } from './returns.ts';
import { select, type Selection, type SelectionResult } from './select.ts';
import { selectionNotes } from './selection-notes.ts';
import { contentHashOf, type DeadLetterSource, isFree, lookOf } from './source.ts';

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
      changes: {
        edits: selection.edits.map((edit) => ({ ...edit, steps: [] })),
        others: selection.otherEdits,
      },
      goesTo: selection.destinations,
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

/** Throws `UsageError` where the plan would cost more than the system bears. */
function refuseTooCostly(source: DeadLetterSource, appraisal: Appraisal, selection: SelectionResult): void {
  refuseTooManyHeld(source, selection.totals.ahead, 0);
  refuseBelowMargin(appraisal, selection.highestDeliveryCount, 1);
}

function notesOf(source: DeadLetterSource, appraisal: Appraisal): string[] {
  const notes: string[] = [];
  if (!isFree(appraisal.cost)) notes.push('looking through them cost each one a delivery');
  if (source.driver.lease === undefined || source.declaration.facets.lease?.scope === 'machine')
    notes.push('who works on this channel is known on this machine only: nobody elsewhere is kept from it');
  return notes;
}
