import type { LagStatus } from '../../lag/status.ts';
import { result, type Check, type CheckStatus } from '../check.ts';
import { shellLine } from '../../../shell-line.ts';

const meaning: Readonly<Record<LagStatus, CheckStatus>> = {
  idle: 'pass',
  ok: 'pass',
  unknown: 'unknown',
  empty: 'warn',
  rewind: 'warn',
  warn: 'fail',
  stalled: 'fail',
  stall: 'fail',
  stop: 'fail',
  losing: 'fail',
};

/** The status of `lag`, which is by the slope over the window; a backlog without a reader fails when it grows. */
export const lagTrend: Check = {
  id: 'lag-trend',
  about: 'whether lag grows over the window',
  limit: null,
  async run({ lag }) {
    const { groups } = await lag();
    const channelsOf = Map.groupBy(groups, ({ group }) => group);
    return groups.map(({ group, channel, status, rule, slope }) => {
      const grows = status === 'empty' && slope !== null && slope > 0;
      const evidence = `${status}: ${rule}${grows ? `, and it grows by ${slope.toFixed(2)} messages a second` : ''}`;
      const state = grows ? 'fail' : meaning[status];
      const name = group ?? channel;
      const several = group !== null && (channelsOf.get(group)?.length ?? 0) > 1;
      const where = several ? `${group} on ${channel}` : name;
      const next =
        group === null
          ? shellLine`mqctl lag --channel ${channel} --explain`
          : shellLine`mqctl lag ${group} --explain`;
      return result(where, state, evidence, state === 'pass' ? null : next);
    });
  },
};
