import type { GroupLag, LagReport, PartitionLag } from '../../operations/lag/report.ts';
import { lagStatuses } from '../../operations/lag/status.ts';
import type { Gauge } from '../../output/openmetrics.ts';

/** What a monitoring system gets of groups; with `partitions`, of these too. */
export function lagGauges({ groups }: LagReport, by: 'group' | 'partition'): Gauge[] {
  const gauge = (
    name: string,
    unit: string | null,
    help: string,
    value: (group: GroupLag) => number | null,
  ): Gauge => ({
    name,
    unit,
    help,
    points: groups.map((group) => ({ labels: labelsOf(group), value: value(group) })),
  });
  return [
    gauge('mqctl_lag', 'messages', 'Messages that wait for a group.', ({ lag }) => lag),
    gauge('mqctl_lag_in_flight', 'messages', 'Delivered, not settled.', ({ inFlight }) => inFlight),
    gauge('mqctl_lag_age', 'seconds', 'Age of the oldest message that waits.', ({ timeLagMs }) =>
      inSeconds(timeLagMs),
    ),
    gauge('mqctl_lag_drain', 'seconds', 'Until it is worked off, where it falls.', ({ drainMs }) =>
      inSeconds(drainMs),
    ),
    gauge('mqctl_lag_until_loss', 'seconds', 'Until retention removes what waits.', ({ untilLossMs }) =>
      inSeconds(untilLossMs),
    ),
    gauge('mqctl_lag_rate_in', 'messages_per_second', 'What comes in.', ({ rateIn }) => rateIn),
    gauge('mqctl_lag_rate_out', 'messages_per_second', 'What is worked off.', ({ rateOut }) => rateOut),
    gauge('mqctl_lag_members', null, 'Members of the group.', ({ members }) => members),
    {
      name: 'mqctl_lag_status',
      unit: null,
      help: 'One for the status that holds, zero for the others.',
      points: groups.flatMap((group) =>
        lagStatuses.map((status) => ({
          labels: { ...labelsOf(group), status },
          value: group.status === status ? 1 : 0,
        })),
      ),
    },
    ...(by === 'partition' ? partitionGauges(groups) : []),
  ];
}

function partitionGauges(groups: readonly GroupLag[]): Gauge[] {
  const points = (value: (partition: PartitionLag) => number | null): Gauge['points'] =>
    groups.flatMap((group) =>
      group.partitions.map((each) => ({
        labels: { ...labelsOf(group), ...(each.partition === null ? {} : { partition: each.partition }) },
        value: value(each),
      })),
    );
  return [
    {
      name: 'mqctl_lag_partition',
      unit: 'messages',
      help: 'Messages that wait in a partition.',
      points: points(({ lag }) => lag),
    },
    {
      name: 'mqctl_lag_partition_age',
      unit: 'seconds',
      help: 'Age of the oldest message that waits in a partition.',
      points: points(({ timeLagMs }) => inSeconds(timeLagMs)),
    },
  ];
}

function labelsOf({ group, channel }: GroupLag): Readonly<Record<string, string>> {
  return group === null ? { channel } : { group, channel };
}

function inSeconds(milliseconds: number | null): number | null {
  return milliseconds === null ? null : milliseconds / 1_000;
}
