import { byWorst } from '../../operations/lag/assess.ts';
import type { LagReport } from '../../operations/lag/report.ts';
import type { Breach, Thresholds } from '../../operations/lag/thresholds.ts';
import { nagiosLine, type NagiosState, type PerformanceDatum } from '../../output/nagios.ts';
import { countOf } from '../../output/time.ts';
import { breachSentence, place } from './words.ts';

export const service = 'LAG';

/** What a monitoring plugin prints of a report, and its state. */
export function pluginLine(
  report: LagReport,
  over: readonly Breach[],
  thresholds: Thresholds,
): { readonly state: NagiosState; readonly line: string } {
  const known = over.filter(({ value }) => value !== null);
  const unreachable = report.groups.flatMap((group) => group.unreachable);
  const critical = known.filter(({ level }) => level === 'critical');
  const warn = known.filter(({ level }) => level === 'warn');
  const missing = [
    ...new Set([...over.filter(({ value }) => value === null).map(breachSentence), ...unreachable]),
  ];
  const [state, text]: [NagiosState, string] =
    critical.length > 0
      ? ['CRITICAL', critical.map(breachSentence).join('; ')]
      : missing.length > 0
        ? ['UNKNOWN', missing.join('; ')]
        : warn.length > 0
          ? ['WARNING', warn.map(breachSentence).join('; ')]
          : ['OK', calm(report)];
  return { state, line: nagiosLine(service, state, text, performance(report, thresholds)) };
}

function calm({ groups }: LagReport): string {
  const [worst] = [...groups].sort(byWorst);
  if (worst === undefined) return 'no group, so nobody is behind';
  return `${countOf(groups.length, 'group')}, the worst is ${place(worst)}: ${worst.status}, ${countOf(worst.lag, 'message')} behind`;
}

function performance({ groups }: LagReport, { maxLag, maxAgeMs }: Thresholds): PerformanceDatum[] {
  const seconds = (milliseconds: number | null | undefined): number | null =>
    milliseconds === null || milliseconds === undefined ? null : milliseconds / 1_000;
  return groups.flatMap(({ group, channel, lag, timeLagMs }) => {
    const name = group === null ? channel : `${group}/${channel}`;
    return [
      {
        label: `${name} lag`,
        value: lag,
        unit: '' as const,
        warn: maxLag?.warn ?? null,
        critical: maxLag?.critical ?? null,
      },
      {
        label: `${name} age`,
        value: seconds(timeLagMs),
        unit: 's' as const,
        warn: seconds(maxAgeMs?.warn),
        critical: seconds(maxAgeMs?.critical),
      },
    ];
  });
}
