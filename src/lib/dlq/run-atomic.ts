/** Moves where publishing and removing are one step: exactly once, also over crashes. */
import type { AtomicMove, MoveItem, Outcome } from '../drivers/driver.ts';
import { FailedError, MqctlError, errorText } from '../errors.ts';
import type { Message } from '../message/message.ts';
import type { Position, Positions } from '../message/position.ts';
import { readPlan, type PlanItem } from './plan.ts';
import { ascending, departing, type Ended, type Run } from './run.ts';
import { lookOf, type DeadLetterSource } from './source.ts';

interface Work {
  readonly ordinal: number;
  readonly message: Message;
}

const patience = 5;
const firstPauseMs = 1_000;
const longestPauseMs = 30_000;

/** Finds out what became of an interrupted batch, then moves what is left. */
export async function runAtomic(
  run: Run,
  source: DeadLetterSource,
  moves: ReadonlyMap<string, AtomicMove>,
  signal: AbortSignal,
): Promise<Ended> {
  await recoverIntended(run, moves);
  if (signal.aborted || run.journal.state.count('planned') === 0) return { stoppedBy: null };
  const looking = await lookOf(source).open(
    {
      channel: run.head.channel,
      from: await firstPositions(run, source),
      until: null,
      follow: false,
      partitions: null,
      limit: null,
      uncommitted: false,
    },
    signal,
  );
  for await (const batch of looking.batches) {
    const stoppedBy = await moveAll(run, moves, selectedOf(run, batch), signal);
    if (stoppedBy !== null || signal.aborted) return { stoppedBy };
    if (run.journal.state.count('planned') === 0) return { stoppedBy: null };
  }
  if (!signal.aborted)
    run.journal.record('DRIFTED', [...run.journal.state.with('planned')], 'it is no longer there');
  return { stoppedBy: null };
}

function selectedOf(run: Run, batch: readonly Message[]): readonly Work[] {
  const selected: Work[] = [];
  for (const message of batch) {
    const match = run.matcher.match(message);
    if (match.kind === 'selected') selected.push({ ordinal: match.ordinal, message });
    else if (match.kind === 'drifted')
      run.journal.record('DRIFTED', [match.ordinal], 'it is another message now');
  }
  return selected;
}

async function moveAll(
  run: Run,
  moves: ReadonlyMap<string, AtomicMove>,
  all: readonly Work[],
  signal: AbortSignal,
): Promise<string | null> {
  let left = all;
  let tries = 0;
  while (left.length > 0) {
    const count = await run.governor.admit(left.length, signal);
    if (count === 0) return run.governor.stopped;
    const batch = left.slice(0, count);
    left = left.slice(count);
    const { accepted, failed, again } = await moveBatch(run, moves, batch, tries + 1 >= patience);
    await run.governor.sent(accepted, failed, signal);
    if (again.length === 0) {
      tries = 0;
      continue;
    }
    left = [...again, ...left];
    tries += 1;
    run.onNote('the destination does not take any more just now: waiting');
    await run.clock.sleep(Math.min(longestPauseMs, firstPauseMs * 2 ** tries), signal);
  }
  return run.governor.stopped;
}

interface BatchResult {
  readonly accepted: number;
  readonly failed: number;
  /** To be tried once more. */
  readonly again: readonly Work[];
}

async function moveBatch(
  run: Run,
  moves: ReadonlyMap<string, AtomicMove>,
  batch: readonly Work[],
  lastTry: boolean,
): Promise<BatchResult> {
  const { journal } = run;
  journal.record('INTENT', ascending(batch.map(({ ordinal }) => ordinal)));
  await journal.sync();
  let accepted = 0;
  let failed = 0;
  const again: Work[] = [];
  const untried = new Set(batch.map(({ ordinal }) => ordinal));
  for (const [destination, works] of byDestination(run, batch)) {
    for (const { ordinal } of works) untried.delete(ordinal);
    let outcomes: readonly Outcome[];
    try {
      outcomes = await moveTo(run, moveOf(moves, destination), works);
    } catch (error) {
      journal.record('NOT-MOVED', ascending([...untried]));
      throw error;
    }
    const done: number[] = [];
    for (const [index, work] of works.entries()) {
      const outcome = outcomes[index];
      if (outcome === undefined) throw new FailedError('the driver did not answer for every message');
      if (outcome.status === 'accepted') done.push(work.ordinal);
      else if (outcome.status === 'unknown') continue;
      else if (outcome.retriable && !lastTry) again.push(work);
      else {
        failed += 1;
        journal.record('FAILED', [work.ordinal], outcome.reason);
      }
    }
    accepted += done.length;
    journal.record('DONE', ascending(done));
    journal.record('NOT-MOVED', ascending(again.map(({ ordinal }) => ordinal)));
  }
  run.onMoved(accepted);
  return { accepted, failed, again };
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
  const moved = works.filter((_, index) => truth[index] === 'moved').map(({ ordinal }) => ordinal);
  const notMoved = works.filter((_, index) => truth[index] !== 'moved').map(({ ordinal }) => ordinal);
  if (failure !== null && !(failure instanceof MqctlError && failure.retriable)) {
    run.journal.record('DONE', ascending(moved));
    run.journal.record('NOT-MOVED', ascending(notMoved));
    run.onMoved(moved.length);
    throw failure;
  }
  return works.map((_, index): Outcome => {
    const known = outcomes[index];
    if (truth[index] === 'moved') return { status: 'accepted', partition: null, offset: null, id: null };
    if (known?.status === 'rejected') return known;
    return {
      status: 'rejected',
      reason: failure === null ? 'it was not moved' : errorText(failure),
      retriable: true,
    };
  });
}

/** After a crash: fences the run before, and asks what it had moved. */
async function recoverIntended(run: Run, moves: ReadonlyMap<string, AtomicMove>): Promise<void> {
  const { journal, table } = run;
  const intended = new Set(journal.state.with('intended'));
  if (intended.size === 0) return;
  const items: PlanItem[] = [];
  for await (const item of readPlan(run.planPath)) if (intended.has(item.ordinal)) items.push(item);
  for (const [destination, move] of moves) {
    const theirs = items.filter(({ ordinal }) => table.destinationOf(ordinal) === destination);
    const truth = await move.recover(
      theirs.map((item) => skeletonOf(run.head.channel, item)),
      run.finishing,
    );
    const moved = theirs.filter((_, index) => truth[index] === 'moved').map(({ ordinal }) => ordinal);
    const notMoved = theirs.filter((_, index) => truth[index] !== 'moved').map(({ ordinal }) => ordinal);
    journal.record('DONE', ascending(moved));
    journal.record('NOT-MOVED', ascending(notMoved));
    for (const ordinal of notMoved) run.matcher.expect(ordinal);
    run.onMoved(moved.length);
  }
  await journal.sync();
}

/** What names a message that may be gone by now. */
function skeletonOf(channel: string, { reference }: PlanItem): Message {
  return {
    channel,
    ...reference,
    key: null,
    value: null,
    headers: [],
    properties: {},
    timestamp: null,
    timestampType: null,
    delivery: { count: null, redelivered: null },
    deadLetter: null,
  };
}

function byDestination(run: Run, batch: readonly Work[]): ReadonlyMap<string, readonly Work[]> {
  return Map.groupBy(batch, ({ ordinal }) => run.table.destinationOf(ordinal));
}

function moveOf(moves: ReadonlyMap<string, AtomicMove>, destination: string): AtomicMove {
  const move = moves.get(destination);
  if (move === undefined)
    throw new FailedError(`the plan names "${destination}" only now`, { code: 'DAMAGED' });
  return move;
}

/** The first message of each partition that is still to be moved: what lies before need not be read again. */
async function firstPositions(run: Run, { declaration }: DeadLetterSource): Promise<Positions> {
  const start: Positions = { every: { kind: 'start', shift: 0n } };
  if (declaration.facets.look?.positions.includes('offset') !== true) return start;
  const first = new Map<string, Position>();
  for await (const { ordinal, reference } of readPlan(run.planPath)) {
    if (run.journal.state.standing(ordinal) !== 'planned') continue;
    const { partition, offset } = reference;
    if (partition === null || offset === null) return start;
    if (!first.has(partition)) first.set(partition, { kind: 'offset', offset });
  }
  return first.size === 0 ? start : { byPartition: first };
}
