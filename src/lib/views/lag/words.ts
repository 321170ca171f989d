/** What is said of lag in sentences. */
import type { GroupLag, LagReport, PartitionLag } from '../../operations/lag/report.ts';
import { fewestSamples, shortestWindowMs, type LagStatus } from '../../operations/lag/status.ts';
import type { Breach } from '../../operations/lag/thresholds.ts';
import type { Colour } from '../../output/colour.ts';
import { countText, shortDuration } from '../../output/time.ts';
import { shellLine } from '../../shell-line.ts';

/** `"billing" on "orders"`; `"orders"` where there is no group, or one of the same name. */
export function place({
  group,
  channel,
}: {
  readonly group: string | null;
  readonly channel: string;
}): string {
  return group === null || group === channel ? `"${channel}"` : `"${group}" on "${channel}"`;
}

function breachWords(what: 'lag' | 'age' | 'drain', amount: number): string {
  const words = { age: 'behind', drain: 'from being drained' } as const;
  return what === 'lag' ? `${amount === 1 ? 'message' : 'messages'} behind` : words[what];
}

/** What, where, how far. */
export function breachSentence(breach: Breach): string {
  const { what, value, limit } = breach;
  const where = place(breach);
  if (what === 'status') return `${where} is ${String(value)}`;
  const text = (amount: number): string => (what === 'lag' ? countText(amount) : shortDuration(amount));
  if (value === 'never') return `${where} is not being drained, in ${text(limit)} or ever`;
  if (typeof value === 'number') {
    return `${where} is ${text(value)} ${breachWords(what, value)}, more than ${text(limit)}`;
  }
  return `${where}: whether it is at most ${text(limit)} ${breachWords(what, limit)} is unknown`;
}

/** `3 min`, and `-` for 0 ms. Of null: `clock ahead` where a partition's oldest message is ahead of ours, else `unknown`. */
export function behindText(
  timeLagMs: number | null,
  partitions: readonly Pick<PartitionLag, 'skewed'>[],
): string {
  if (timeLagMs !== null) return timeLagMs === 0 ? '-' : shortDuration(timeLagMs);
  return partitions.some(({ skewed }) => skewed) ? 'clock ahead' : 'unknown';
}

/** What `≤` in front of a count means. */
export const atMostNote =
  '≤: the broker tells positions or an estimate; where messages are missing in between, fewer wait';

/** `512,003`, `≤ 512,003` where it is no more than that, or `unknown`. */
export function lagText({ lag, atMost }: Pick<GroupLag, 'lag' | 'atMost'>): string {
  return atMost && lag !== null && lag > 0 ? `≤ ${countText(lag)}` : countText(lag);
}

/** Messages a second: `0.4`, `512,003`; `-` where the rate is unknown. */
export function rateText(value: number | null): string {
  return value === null ? '-' : value < 10 ? value.toFixed(1) : countText(Math.round(value));
}

/** `never` says by how much what goes out is short of what comes in. */
export function drainText({ drainMs, lag, rateIn, rateOut }: GroupLag): string {
  if (drainMs !== null) return drainMs === 0 ? '-' : shortDuration(drainMs);
  if (lag === null || rateIn === null || rateOut === null) return '-';
  return rateIn === rateOut ? 'never' : `never, ${rateText(rateIn - rateOut)}/s short`;
}

/** `text` without a colour where it is well, yellow for `unknown` and `warn`, red for what is worse. */
export function paintStatus(colour: Colour, text: string, status: LagStatus): string {
  if (status === 'idle' || status === 'ok') return text;
  return status === 'unknown' || status === 'warn' ? colour.yellow(text) : colour.red(text);
}

/** What a reader of the table should know beside it, a sentence each. */
export function notesOn(report: LagReport): string[] {
  const { groups } = report;
  const notes = new Set<string>();
  for (const group of groups) {
    if (group.status === 'losing') notes.add(losingSentence(group));
    for (const partition of group.partitions)
      if (partition.skewed)
        notes.add(
          `${place(group)}: the oldest message that waits is ahead of this machine's clock, so its age is unknown`,
        );
  }
  if (groups.some(({ atMost, lag }) => atMost && lag !== null && lag > 0)) notes.add(atMostNote);
  const needed = Math.max(0, ...groups.map(({ samplesNeeded }) => samplesNeeded));
  if (needed > 0)
    notes.add(
      `status unknown: ${needed.toString()} more ${needed === 1 ? 'sample is' : 'samples are'} needed (it takes ${fewestSamples.toString()} over ${shortDuration(shortestWindowMs)}); look again later, or use --sample ${(shortestWindowMs / 1_000).toString()}s`,
    );
  for (const unknown of groups.flatMap((group) => group.unknown)) notes.add(`unknown: ${unknown}`);
  if (report.samplesProblem !== null) notes.add(`no trends: ${report.samplesProblem}`);
  return [...notes];
}

function losingSentence(group: GroupLag): string {
  const { untilLossMs, remedy, lost } = group;
  const what = [
    ...(lost !== null && lost > 0 ? [`${countText(lost)} removed before being read`] : []),
    ...(untilLossMs === null ? [] : [`${shortDuration(untilLossMs)} until retention`]),
  ];
  const figures = what.length === 0 ? group.rule : what.join(', ');
  const todo =
    remedy === null
      ? ''
      : `; ${shellLine`mqctl set ${remedy.channel} --setting ${remedy.setting}=${remedy.value}`}`;
  return `${place(group)}: ${figures}${todo}`;
}
