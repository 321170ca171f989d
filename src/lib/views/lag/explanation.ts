import { byWorst } from '../../operations/lag/assess.ts';
import type { GroupLag, LagReport, PartitionLag } from '../../operations/lag/report.ts';
import { lagStatuses } from '../../operations/lag/status.ts';
import type { Output } from '../../output/output.ts';
import { visible } from '../../output/sanitise.ts';
import { printTable } from '../../output/table.ts';
import { countText, timeText } from '../../output/time.ts';
import { place } from './words.ts';

const clocks = {
  create: "the producer's clock (create time)",
  append: "the broker's clock (append time)",
  broker: "the broker's own reckoning",
} as const;

/** Of each group, or of each partition, the samples and the rule that gave its status. */
export async function printExplanation(
  output: Output,
  report: LagReport,
  by: 'group' | 'partition',
): Promise<void> {
  for (const group of [...report.groups].sort(byWorst)) {
    for (const partition of by === 'partition' ? group.partitions : worstOf(group)) {
      const where = partition.partition === null ? '' : `, partition ${partition.partition}`;
      await output.print(
        `\n${visible(`${place(group)}${where}`)}: ${output.colour.bold(partition.status)}: ${visible(partition.rule)}`,
      );
      if (partition.commitTimes !== null) await output.print(`commitTimes: ${partition.commitTimes}`);
      if (partition.clock !== null) await output.print(`age by ${clocks[partition.clock]}`);
      await printTable(
        output,
        [
          { header: 'SAMPLE', cell: ({ at }) => timeText(at) },
          {
            header: 'COMMITTED',
            align: 'right',
            cell: ({ committed }) => committed?.toString() ?? 'unknown',
          },
          { header: 'END', align: 'right', cell: ({ end }) => end?.toString() ?? 'unknown' },
          { header: 'LAG', align: 'right', cell: ({ lag }) => countText(lag) },
          {
            header: 'LAST COMMIT',
            cell: ({ committedAt }) => (committedAt === null ? '-' : timeText(committedAt)),
          },
        ],
        partition.samples ?? [],
      );
    }
  }
}

/** The first partition that is as bad as the group. */
function worstOf(group: GroupLag): readonly PartitionLag[] {
  const [worst] = [...group.partitions].sort(
    (one, other) => lagStatuses.indexOf(other.status) - lagStatuses.indexOf(one.status),
  );
  return worst === undefined ? [] : [worst];
}
