import { open } from 'node:fs/promises';
import { join } from 'node:path';

import type { Job } from '../store/jobs.ts';
import { wasPutAside } from './decision.ts';
import type { RedriveJournal } from './journal.ts';
import { markId } from './mark.ts';
import { readPlan, type PlanTotals } from './plan.ts';
import { isMoved, type RedriveCounts, type RedriveState, type Standing } from './redrive-state.ts';
import { messageName } from './message-name.ts';
import type { Run } from './run.ts';

export type Guarantee = 'exactly-once' | 'at-least-once';

/** A message that is not simply moved, or not surely once. */
export interface ReportedMessage {
  readonly ordinal: number;
  /** As a person names it in the dead-letter channel. */
  readonly id: string;
  /** In its mark. */
  readonly redriveId: string;
  readonly destination: string;
  readonly standing: Standing;
  readonly reason: string | null;
}

export interface RedriveReport extends Omit<RedriveCounts, 'possibleDuplicates'> {
  readonly id: string;
  readonly channel: string;
  readonly bytes: number;
  readonly state: 'done' | 'stopped' | 'interrupted';
  readonly stoppedBy: string | null;
  readonly possibleDuplicateCount: number;
  /** Moved to the quarantine because a person said so. A part of `putAside`. */
  readonly putAsideAsAsked: number;
  /** The first hundred; all are in `reportFile`. */
  readonly possibleDuplicates: readonly ReportedMessage[];
  /** Failed, drifted, quarantined without having been asked for, in doubt: the first hundred. */
  readonly failures: readonly ReportedMessage[];
  readonly returnedMessages: readonly ReportedMessage[];
  readonly guarantees: Readonly<Record<string, Guarantee>>;
  readonly headersRemoved: Readonly<Record<string, number>>;
  readonly headersAdded: Readonly<Record<string, number>>;
  /** Moved without our mark, for which there was no room, in this run. */
  readonly unmarked: number;
  readonly journal: string;
  readonly reportFile: string;
}

interface ReportedLists {
  readonly possibleDuplicates: readonly ReportedMessage[];
  readonly failures: readonly ReportedMessage[];
  readonly returnedMessages: readonly ReportedMessage[];
  readonly putAsideAsAsked: number;
}

const listed = 100;
const linesAtOnce = 1_000;

/** Writes a line for each message that a person may have to look at; resolves with the first of each kind. */
async function writeReportFile(
  path: string,
  planPath: string,
  planId: string,
  journal: RedriveJournal,
): Promise<ReportedLists> {
  const possibleDuplicates: ReportedMessage[] = [];
  const failures: ReportedMessage[] = [];
  const returnedMessages: ReportedMessage[] = [];
  let putAsideAsAsked = 0;
  const { state } = journal;
  const file = await open(path, 'w', 0o600);
  try {
    let lines: string[] = [];
    if (isUneventful(state)) return { possibleDuplicates, failures, returnedMessages, putAsideAsAsked };
    for await (const items of readPlan(planPath)) {
      for (const { ordinal, reference, hash, destination, quarantine } of items) {
        const moved = state.standing(ordinal);
        const standing = moved === 'done' && quarantine !== null ? 'quarantined' : moved;
        const asAsked = isMoved(moved) && quarantine !== null && wasPutAside(quarantine);
        if (asAsked) putAsideAsAsked += 1;
        const again = state.isAgain(ordinal);
        const returned = state.isReturned(ordinal);
        const wrong = standing !== 'done' && standing !== 'planned';
        if (!wrong && !again && !returned) continue;
        const message: ReportedMessage = {
          ordinal,
          id: messageName(reference, hash),
          redriveId: markId(planId, ordinal),
          destination,
          standing,
          reason: journal.reasonOf(ordinal),
        };
        lines.push(`${JSON.stringify({ ...message, possibleDuplicate: again, returned })}\n`);
        if (lines.length >= linesAtOnce) {
          await file.write(lines.join(''));
          lines = [];
        }
        if (again && possibleDuplicates.length < listed) possibleDuplicates.push(message);
        if (returned && returnedMessages.length < listed) returnedMessages.push(message);
        if (wrong && !asAsked && standing !== 'confirmed' && failures.length < listed) failures.push(message);
      }
    }
    await file.write(lines.join(''));
  } finally {
    await file.close();
  }
  return { possibleDuplicates, failures, returnedMessages, putAsideAsAsked };
}

/** Each was moved or waits for it, as planned: no message has a line of its own. */
function isUneventful(state: RedriveState): boolean {
  const { quarantined, returned, possibleDuplicates, selected } = state.counts();
  if (quarantined + returned + possibleDuplicates > 0) return false;
  return state.count('done') + state.count('planned') === selected;
}

/** What became of each, in `folder` with its lists. `atomic`: published and removed in one step. */
export async function reportOf(
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
