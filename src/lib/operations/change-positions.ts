/**
 * Putting a group elsewhere: plan → keep what is → set → look whether it is so. And putting it back, also after a run that was
 * cut short. Nothing here joins a group.
 */
import type {
  CommittedPosition,
  DriverWith,
  PlannedPosition,
  PositionChange,
  PositionOutcome,
  PositionPlan,
  PositionTarget,
} from '../drivers/driver.ts';
import { FailedError, MqctlError, errorText } from '../errors.ts';
import { JobStore, newJob } from '../store/jobs.ts';
import type { Job, JobState } from '../store/jobs.ts';
import { keepPositions, readKeptPositions } from './kept-positions.ts';
import type { KeptPositions } from './kept-positions.ts';
import { placeText, refuseOutside } from './position-scope.ts';

/** So many are set at once: what is cut short is cut between two of these. */
const atOnce = 500;

/** As planned by the driver, but it may also be put back to "nothing committed". */
export interface PositionMove extends Omit<PlannedPosition, 'after'> {
  readonly after: string | null;
  readonly afterMetadata: string | null;
}

export interface PreparedMoves {
  readonly plan: Omit<PositionPlan, 'positions'>;
  readonly moves: readonly PositionMove[];
  /** The job that is undone by this one. */
  readonly undoes: Job | null;
}

export interface MovesRecord {
  readonly stateFolder: string;
  /** The context's name. */
  readonly context: string;
  readonly reason: string | null;
}

export interface MovesResult {
  readonly job: Job;
  /** By the moves that change something, in their order. */
  readonly outcomes: readonly { readonly move: PositionMove; readonly outcome: PositionOutcome }[];
  /** What broke it off; null where nothing did. */
  readonly error: unknown;
}

/** Throws `NotFoundError`, and `UsageError` for an offset that is not there unless `clamp`. */
export async function planReset(
  driver: DriverWith<'positions'>,
  group: string,
  targets: readonly PositionTarget[],
  clamp: boolean,
  signal: AbortSignal,
): Promise<PreparedMoves> {
  const { positions, ...plan } = await driver.positions.plan({ group, targets }, signal);
  refuseOutside(positions, targets, clamp);
  return { plan, moves: positions.map((each) => ({ ...each, afterMetadata: null })), undoes: null };
}

/**
 * Back to where the group stood before its last reset that was not undone (or before that of `jobId`). Throws `FailedError` where
 * there is none, `NotFoundError`.
 */
export async function planUndo(
  driver: DriverWith<'positions'>,
  group: string,
  stateFolder: string,
  jobId: string | null,
  signal: AbortSignal,
): Promise<PreparedMoves> {
  const { job, kept } = await keptReset(new JobStore(stateFolder), driver.target, group, jobId);
  const { positions, ...plan } = await driver.positions.plan({ group, targets: targetsBack(kept) }, signal);
  const planned = new Map(positions.map((each) => [placeText(each.channel, each.partition), each]));
  const now = new Map(
    (await driver.positions.read(group, signal, channelsOf(kept.before))).map((each) => [
      placeText(each.channel, each.partition),
      each,
    ]),
  );
  const moves = kept.before.map((before): PositionMove => {
    const key = placeText(before.channel, before.partition);
    const current = now.get(key);
    const same =
      (current?.committed ?? null) === before.position && (current?.metadata ?? null) === before.metadata;
    const known = planned.get(key);
    return {
      ...(known ?? unset(before, current)),
      after: before.position,
      afterMetadata: before.metadata,
      // It is put back to the letter, also where that is not kept any more.
      asked: null,
      ...(same ? { effect: 'none' as const } : {}),
      ...(!same && known?.effect === 'none' ? { effect: 'unknown' as const } : {}),
    };
  });
  return { plan, moves, undoes: job };
}

function targetsBack({ before }: KeptPositions): PositionTarget[] {
  return [...Map.groupBy(before, ({ channel }) => channel)].flatMap(([channel, places]): PositionTarget[] => {
    const [one] = places;
    // Without partitions: a number is an offset, and what is none (an id) is put back as it is.
    if (one !== undefined && one.partition === null)
      return one.position !== null && /^\d+$/.test(one.position)
        ? [{ channel, to: { every: { kind: 'offset', offset: one.position } } }]
        : [];
    const set = places.flatMap(({ partition, position }) =>
      position === null || partition === null
        ? []
        : [[partition, { kind: 'offset', offset: position } as const] as const],
    );
    return set.length === 0 ? [] : [{ channel, to: { byPartition: new Map(set) } }];
  });
}

function unset(
  { channel, partition }: PositionChange,
  current: CommittedPosition | undefined,
): Omit<PlannedPosition, 'after'> {
  return {
    channel,
    partition,
    before: current?.committed ?? null,
    metadata: current?.metadata ?? null,
    asked: null,
    start: current?.start ?? null,
    end: current?.end ?? null,
    effect: 'unknown',
    messages: null,
    firstAt: null,
    lastAt: null,
  };
}

async function keptReset(
  jobs: JobStore,
  target: string,
  group: string,
  jobId: string | null,
): Promise<{ readonly job: Job; readonly kept: KeptPositions }> {
  const candidates =
    jobId === null
      ? (await jobs.list()).filter(
          (job) =>
            job.kind === 'reset' &&
            job.channel === group &&
            job.target === target &&
            job.state !== 'undone' &&
            job.state !== 'failed',
        )
      : [await jobs.find(jobId, null, 'reset')];
  for (const job of candidates) {
    const kept = await readKeptPositions(jobs.folderOf(job.id));
    if (kept === null || kept.group !== group || job.target !== target) continue;
    // To undo an undo is asked for by its name.
    if (jobId !== null || kept.undoes === null) return { job, kept };
  }
  throw new FailedError(
    `there is nothing to undo for the group "${group}" at ${target}${jobId === null ? '' : ` in job ${jobId}`}`,
    { hint: 'resets are kept on the machine that did them: see mqctl jobs ls --kind reset' },
  );
}

/** What the moves change, as they are set. */
export function effective(moves: readonly PositionMove[]): readonly PositionMove[] {
  return moves.filter(({ effect }) => effect !== 'none');
}

/**
 * Keeps what is, sets, and reads it back. Throws `FailedError` where a position has changed since it was planned, or the group
 * has members by now: then nothing was set. What breaks off later is in the result.
 */
export async function applyMoves(
  driver: DriverWith<'positions'>,
  { plan, moves, undoes }: PreparedMoves,
  { stateFolder, context, reason }: MovesRecord,
  signal: AbortSignal,
): Promise<MovesResult> {
  const { group } = plan;
  const wanted = effective(moves);
  await refuseDrift(driver, group, wanted, signal);
  const jobs = new JobStore(stateFolder);
  const job = newJob({ kind: 'reset', channel: group, context, target: driver.target, reason });
  const folder = await jobs.create(job);
  await keepPositions(folder, {
    group,
    undoes: undoes?.id ?? null,
    before: wanted.map(({ channel, partition, before, metadata }) => ({
      channel,
      partition,
      position: before,
      metadata,
    })),
  });
  await jobs.write({ ...job, state: 'running' });
  const outcomes: PositionOutcome[] = [];
  let error: unknown = null;
  try {
    for (let start = 0; start < wanted.length; start += atOnce) {
      const changes = wanted.slice(start, start + atOnce).map(changeOf);
      outcomes.push(...(await driver.positions.set(group, changes, signal)));
    }
    await verify(driver, group, wanted, outcomes, signal);
  } catch (thrown) {
    error = thrown;
  }
  const done = wanted.flatMap((move, index) => {
    const outcome = outcomes[index];
    return outcome === undefined ? [] : [{ move, outcome }];
  });
  const set = done.filter(({ outcome }) => outcome.status === 'set').length;
  const complete = error === null && set === wanted.length;
  const refused = error instanceof MqctlError && error.code === 'ACTIVE' && outcomes.length === 0;
  const broken = signal.aborted ? 'interrupted' : 'stopped';
  const state: JobState = complete ? 'done' : refused ? 'failed' : broken;
  const ended: Job = {
    ...job,
    state,
    endedAt: Date.now(),
    counts: { selected: wanted.length, set },
    stoppedBy: error === null ? null : errorText(error),
  };
  await jobs.write(ended);
  if (undoes !== null && state === 'done') await jobs.write({ ...undoes, state: 'undone' });
  return { job: ended, outcomes: done, error };
}

/** Nothing to set: what is undone is so already. */
export async function markUndone(undoes: Job, stateFolder: string): Promise<void> {
  await new JobStore(stateFolder).write({ ...undoes, state: 'undone' });
}

function changeOf({ channel, partition, after, afterMetadata }: PositionMove): PositionChange {
  return { channel, partition, position: after, metadata: afterMetadata };
}

function channelsOf(places: readonly { readonly channel: string }[]): readonly string[] {
  return [...new Set(places.map(({ channel }) => channel))];
}

async function standing(
  driver: DriverWith<'positions'>,
  group: string,
  moves: readonly PositionMove[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string | null>> {
  // Of no channel at all, some systems know no group.
  if (moves.length === 0) return new Map();
  const positions = await driver.positions.read(group, signal, channelsOf(moves));
  return new Map(
    positions.map(({ channel, partition, committed }) => [placeText(channel, partition), committed]),
  );
}

/** What was shown must still be so: a consumer may have worked in between. */
async function refuseDrift(
  driver: DriverWith<'positions'>,
  group: string,
  moves: readonly PositionMove[],
  signal: AbortSignal,
): Promise<void> {
  const now = await standing(driver, group, moves, signal);
  const drifted = moves.find(
    ({ channel, partition, before }) => (now.get(placeText(channel, partition)) ?? null) !== before,
  );
  if (drifted === undefined) return;
  const place = placeText(drifted.channel, drifted.partition);
  throw new FailedError(
    `the group "${group}" has moved since the plan: it stands at ${now.get(place) ?? 'none'} in ${place}, not at ${drifted.before ?? 'none'}`,
    { code: 'DRIFTED', hint: 'nothing was set: look at the plan again' },
  );
}

/** "Set" is said of what is read back so. */
async function verify(
  driver: DriverWith<'positions'>,
  group: string,
  moves: readonly PositionMove[],
  outcomes: PositionOutcome[],
  signal: AbortSignal,
): Promise<void> {
  const now = await standing(driver, group, moves, signal).catch((error: unknown) => {
    // A group of which nothing is left is gone, and so are its positions.
    if (moves.every(({ after }) => after === null)) return new Map<string, string | null>();
    throw error;
  });
  for (const [index, { channel, partition, after }] of moves.entries()) {
    const stands = now.get(placeText(channel, partition)) ?? null;
    if (outcomes[index]?.status === 'set' && stands !== after)
      outcomes[index] = {
        status: 'refused',
        reason: `it stands at ${stands ?? 'none'} right after it was set`,
      };
    if (outcomes[index]?.status === 'unknown' && stands === after) outcomes[index] = { status: 'set' };
  }
}
