/** Freezes what is replayed, and asks of the destination all that can be asked before anything is published. */
import { join } from 'node:path';
import { misfit, messageBytes } from '../dlq/destination.ts';
import { lookOf } from '../dlq/source.ts';
import type { Declaration, Driver, PublishLimits, PublishTraits } from '../drivers/driver.ts';
import { UnsupportedError, UsageError } from '../errors.ts';
import type { Message } from '../message/message.ts';
import type { Positions } from '../message/position.ts';
import { JobStore, newJob } from '../store/jobs.ts';
import type { Job } from '../store/jobs.ts';
import { writeReplayHead } from './replay-head.ts';
import type { FrozenRange, ReplayHead } from './replay-head.ts';
import { ReplayJournal, sourcePlace } from './replay-journal.ts';
import { republishing, toRepublished } from './republished.ts';
import type { LeftOut } from './republished.ts';

/** One end of a replay: a channel, and what its system declares. */
export interface ReplayEnd {
  readonly driver: Driver;
  readonly declaration: Declaration;
  readonly channel: string;
}

export interface ReplayRequest {
  readonly from: Positions;
  /** null: the end as it is now. */
  readonly until: Positions | null;
  /** Of the source; null: all. */
  readonly partitions: readonly string[] | null;
  readonly filter: string | null;
  readonly keep: (message: Message) => boolean;
  readonly keepPartition: boolean;
  readonly keepTimestamp: boolean;
  /** The destination as it was said. */
  readonly to: string;
}

export interface PreparedReplay {
  readonly head: ReplayHead;
  /** Which the destination will not take, by reason: known before. */
  readonly misfits: ReadonlyMap<string, number>;
  /** The times of the oldest and the newest that are selected, milliseconds since 1970. */
  readonly oldestAt: number | null;
  readonly newestAt: number | null;
  /** What should be known before, a sentence each. */
  readonly notes: readonly string[];
}

/**
 * Reads the range once, without a trace, so that the plan is exact. Throws `NotFoundError`, `UsageError`, and `UnsupportedError`
 * where a system cannot do its part.
 */
export async function planReplay(
  source: ReplayEnd,
  destination: ReplayEnd,
  request: ReplayRequest,
  signal: AbortSignal,
): Promise<PreparedReplay> {
  await source.driver.describe(source.channel, signal); // a name that is not there is told first
  await refuseCostly(source, signal);
  const { traits, limits, notes } = await preflight(source, destination, request, signal);
  const how = republishing(source.driver, traits, request);
  const scan = new Scan(request.keep);
  const leftOut: LeftOut = new Map();
  const misfits = new Map<string, number>();
  const looking = await lookOf(source).open(
    {
      channel: source.channel,
      from: request.from,
      until: request.until,
      follow: false,
      partitions: request.partitions,
      limit: null,
      uncommitted: false,
    },
    signal,
  );
  for await (const batch of looking.batches)
    for (const message of batch) {
      if (!scan.add(message)) continue;
      const reason = unfit(toRepublished(message, how, leftOut), traits, limits, destination);
      if (reason !== null) misfits.set(reason, (misfits.get(reason) ?? 0) + 1);
    }
  signal.throwIfAborted();
  refuseTooOld(scan.oldestAt, limits, request, destination);
  const head: ReplayHead = {
    source: { target: source.driver.target, channel: source.channel },
    destination: { target: destination.driver.target, channel: destination.channel },
    to: request.to,
    filter: request.filter,
    keepPartition: request.keepPartition,
    keepTimestamp: request.keepTimestamp,
    ranges: scan.ranges,
    selected: scan.selected,
    bytes: scan.bytes,
    leftOut: Object.fromEntries(leftOut),
  };
  return { head, misfits, oldestAt: scan.oldestAt, newestAt: scan.newestAt, notes };
}

/** Keeps the plan as a job, so that it can be run and gone on with. */
export async function keepReplay(
  stateFolder: string,
  { head }: PreparedReplay,
  { context, reason }: { readonly context: string; readonly reason: string | null },
): Promise<Job> {
  const jobs = new JobStore(stateFolder);
  const { target, channel } = head.source;
  const job = newJob({ kind: 'replay', channel, context, target, reason });
  const folder = await jobs.create(job);
  await writeReplayHead(folder, head);
  await ReplayJournal.create(join(folder, 'journal'));
  return job;
}

/** Whether a replay would publish onto what it reads. */
export function isSameChannel(source: ReplayEnd, destination: ReplayEnd): boolean {
  return source.driver.target === destination.driver.target && source.channel === destination.channel;
}

/**
 * Throws `UnsupportedError` for a system that keeps no history in any of its channels: one that can be looked at for nothing,
 * from behind a message that was seen.
 */
export function requireHistory({ system, facets }: Declaration): void {
  const { look } = facets;
  if (look?.costs.includes('free') === true && look.positions.includes('after')) return;
  throw new UnsupportedError(`${system} keeps no history that could be read again`, {
    hint: 'archive what a queue holds with "mqctl dlq archive", or move it with "mqctl dlq redrive"',
  });
}

async function refuseCostly(source: ReplayEnd, signal: AbortSignal): Promise<void> {
  const { cost } = await lookOf(source).appraise(source.channel, signal);
  if (cost === 'free') return;
  throw new UnsupportedError(`"${source.channel}" keeps no history that could be read again`, {
    hint: `looking at it costs each message a ${cost}: archive it, or move its messages with "mqctl dlq redrive"`,
  });
}

async function preflight(
  source: ReplayEnd,
  { driver, declaration, channel }: ReplayEnd,
  request: ReplayRequest,
  signal: AbortSignal,
): Promise<{ traits: PublishTraits; limits: PublishLimits; notes: string[] }> {
  const traits = declaration.facets.publish;
  if (traits === undefined || driver.publish === undefined)
    throw new UnsupportedError(`${declaration.system} cannot be published to`);
  const there = await driver.describe(channel, signal);
  const limits = await driver.publish.limits(channel, signal);
  const here = await source.driver.describe(source.channel, signal);
  if (request.keepTimestamp && !traits.timestamp)
    throw new UnsupportedError(`${declaration.system} sets the time itself: leave --keep timestamp out`);
  if (request.keepPartition && !traits.partition)
    throw new UnsupportedError(`${declaration.system} has no partitions: leave --keep partition out`);
  const missing = here.partitionList
    .map(({ partition }) => partition)
    .filter((name) => !there.partitionList.some(({ partition }) => partition === name));
  if (request.keepPartition && missing.length > 0)
    throw new UsageError(`"${channel}" has no partition ${missing.slice(0, 5).join(', ')}`, {
      hint: 'leave --keep partition out, or use a channel with as many partitions',
    });
  const notes: string[] = [];
  const readers = there.groups ?? [];
  if (readers.length > 0) notes.push(`read by ${readers.join(', ')}: they get all of it, too`);
  if (readers.length === 0 && there.consumers === 0) notes.push(`nobody consumes "${channel}" just now`);
  if (traits.orderUnit === 'partition' && (there.partitions ?? 1) > 1 && !request.keepPartition)
    notes.push('messages of one key stay in their order; those without a key go to any partition');
  return { traits, limits, notes };
}

/** Why the destination will not take it; null where nothing speaks against it. */
function unfit(
  message: ReturnType<typeof toRepublished>,
  traits: PublishTraits,
  limits: PublishLimits,
  { declaration }: ReplayEnd,
): string | null {
  if (message.value === null && !traits.nullValue)
    return `${declaration.system} has no null value (tombstone)`;
  return misfit(message, limits);
}

/** Kafka drops a whole segment when its newest message is older than the retention: old times would vanish at once. */
function refuseTooOld(
  oldestAt: number | null,
  { retentionMs }: PublishLimits,
  { keepTimestamp }: ReplayRequest,
  { channel }: ReplayEnd,
): void {
  if (!keepTimestamp || oldestAt === null || retentionMs === null) return;
  if (oldestAt >= Date.now() - retentionMs) return;
  throw new UsageError(
    `with their own times some would be older than "${channel}" keeps them (${new Date(oldestAt).toISOString()}), and be deleted again at once`,
    {
      hint: 'leave --keep timestamp out, or raise the retention of that channel with mqctl set',
    },
  );
}

/** What of the range is selected. */
class Scan {
  selected = 0;
  bytes = 0;
  oldestAt: number | null = null;
  newestAt: number | null = null;
  readonly #keep: (message: Message) => boolean;
  readonly #ranges = new Map<
    string,
    { partition: string | null; first: string; last: string; selected: number }
  >();

  constructor(keep: (message: Message) => boolean) {
    this.#keep = keep;
  }

  /** Whether it is selected. */
  add(message: Message): boolean {
    if (!this.#keep(message)) return false;
    const { partition, offset } = sourcePlace(message);
    const range = this.#ranges.get(partition) ?? {
      partition: message.partition,
      first: offset,
      last: offset,
      selected: 0,
    };
    this.#ranges.set(partition, { ...range, last: offset, selected: range.selected + 1 });
    this.selected += 1;
    this.bytes += messageBytes(message);
    if (message.timestamp !== null) {
      this.oldestAt = Math.min(message.timestamp, this.oldestAt ?? Infinity);
      this.newestAt = Math.max(message.timestamp, this.newestAt ?? -Infinity);
    }
    return true;
  }

  get ranges(): FrozenRange[] {
    return [...this.#ranges.values()];
  }
}
