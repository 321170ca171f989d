/** What `lag --watch` draws: lines that fit the terminal. */
import { byWorst } from '../../operations/lag/assess.ts';
import type { GroupLag, LagReport, PartitionLag } from '../../operations/lag/report.ts';
import { breaches, type Thresholds } from '../../operations/lag/thresholds.ts';
import type { Output } from '../../output/output.ts';
import { visible } from '../../output/sanitise.ts';
import { sparkline, trendArrow } from '../../output/sparkline.ts';
import { tableLines, type Column } from '../../output/table.ts';
import { countText, timeText } from '../../output/time.ts';
import { groupColumns } from './tables.ts';
import { keyHelp, type WatchState } from './watch-state.ts';
import { behindText, breachSentence, lagText, paintStatus, place } from './words.ts';

export interface Watched {
  readonly report: LagReport;
  /** Lags of the looks so far by `place`, the oldest first. */
  readonly trends: ReadonlyMap<string, readonly (number | null)[]>;
  /** Why the last look failed; null: it did not. */
  readonly problem: string | null;
}

interface PartitionRow {
  readonly group: GroupLag;
  readonly partition: PartitionLag;
}

/** Lines above and below the rows. */
const frame = 4;

/**
 * `columns` and `rows` are the terminal's size; at least one row of the table is there. The last two lines say what is over a
 * threshold, and why the last look failed, else the keys where it is interactive.
 */
export function watchLines(
  output: Output,
  { report, trends, problem }: Watched,
  state: WatchState,
  {
    thresholds,
    columns,
    rows,
    interactive,
  }: {
    readonly thresholds: Thresholds;
    readonly columns: number;
    readonly rows: number;
    readonly interactive: boolean;
  },
): string[] {
  const { colour } = output;
  const groups = chosen(report, state).sort(ordering[state.sorting]);
  const room = roomIn(rows);
  const cut = (text: string): string => visible(text).slice(0, columns);
  const table = state.expanded
    ? tableLines(output, partitionColumns(output), shown(groups.flatMap(rowsOf), state, room), columns)
    : tableLines(
        output,
        [...groupColumns(output), ...trendColumns(trends)],
        shown(groups, state, room),
        columns,
      );
  const over = breaches(report, thresholds);
  const head = `${timeText(report.at)}  ${groups.length.toString()} of ${report.groups.length.toString()} groups, by ${state.sorting}`;
  const filter =
    state.filter === '' && !state.typing ? '' : `  filter: ${state.filter}${state.typing ? '▏' : ''}`;
  return [
    colour.bold(cut(head + filter)),
    ...table,
    over.length === 0 ? '' : colour.red(cut(over.map(breachSentence).join('; '))),
    problem !== null
      ? colour.red(cut(`could not look: ${problem}`))
      : interactive
        ? colour.dim(cut(keyHelp))
        : '',
  ];
}

/** How many rows can be scrolled over until the last one shows; `rows` is the terminal's height. */
export function mostTop(report: LagReport, state: WatchState, rows: number): number {
  const groups = chosen(report, state);
  const all = state.expanded ? groups.flatMap(rowsOf) : groups;
  return Math.max(0, all.length - roomIn(rows));
}

function chosen({ groups }: LagReport, { filter }: WatchState): GroupLag[] {
  return groups.filter(({ group, channel }) => `${group ?? ''} ${channel}`.includes(filter));
}

function roomIn(rows: number): number {
  return Math.max(1, rows - frame);
}

/** How a group is named in `trends`. */
export function trendName(group: GroupLag): string {
  return place(group);
}

const ordering: Readonly<Record<WatchState['sorting'], (one: GroupLag, other: GroupLag) => number>> = {
  worst: byWorst,
  lag: (one, other) => (other.lag ?? Infinity) - (one.lag ?? Infinity),
  behind: (one, other) => (other.timeLagMs ?? Infinity) - (one.timeLagMs ?? Infinity),
  name: (one, other) => (place(one) < place(other) ? -1 : 1),
};

function shown<Row>(rows: readonly Row[], { top }: WatchState, room: number): Row[] {
  const first = Math.min(top, Math.max(0, rows.length - room));
  return rows.slice(first, first + room);
}

function rowsOf(group: GroupLag): PartitionRow[] {
  return group.partitions.map((partition) => ({ group, partition }));
}

function trendColumns(trends: Watched['trends']): Column<GroupLag>[] {
  const trend = (group: GroupLag): readonly (number | null)[] => trends.get(trendName(group)) ?? [];
  return [{ header: 'TREND', cell: (group) => `${sparkline(trend(group))} ${trendArrow(trend(group))}` }];
}

function partitionColumns(output: Output): Column<PartitionRow>[] {
  return [
    { header: 'GROUP', cell: ({ group }) => group.group ?? '-' },
    { header: 'CHANNEL', cell: ({ group }) => group.channel },
    { header: 'PARTITION', align: 'right', cell: ({ partition }) => partition.partition ?? '-' },
    {
      header: 'STATUS',
      cell: ({ partition }) => partition.status,
      paint: (text, { partition }) => paintStatus(output.colour, text, partition.status),
    },
    {
      header: 'LAG',
      align: 'right',
      cell: ({ group, partition }) => lagText({ lag: partition.lag, atMost: group.atMost }),
    },
    {
      header: 'BEHIND',
      align: 'right',
      cell: ({ partition }) => behindText(partition.timeLagMs, [partition]),
    },
    { header: 'COMMITTED', align: 'right', cell: ({ partition }) => partition.committed ?? 'none' },
    { header: 'LOST', align: 'right', cell: ({ partition }) => countText(partition.lost) },
    { header: 'OWNER', cell: ({ partition }) => partition.owner ?? '-' },
  ];
}
