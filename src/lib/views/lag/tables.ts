import type { GroupLag, LagReport, PartitionLag } from '../../operations/lag/report.ts';
import { byWorst } from '../../operations/lag/assess.ts';
import { printListing, type ListingFormat } from '../../output/listing.ts';
import type { Output } from '../../output/output.ts';
import type { Column } from '../../output/table.ts';
import { countText, timeText } from '../../output/time.ts';
import { behindText, drainText, lagText, paintStatus, rateText } from './words.ts';

const nobody = 'no group, so nobody is behind';

/** What a person sees of each group; `output` has the colours. */
export function groupColumns(output: Output): Column<GroupLag>[] {
  return [
    { header: 'GROUP', cell: ({ group }) => group ?? '-' },
    { header: 'CHANNEL', cell: ({ channel }) => channel },
    {
      header: 'STATUS',
      cell: ({ status }) => status,
      paint: (text, { status }) => paintStatus(output.colour, text, status),
    },
    { header: 'LAG', align: 'right', cell: lagText },
    { header: 'BEHIND', align: 'right', cell: (group) => behindText(group.timeLagMs, group.partitions) },
    { header: 'IN/s', align: 'right', cell: ({ rateIn }) => rateText(rateIn) },
    { header: 'OUT/s', align: 'right', cell: ({ rateOut }) => rateText(rateOut) },
    { header: 'DRAINED IN', align: 'right', cell: drainText },
    { header: 'MEMBERS', align: 'right', cell: ({ members }) => members?.toString() ?? 'unknown' },
  ];
}

/** One row for each group, the worst first. */
export async function printGroups(output: Output, format: ListingFormat, report: LagReport): Promise<void> {
  await printListing(output, format, {
    columns: groupColumns(output),
    rows: [...report.groups].sort(byWorst),
    record: format === 'csv' ? groupLine : groupRecord,
    document: () => lagDocument(report),
    empty: nobody,
  });
}

/** One row for each partition. */
export async function printPartitions(
  output: Output,
  format: ListingFormat,
  report: LagReport,
): Promise<void> {
  interface Row {
    readonly group: GroupLag;
    readonly partition: PartitionLag;
  }
  const rows: Row[] = [...report.groups]
    .sort(byWorst)
    .flatMap((group) => group.partitions.map((partition) => ({ group, partition })));
  const columns: Column<Row>[] = [
    { header: 'GROUP', cell: ({ group }) => group.group ?? '-' },
    { header: 'CHANNEL', cell: ({ group }) => group.channel },
    { header: 'PARTITION', align: 'right', cell: ({ partition }) => partition.partition ?? '-' },
    {
      header: 'STATUS',
      cell: ({ partition }) => partition.status,
      paint: (text, { partition }) => paintStatus(output.colour, text, partition.status),
    },
    { header: 'COMMITTED', align: 'right', cell: ({ partition }) => partition.committed ?? 'none' },
    { header: 'END', align: 'right', cell: ({ partition }) => partition.end ?? 'unknown' },
    { header: 'LAG', align: 'right', cell: ({ partition }) => countText(partition.lag) },
    {
      header: 'BEHIND',
      align: 'right',
      cell: ({ partition }) => behindText(partition.timeLagMs, [partition]),
    },
    { header: 'CLOCK', cell: ({ partition }) => partition.clock ?? '-' },
    { header: 'OWNER', cell: ({ partition }) => partition.owner ?? '-' },
  ];
  await printListing(output, format, {
    columns,
    rows,
    record: ({ group, partition }) => ({ group: group.group, channel: group.channel, ...partition }),
    document: () => lagDocument(report),
    empty: nobody,
  });
}

/** The whole report as JSON. */
export function lagDocument(report: LagReport): unknown {
  return {
    at: timeText(report.at),
    groups: [...report.groups].sort(byWorst).map(groupRecord),
  };
}

/** Of earlier looks. */
const forPictures: readonly string[] = ['history', 'arrivals'] satisfies readonly (keyof GroupLag)[];
const notInALine: ReadonlySet<string> = new Set([...forPictures, 'partitions', 'unknown', 'unreachable']);

/** What fits a line of CSV. */
function groupLine(group: GroupLag): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(group).filter(([name]) => !notInALine.has(name)));
}

function groupRecord(group: GroupLag): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(group).filter(([name]) => !forPictures.includes(name)));
}
