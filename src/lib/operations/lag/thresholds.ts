import { UsageError } from '../../errors.ts';
import type { GroupLag, LagReport } from './report.ts';
import type { LagStatus } from './status.ts';

/** More than `critical` is a breach, more than `warn` worth a word. */
export interface Threshold {
  readonly warn: number | null;
  readonly critical: number;
}

export interface Thresholds {
  readonly maxLag: Threshold | null;
  readonly maxAgeMs: Threshold | null;
  readonly maxDrainMs: Threshold | null;
  readonly failOn: readonly LagStatus[];
}

export type Limited = 'lag' | 'age' | 'drain';

export interface Breach {
  readonly group: string;
  readonly channel: string;
  readonly level: 'warn' | 'critical';
  readonly what: Limited | 'status';
  /** null: unknown, which is a breach of a limit that cannot be shown to hold. `never`: it is not being drained. */
  readonly value: number | LagStatus | 'never' | null;
  readonly limit: number;
}

/** `CRIT` or `WARN:CRIT`. Throws `UsageError`. */
export function parseThreshold(text: string, parse: (part: string) => number): Threshold {
  const parts = text.split(':');
  const [first, second] = parts;
  if (first === undefined || parts.length > 2)
    throw new UsageError(`${JSON.stringify(text)} is no limit`, { hint: 'write it as CRIT or WARN:CRIT' });
  if (second === undefined) return { warn: null, critical: parse(first) };
  const threshold = { warn: parse(first), critical: parse(second) };
  if (threshold.warn > threshold.critical)
    throw new UsageError(`${JSON.stringify(text)}: the warning comes after the breach`, {
      hint: `write it as ${second}:${first}`,
    });
  return threshold;
}

/** What is over a threshold. A value that is unknown counts as over: "fine" is only said of what is known. */
export function breaches(report: LagReport, thresholds: Thresholds): Breach[] {
  return report.groups.flatMap((group) => {
    const of = { group: group.group ?? group.channel, channel: group.channel };
    const found: Breach[] = [];
    const check = (what: Limited, value: Breach['value'], threshold: Threshold | null): void => {
      if (threshold === null) return;
      const over = (limit: number): boolean => typeof value !== 'number' || value > limit;
      if (over(threshold.critical))
        found.push({ ...of, level: 'critical', what, value, limit: threshold.critical });
      else if (threshold.warn !== null && over(threshold.warn))
        found.push({ ...of, level: 'warn', what, value, limit: threshold.warn });
    };
    check('lag', group.lag, thresholds.maxLag);
    check('age', group.timeLagMs, thresholds.maxAgeMs);
    check('drain', drainOf(group), thresholds.maxDrainMs);
    if (thresholds.failOn.includes(group.status))
      found.push({ ...of, level: 'critical', what: 'status', value: group.status, limit: 0 });
    return found;
  });
}

function drainOf({ drainMs, lag, rateIn, rateOut }: GroupLag): number | 'never' | null {
  return drainMs ?? (lag !== null && rateIn !== null && rateOut !== null ? 'never' : null);
}
