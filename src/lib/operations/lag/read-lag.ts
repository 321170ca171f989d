import { setTimeout as sleep } from 'node:timers/promises';

import type { Backlog, Declaration, GroupBacklog } from '../../drivers/driver.ts';
import { UnreachableError, UnsupportedError } from '../../errors.ts';
import type { Positions } from '../../message/position.ts';
import type { LookToStore, StoredLook } from '../../store/lag-samples.ts';
import { assessGroup, type Assessment } from './assess.ts';
import { GroupHistory, lookAt, noteCommit } from './group-history.ts';
import { openSamples, windowLooks } from './open-samples.ts';
import type { GroupLag, LagReport } from './report.ts';

export interface LagOptions {
  /** Groups, or channels where the channel itself is consumed; null: all. */
  readonly names: readonly string[] | null;
  readonly channels: readonly string[] | null;
  /** In the place of groups, somebody who would go on from there; null: groups. Only where `ofPositions` is declared. */
  readonly from: { readonly channel: string; readonly positions: Positions } | null;
  /** Look three times over so many milliseconds, for rates and a verdict of this run alone; null: look once. */
  readonly sampleMs: number | null;
  /** Samples of earlier runs that are older say nothing. */
  readonly windowMs: number;
  readonly explain: boolean;
  readonly now: () => number;
}

/** Where, and what this system has. */
export interface LagSubject {
  readonly backlog: Backlog;
  readonly declaration: Declaration;
  /** Names the system in the store of samples, without secrets. */
  readonly target: string;
  /** Where samples are kept; null: nowhere. */
  readonly stateFolder: string | null;
}

const looksInARun = 3;

/**
 * How far every group is behind, in messages and in time, and whether it keeps up. Joins nothing, changes nothing at the
 * broker; keeps what it saw for later runs.
 */
export async function readLag(
  subject: LagSubject,
  options: LagOptions,
  signal: AbortSignal,
): Promise<LagReport> {
  const { backlog, declaration, target } = subject;
  const asksGroups = (declaration.facets.backlog?.group ?? 'group') === 'group';
  const request =
    asksGroups || (options.names !== null && options.channels !== null)
      ? { groups: options.names, channels: options.channels }
      : { groups: null, channels: options.names ?? options.channels };
  // Nobody stands there: it has no trend.
  const samples = await openSamples(options.from === null ? subject.stateFolder : null);
  try {
    const before: Look[] = [];
    for (let turn = 1; options.sampleMs !== null && turn < looksInARun; turn++) {
      before.push(await look(backlog, request, options, signal));
      samples.keep(target, before.at(-1)?.looks ?? []);
      await sleep(options.sampleMs / (looksInARun - 1), undefined, { signal });
    }
    const present = await look(backlog, request, options, signal);
    const elsewhere = declaration.facets.groups?.elsewhere;
    if (present.entries.length === 0 && elsewhere !== undefined)
      throw new UnsupportedError(`no group is known at ${target}: ${elsewhere}`);
    const assessment: Assessment = {
      now: present.at,
      retentionSetting: declaration.facets.backlog?.retentionSetting ?? null,
      explain: options.explain,
    };
    const pairs = present.entries.map((entry, place) => {
      const current = present.looks[place] ?? lookAt(entry, present.at);
      const ofThisRun = before.flatMap(({ looks }) => looks.filter(isOf(entry)));
      const earlier = joined(samples.read(target, entry, present.at - options.windowMs), ofThisRun);
      const history = new GroupHistory(earlier, current);
      // With a sample, the rates are those of this run.
      const recent = options.sampleMs === null ? history : new GroupHistory(ofThisRun, current);
      return { entry, current, history, recent };
    });
    const first = pairs.map((pair) => assessGroup(pair, assessment));
    const groups = await withCommitTimes(backlog, pairs, first, assessment, signal);
    samples.keep(target, present.looks);
    return { at: present.at, groups, samplesProblem: samples.problem };
  } finally {
    samples.close();
  }
}

interface Look {
  readonly at: number;
  readonly entries: readonly GroupBacklog[];
  readonly looks: readonly LookToStore[];
}

interface Pair {
  readonly entry: GroupBacklog;
  readonly current: StoredLook;
  readonly history: GroupHistory;
  /** For the rates. */
  readonly recent: GroupHistory;
}

async function look(
  backlog: Backlog,
  request: Parameters<Backlog['read']>[0],
  { now, from }: LagOptions,
  signal: AbortSignal,
): Promise<Look> {
  const entries =
    from === null
      ? await backlog.read(request, signal)
      : [await readFrom(backlog, from.channel, from.positions, signal)];
  const at = now();
  return { at, entries, looks: entries.map((entry) => lookAt(entry, at)) };
}

async function readFrom(
  backlog: Backlog,
  channel: string,
  positions: Positions,
  signal: AbortSignal,
): Promise<GroupBacklog> {
  if (backlog.readFrom === undefined)
    throw new UnsupportedError('this system tells the lag of groups, not that of a position');
  return backlog.readFrom(channel, positions, signal);
}

/** What stands still has stopped or is stalled: only the times of its commits tell. They are read only then. */
async function withCommitTimes(
  backlog: Backlog,
  pairs: readonly Pair[],
  groups: readonly GroupLag[],
  assessment: Assessment,
  signal: AbortSignal,
): Promise<readonly GroupLag[]> {
  const standing = pairs.flatMap((pair, place) => {
    const { group } = pair.entry;
    const stands = groups[place]?.partitions.some(({ commitTimes }) => commitTimes === 'unknown') ?? false;
    return stands && group !== null ? [{ pair, group, place }] : [];
  });
  if (backlog.lastCommits === undefined || standing.length === 0) return groups;
  const since = Math.min(...standing.map(({ pair }) => pair.history.looks[0]?.at ?? assessment.now));
  const names = [...new Set(standing.map(({ group }) => group))];
  const { commits, unknown } = await backlog.lastCommits({ groups: names, since }, signal);
  const times = new Map(
    commits.map(({ group, channel, partition, at }) => [JSON.stringify([group, channel, partition]), at]),
  );
  const better = new Map<number, GroupLag>();
  for (const { pair, group, place } of standing) {
    const { entry, current } = pair;
    const reason = unknown.get(group);
    if (reason === undefined) {
      for (const [at, partition] of current.partitions.entries())
        noteCommit(current, at, times.get(JSON.stringify([group, entry.channel, partition])) ?? since - 1);
      better.set(place, assessGroup(pair, assessment));
    } else {
      const before = groups[place];
      if (before !== undefined)
        better.set(place, { ...before, unknown: [...before.unknown, `commit times: ${reason}`] });
    }
  }
  return groups.map((group, place) => better.get(place) ?? group);
}

/** Some looks of this run may be kept already, others came too soon after one that is. */
function joined(kept: readonly StoredLook[], ofThisRun: readonly StoredLook[]): StoredLook[] {
  const times = new Set(ofThisRun.map(({ at }) => at));
  return [...kept.filter(({ at }) => !times.has(at)), ...ofThisRun].slice(1 - windowLooks);
}

function isOf({ group, channel }: GroupBacklog): (look: LookToStore) => boolean {
  return (look) => look.group === group && look.channel === channel;
}

/** Throws `UnreachableError` where nothing at all could be read of what was asked for. */
export function assertSomethingRead(report: LagReport): void {
  const nothing =
    report.groups.length > 0 &&
    report.groups.every(
      ({ partitions }) =>
        partitions.length > 0 &&
        partitions.every(({ end, lag, timeLagMs }) => end === null && lag === null && timeLagMs === null),
    );
  if (nothing) {
    const reasons = new Set(
      report.groups.flatMap(({ unknown, unreachable }) => [...unreachable, ...unknown]),
    );
    throw new UnreachableError(`no partition could be read: ${[...reasons].join('; ')}`);
  }
}
