import type { Output } from '../../output/output.ts';
import { visible } from '../../output/sanitise.ts';
import type { ReportLine } from '../../schema/report/report-line.ts';

/** The lines of a report, each painted by what it is. */
export async function printReport(output: Output, lines: readonly ReportLine[]): Promise<void> {
  const { colour } = output;
  const paint: Readonly<Record<ReportLine['kind'], (text: string) => string>> = {
    plain: (text) => text,
    title: colour.bold,
    good: colour.green,
    bad: colour.red,
    doubtful: colour.yellow,
    dim: colour.dim,
  };
  await output.print(lines.map(({ kind, text }) => paint[kind](visible(text))).join('\n'));
}
