import { Args, Flags } from '@oclif/core';
import { BaseCommand, countFlag, durationFlag, outputFlag } from '../lib/base.ts';
import { AnswerIsNoError } from '../lib/errors.ts';
import {
  assertSomethingRead,
  breaches,
  readLag,
  type Breach,
  type GroupLag,
  type LagReport,
  type LagStatus,
  type PartitionLag,
} from '../lib/operations/lag.ts';
import { printListing } from '../lib/output/listing.ts';
import type { Column } from '../lib/output/table.ts';
import { countText, shortDuration, timeText } from '../lib/output/time.ts';

const statuses = ['empty', 'losing', 'unknown'] as const satisfies readonly LagStatus[];

export default class Lag extends BaseCommand<typeof Lag> {
  static override strict = false;
  static override summary = 'How far behind are the consumers: in messages, and in time';
  static override description = `BEHIND is the age of the oldest message that a group has still to read, by the message's own time. Unknown is said, and never 0. No group is joined, nothing is committed.

STATUS: ok (nothing waits), idle (nothing waits, nobody works), empty (messages wait and the group has no member), losing (retention is about to remove what waits), unknown (messages wait and members work: whether they keep up takes more than one look; see --sample).`;
  static override examples = [
    { description: 'Every group', command: '<%= config.bin %> lag' },
    {
      description: 'One group by partition, with rates over five seconds',
      command: '<%= config.bin %> lag billing --by partition --sample 5s',
    },
    {
      description: 'For cron: exit 3 when more than five minutes behind',
      command: '<%= config.bin %> lag billing --max-age 5m --quiet',
    },
  ];
  static override args = {
    group: Args.string({
      ignoreStdin: true,
      description: 'groups, or queues where queues are consumed; all without',
    }),
  };
  static override flags = {
    channel: Flags.string({
      multiple: true,
      summary: 'Only this channel (repeatable)',
      helpValue: 'CHANNEL',
    }),
    by: Flags.option({
      options: ['group', 'partition'] as const,
      default: 'group',
      summary: 'One row for each group or partition',
    })(),
    sample: durationFlag({ summary: 'Look twice, so far apart, for the rates' }),
    'max-lag': countFlag({ summary: 'Exit 3 when more messages wait', helpGroup: 'THRESHOLD' }),
    'max-age': durationFlag({ summary: 'Exit 3 when the oldest waits longer', helpGroup: 'THRESHOLD' }),
    'max-drain': durationFlag({
      summary: 'Exit 3 when working it off takes longer (with --sample where the broker knows no rates)',
      helpGroup: 'THRESHOLD',
    }),
    'fail-on': Flags.option({
      options: statuses,
      multiple: true,
      delimiter: ',',
      summary: 'Exit 3 on this status',
      helpGroup: 'THRESHOLD',
    })(),
    output: outputFlag(['table', 'json', 'csv', 'ndjson']),
  };

  async run(): Promise<void> {
    const { flags } = this;
    const { driver, declaration } = await this.connect({ verb: 'lag', needs: ['backlog'], changes: false });
    const report = await readLag(
      driver.backlog,
      {
        names: this.words.length === 0 ? null : this.words,
        channels: flags.channel ?? null,
        sampleMs: flags.sample ?? null,
        group: declaration.facets.backlog?.group ?? 'group',
        now: Date.now,
      },
      this.signal,
    );
    assertSomethingRead(report);
    await (flags.by === 'partition' ? this.#byPartition(report) : this.#byGroup(report));
    for (const unknown of new Set(report.groups.flatMap((group) => group.unknown)))
      this.output.note(`unknown: ${unknown}`);
    const over = breaches(report, {
      maxLag: flags['max-lag'] ?? null,
      maxAgeMs: flags['max-age'] ?? null,
      maxDrainMs: flags['max-drain'] ?? null,
      failOn: flags['fail-on'] ?? [],
    });
    if (over.length > 0) throw new AnswerIsNoError(over.map(sentence).join('; '));
  }

  async #byGroup(report: LagReport): Promise<void> {
    const { output } = this;
    const columns: Column<GroupLag>[] = [
      { header: 'GROUP', cell: ({ group }) => group ?? '-' },
      { header: 'CHANNEL', cell: ({ channel }) => channel },
      {
        header: 'STATUS',
        cell: ({ status }) => status,
        paint: (text, { status }) =>
          status === 'losing' || status === 'empty' ? output.colour.red(text) : text,
      },
      {
        header: 'LAG',
        align: 'right',
        cell: ({ lag, atMost }) =>
          atMost && lag !== null && lag > 0 ? `≤ ${countText(lag)}` : countText(lag),
      },
      { header: 'BEHIND', align: 'right', cell: (group) => behind(group.timeLagMs, group.partitions) },
      { header: 'IN/s', align: 'right', cell: ({ rateIn }) => rate(rateIn) },
      { header: 'OUT/s', align: 'right', cell: ({ rateOut }) => rate(rateOut) },
      {
        header: 'DRAINED IN',
        align: 'right',
        cell: ({ drainMs, lag, rateIn, rateOut }) => drain(drainMs, lag, rateIn, rateOut),
      },
      { header: 'MEMBERS', align: 'right', cell: ({ members }) => members?.toString() ?? 'unknown' },
    ];
    await printListing(output, this.flags.output ?? 'table', {
      columns,
      rows: [...report.groups].sort((one, other) => (other.lag ?? Infinity) - (one.lag ?? Infinity)),
      record: (row) => ({ ...row }),
      document: (groups) => ({ at: timeText(report.at), groups }),
      empty: 'no group, so nobody is behind',
    });
  }

  async #byPartition(report: LagReport): Promise<void> {
    interface Row {
      readonly group: GroupLag;
      readonly partition: PartitionLag;
    }
    const rows: Row[] = report.groups.flatMap((group) =>
      group.partitions.map((partition) => ({ group, partition })),
    );
    const columns: Column<Row>[] = [
      { header: 'GROUP', cell: ({ group }) => group.group ?? '-' },
      { header: 'CHANNEL', cell: ({ group }) => group.channel },
      { header: 'PARTITION', align: 'right', cell: ({ partition }) => partition.partition ?? '-' },
      { header: 'STATUS', cell: ({ partition }) => partition.status },
      { header: 'COMMITTED', align: 'right', cell: ({ partition }) => partition.committed ?? 'none' },
      { header: 'END', align: 'right', cell: ({ partition }) => partition.end ?? 'unknown' },
      { header: 'LAG', align: 'right', cell: ({ partition }) => countText(partition.lag) },
      { header: 'BEHIND', align: 'right', cell: ({ partition }) => behind(partition.timeLagMs, [partition]) },
      { header: 'OWNER', cell: ({ partition }) => partition.owner ?? '-' },
    ];
    await printListing(this.output, this.flags.output ?? 'table', {
      columns,
      rows,
      record: ({ group, partition }) => ({ group: group.group, channel: group.channel, ...partition }),
      document: () => ({ at: timeText(report.at), groups: report.groups }),
      empty: 'no group, so nobody is behind',
    });
  }
}

function behind(timeLagMs: number | null, partitions: readonly PartitionLag[]): string {
  if (timeLagMs !== null) return timeLagMs === 0 ? '-' : shortDuration(timeLagMs);
  return partitions.some(({ skewed }) => skewed) ? 'clock ahead' : 'unknown';
}

function rate(value: number | null): string {
  return value === null ? '-' : value < 10 ? value.toFixed(1) : countText(Math.round(value));
}

function drain(
  drainMs: number | null,
  lag: number | null,
  rateIn: number | null,
  rateOut: number | null,
): string {
  if (drainMs !== null) return drainMs === 0 ? '-' : shortDuration(drainMs);
  return lag !== null && rateIn !== null && rateOut !== null ? 'never' : '-';
}

function sentence({ group, channel, what, value, limit }: Breach): string {
  const text = (amount: number | string | null): string => {
    if (amount === null) return 'unknown';
    if (typeof amount === 'string') return amount;
    return what === 'lag' ? countText(amount) : shortDuration(amount);
  };
  const place = group === channel ? `"${channel}"` : `"${group}" on "${channel}"`;
  if (what === 'status') return `${place} is ${text(value)}`;
  const words = { lag: 'messages behind', age: 'behind', drain: 'until drained' } as const;
  return `${place} is ${text(value)} ${words[what]}, more than ${text(limit)}`;
}
