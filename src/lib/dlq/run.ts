import type { Appraisal, Declaration, Driver } from '../drivers/driver.ts';
import type { Message } from '../message/message.ts';
import type { ContentHash } from './content-hash.ts';
import type { Clock } from './clock.ts';
import type { Departed } from './departed.ts';
import type { Governor } from './governor.ts';
import type { RedriveJournal } from './journal.ts';
import { toOutgoing, type Outgoing } from './outgoing.ts';
import type { PlanHead } from './plan.ts';
import type { PlannedEdits } from './planned-edits.ts';
import type { Matcher, PlanTable } from './plan-table.ts';
import { originalName } from './message-name.ts';
import { routingKeyOf } from './routing-key.ts';
import type { Returns } from './returns.ts';

/** What both ways of moving messages share. */
export interface Run {
  readonly driver: Driver;
  readonly declaration: Declaration;
  readonly head: PlanHead;
  readonly planPath: string;
  readonly table: PlanTable;
  readonly journal: RedriveJournal;
  readonly matcher: Matcher;
  readonly hash: ContentHash;
  readonly governor: Governor;
  readonly returns: Returns;
  readonly departed: Departed;
  readonly clock: Clock;
  readonly headers: HeaderTally;
  /** So many headers each destination takes; null: any number. */
  readonly headerLimits: ReadonlyMap<string, number | null>;
  readonly edits: PlannedEdits;
  readonly inFlight: number;
  /** As the channel is when the run begins. */
  readonly appraisal: Appraisal;
  /** A message was delivered so often that it is near the delivery limit. */
  readonly onNearLimit: (count: number) => Promise<void>;
  /** null: the system's own. */
  readonly leaseMs: number | null;
  /** Never aborts: what is in flight is finished whatever happens. */
  readonly finishing: AbortSignal;
  readonly onMoved: (count: number) => void;
  readonly onNote: (text: string) => void;
}

/** Names of headers that were taken off or put on, and how often. */
export class HeaderTally {
  readonly removed = new Map<string, number>();
  readonly added = new Map<string, number>();
  unmarked = 0;

  count({ removed, added, unmarked }: Outgoing): void {
    if (unmarked) this.unmarked += 1;
    for (const name of removed) this.removed.set(name, (this.removed.get(name) ?? 0) + 1);
    for (const name of added) this.added.set(name, (this.added.get(name) ?? 0) + 1);
  }
}

/** Why a run ended before the end, without being an error of its own. */
export interface Ended {
  readonly stoppedBy: string | null;
}

/** Throws `FailedError` where an edit no longer fits. */
export function departing(run: Run, ordinal: number, message: Message): Outgoing {
  const edit = run.table.editOf(ordinal);
  const destination = run.table.destinationOf(ordinal);
  const departure = {
    plan: run.head.id,
    ordinal,
    keepHeaders: run.head.keepHeaders,
    cause: run.table.causeOf(ordinal),
    quarantine: run.table.isForQuarantine(ordinal),
    routingKey: routingKeyOf(run, run.head, destination, message),
    mostHeaders: run.headerLimits.get(destination) ?? null,
    dedupeProperty: run.declaration.facets.publish?.dedupeProperty ?? null,
    edited:
      edit === null
        ? null
        : {
            message: run.edits.apply(edit, message).message,
            original: originalName(message, run.hash.of(message)),
          },
  };
  const outgoing = toOutgoing(message, departure, run.driver.deadLetters);
  if (!departure.quarantine) run.departed.note(ordinal, outgoing.message);
  return outgoing;
}

interface Numbered {
  readonly ordinal: number;
}

/** What is put aside goes first, and by itself: nobody works on it, so it needs no ramp and proves nothing of the others. */
export function asideFirst<Work extends Numbered>({ table }: Run, works: readonly Work[]): readonly Work[] {
  const isAside = ({ ordinal }: Work): boolean => table.isForQuarantine(ordinal);
  return [...works.filter(isAside), ...works.filter((work) => !isAside(work))];
}

/** How many of these, from the front, may go now; `paced`: whether the governor has a say in it. 0: it has to end. */
export async function admitted(
  { table, governor, inFlight }: Run,
  works: readonly Numbered[],
  signal: AbortSignal,
): Promise<{ readonly count: number; readonly paced: boolean }> {
  const first = works.findIndex(({ ordinal }) => !table.isForQuarantine(ordinal));
  const aside = first < 0 ? works.length : first;
  if (aside > 0 && !signal.aborted) return { count: Math.min(aside, inFlight), paced: false };
  return { count: await governor.admit(works.length, signal), paced: true };
}

/** Whether anything of the plan still waits to be met. */
export function isFinished({ journal: { state } }: Run): boolean {
  return state.count('planned') === 0 && state.count('intended') === 0;
}

/** A sorted copy, as the journal takes them. */
export function ascending(ordinals: readonly number[]): readonly number[] {
  return [...ordinals].sort((one, other) => one - other);
}
