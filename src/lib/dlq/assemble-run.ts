import type { Appraisal, Driver } from '../drivers/driver.ts';
import { NotFoundError } from '../errors.ts';
import { Breaker } from './breaker.ts';
import { Canary } from './canary.ts';
import type { DeliveryMemory } from './delivery-margin.ts';
import { Departed } from './departed.ts';
import { Governor } from './governor.ts';
import type { RedriveJournal } from './journal.ts';
import { batchSize, Pacer } from './pacing.ts';
import type { PlanTable } from './plan-table.ts';
import { Matcher } from './plan-table.ts';
import type { PlanHead } from './plan.ts';
import { PlannedEdits } from './planned-edits.ts';
import { isOwnGroup } from './preflight.ts';
import { type DepthParts, type Returns, ReturnsByDepth, ReturnsByLook } from './returns.ts';
import type { RunOptions } from './run-options.ts';
import { HeaderTally, type Run } from './run.ts';
import { contentHashOf, type DeadLetterSource, isFree, lookOf } from './source.ts';

/** Everything that a run of this plan works with. Throws as the driver does. */
export async function assemble(
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
