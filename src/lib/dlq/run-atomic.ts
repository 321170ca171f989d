/** Moves where publishing and removing are one step: exactly once, also over crashes. */
import type { AtomicMove, MoveItem, Outcome, Recovered } from '../drivers/driver.ts';
import { readAnswers } from './answers.ts';
import { FailedError, MqctlError, errorText } from '../errors.ts';
import type { Message } from '../message/message.ts';
import type { Position, Positions } from '../message/position.ts';
import { readPlan, type PlanItem } from './plan.ts';
import type { Standing } from './redrive-state.ts';
import { refusalPauseMs } from './refusal-pause.ts';
import { admitted, ascending, asideFirst, departing, type Ended, type Run } from './run.ts';
import { unresolvedOf, type Unresolved } from './resolution.ts';
import { lookOf, type DeadLetterSource } from './source.ts';

interface Work {
  readonly ordinal: number;
  readonly message: Message;
}

const patience = 5;

/** Opens the move into one channel. Only one is open at a time: each records what was resolved in the same place. */
export type OpenMove = (channel: string) => Promise<AtomicMove>;

/** Finds out what became of an interrupted batch, then moves what is left, one destination after the other. */
export async function runAtomic(
  run: Run,
  source: DeadLetterSource,
  open: OpenMove,
  signal: AbortSignal,
): Promise<Ended> {
  for (const destination of run.table.destinations) {
    // First of all, and only where it is needed: opening ends what the run before left open.
    if (has(run, 'intended', destination))
      await using(run, open, destination, (move) => recover(run, destination, move));
  }
  for (const destination of run.table.destinations) {
    if (!has(run, 'planned', destination)) continue;
    const stoppedBy = await using(run, open, destination, (move) =>
      moveAllTo(run, source, destination, move, signal),
    );
    if (stoppedBy !== null || signal.aborted) return { stoppedBy };
  }
  return { stoppedBy: null };
}

async function using<Result>(
  run: Run,
  open: OpenMove,
  destination: string,
  work: (move: AtomicMove) => Promise<Result>,
): Promise<Result> {
  const move = await open(destination);
  try {
    return await work(move);
  } finally {
    // First what became of the last batch: once it is closed, a system may forget it.
    await run.journal.sync().catch(() => undefined); // a journal that cannot be written was told before
    await move.close();
  }
}

function has({ journal, table }: Run, standing: Standing, destination: string): boolean {
  return journal.state.with(standing).some((ordinal) => table.destinationOf(ordinal) === destination);
}

/** Why it stopped before the end; null where it did not. */
async function moveAllTo(
  run: Run,
  source: DeadLetterSource,
  destination: string,
  move: AtomicMove,
  signal: AbortSignal,
): Promise<string | null> {
  const { state } = run.journal;
  const planned = [...state.with('planned')].filter(
    (ordinal) => run.table.destinationOf(ordinal) === destination,
  );
  let left = planned.length;
  // Where resolving leaves them in the channel, another run may have moved some since the plan was made.
  const unresolved = await unresolvedOf(source, run.head.channel, signal);
  const looking = await lookOf(source).open(
    {
      channel: run.head.channel,
      from: firstPositions(run, source, planned),
      until: null,
      follow: false,
      partitions: null,
      limit: null,
      uncommitted: false,
    },
    signal,
  );
  for await (const batch of looking.batches) {
    const works = selectedOf(run, batch, destination, unresolved);
    const stoppedBy = await moveAll(run, move, works, signal);
    if (stoppedBy !== null || signal.aborted) return stoppedBy;
    left -= works.length;
    if (left <= 0) return null;
  }
  if (!signal.aborted) {
    const missing = planned.filter((ordinal) => state.standing(ordinal) === 'planned');
    run.journal.record('DRIFTED', missing, 'it is no longer there');
  }
  return null;
}

function selectedOf(
  run: Run,
  batch: readonly Message[],
  destination: string,
  unresolved: Unresolved,
): readonly Work[] {
  const selected: Work[] = [];
  for (const message of batch) {
    const match = run.matcher.match(message);
    if (match.kind === 'selected') {
      if (run.journal.state.standing(match.ordinal) !== 'planned') continue; // moved by the run before
      if (!unresolved.has(message))
        run.journal.record('DRIFTED', [match.ordinal], 'it was resolved since the plan was made');
      else if (run.table.destinationOf(match.ordinal) === destination)
        selected.push({ ordinal: match.ordinal, message });
      else run.matcher.expect(match.ordinal); // its turn comes
    } else if (match.kind === 'drifted')
      run.journal.record('DRIFTED', [match.ordinal], 'it is another message now');
  }
  return selected;
}

async function moveAll(
  run: Run,
  move: AtomicMove,
  all: readonly Work[],
  signal: AbortSignal,
): Promise<string | null> {
  let left = asideFirst(run, all);
  let tries = 0;
  while (left.length > 0) {
    const { count, paced } = await admitted(run, left, signal);
    if (count === 0) return run.governor.stopped;
    const batch = left.slice(0, count);
    left = left.slice(count);
    const { accepted, failed, again, reason } = await moveBatch(run, move, batch);
    if (paced) await run.governor.sent(accepted, failed, signal);
    if (again.length === 0) {
      tries = 0;
      continue;
    }
    left = [...again, ...left];
    tries = accepted > 0 ? 1 : tries + 1;
    // They stay planned: nothing is wrong with them.
    if (tries >= patience) return `the destination does not take any more: ${reason}`;
    run.onNote('the destination does not take any more just now: waiting');
    await run.clock.sleep(refusalPauseMs(tries), signal);
  }
  return run.governor.stopped;
}

interface BatchResult {
  readonly accepted: number;
  readonly failed: number;
  /** To be tried once more, and why. */
  readonly again: readonly Work[];
  readonly reason: string;
}

async function moveBatch(run: Run, move: AtomicMove, batch: readonly Work[]): Promise<BatchResult> {
  const { journal } = run;
  journal.record('INTENT', ascending(batch.map(({ ordinal }) => ordinal)));
  await journal.sync();
  const outcomes = await moveTo(run, move, batch);
  const { accepted, again, reason, failed, unsure, unsureReason } = readAnswers(journal, batch, outcomes);
  journal.record('INTENT', ascending(unsure.map(({ ordinal }) => ordinal)), unsureReason); // in doubt, and named
  journal.record('DONE', ascending(accepted.map(({ ordinal }) => ordinal)));
  journal.record('NOT-MOVED', ascending(again.map(({ ordinal }) => ordinal)));
  run.onMoved(accepted.length);
  return { accepted: accepted.length, failed: failed.length, again, reason: reason ?? '' };
}

/** Where no answer came, the system itself is asked what happened. */
async function moveTo(run: Run, move: AtomicMove, works: readonly Work[]): Promise<readonly Outcome[]> {
  const items: MoveItem[] = works.map(({ ordinal, message }) => {
    const outgoing = departing(run, ordinal, message);
    run.headers.count(outgoing);
    return { source: message, outgoing: outgoing.message };
  });
  let failure: Error | null = null;
  let outcomes: readonly Outcome[] = [];
  try {
    outcomes = await move.move(items, run.finishing);
  } catch (error) {
    failure = error instanceof Error ? error : new FailedError(errorText(error));
  }
  const unsure = failure !== null || outcomes.some(({ status }) => status === 'unknown');
  if (!unsure) return outcomes;
  const truth = await move.recover(
    works.map(({ message }) => message),
    run.finishing,
  );
  if (failure !== null && !(failure instanceof MqctlError && failure.retriable)) {
    run.onMoved(recordTruth(run, works, truth).moved);
    throw failure;
  }
  return works.map((_, index): Outcome => {
    const known = outcomes[index];
    if (truth[index] === 'moved') return { status: 'accepted', partition: null, offset: null, id: null };
    if (truth[index] === 'gone') return { status: 'unknown', reason: goneWords };
    if (truth[index] === 'in-doubt') return { status: 'unknown', reason: undoneWords };
    if (known?.status === 'rejected') return known;
    return {
      status: 'rejected',
      reason: failure === null ? 'it was not moved' : errorText(failure),
      retriable: true,
    };
  });
}

/** After a crash: fences the run before, and asks what it had moved. */
async function recover(run: Run, destination: string, move: AtomicMove): Promise<void> {
  const { journal, table } = run;
  const items: PlanItem[] = [];
  for await (const piece of readPlan(run.planPath))
    for (const item of piece)
      if (
        journal.state.standing(item.ordinal) === 'intended' &&
        table.destinationOf(item.ordinal) === destination
      )
        items.push(item);
  const truth = await move.recover(
    items.map(({ reference }) => reference),
    run.finishing,
  );
  const { moved, notMoved } = recordTruth(run, items, truth);
  for (const ordinal of notMoved) run.matcher.expect(ordinal);
  run.onMoved(moved);
  await journal.sync();
}

const goneWords =
  'it is no longer there, and nobody can say whether it was moved: look for its mark at the destination';

const undoneWords =
  'it is recorded as moved, but the system undid a part of what was moved with it: look for its mark at the destination';

/** What is gone stays in doubt: it was moved, or somebody else removed it. */
function recordTruth(
  { journal }: Run,
  items: readonly { readonly ordinal: number }[],
  truth: readonly Recovered[],
): { readonly moved: number; readonly notMoved: readonly number[] } {
  const those = (wanted: Recovered): readonly number[] =>
    ascending(items.filter((_, index) => truth[index] === wanted).map(({ ordinal }) => ordinal));
  const [moved, notMoved] = [those('moved'), those('not-moved')];
  journal.record('DONE', moved);
  journal.record('NOT-MOVED', notMoved);
  journal.record('INTENT', those('gone'), goneWords);
  journal.record('INTENT', those('in-doubt'), undoneWords);
  return { moved: moved.length, notMoved };
}

/** The first message of each partition that is still to be moved: what lies before need not be read again. */
function firstPositions(
  { table, journal }: Run,
  { declaration }: DeadLetterSource,
  planned: readonly number[],
): Positions {
  const start: Positions = { every: { kind: 'start', shift: 0n } };
  if (declaration.facets.look?.positions.includes('offset') !== true) return start;
  const first = new Map<string, Position>();
  for (const ordinal of planned) {
    if (journal.state.standing(ordinal) !== 'planned') continue;
    const place = table.placeOf(ordinal);
    if (place === null) return start;
    if (!first.has(place.partition)) first.set(place.partition, { kind: 'offset', offset: place.offset });
  }
  return first.size === 0 ? start : { byPartition: first };
}
