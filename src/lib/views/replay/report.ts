/** What a replay tells when it has ended. */
import { FailedError, PartialError, type MqctlError } from '../../errors.ts';
import { printFields } from '../../output/fields.ts';
import type { Output } from '../../output/output.ts';
import { countText } from '../../output/time.ts';
import type { ReplayReport } from '../../replay/run-replay.ts';

/** What became of each, as a person reads it. */
export async function printReplayReport(output: Output, report: ReplayReport): Promise<void> {
  const some = (count: number): string | null => (count === 0 ? null : countText(count));
  await printFields(output, [
    ['selected', countText(report.selected)],
    ['published', countText(report.published)],
    ['failed', some(report.failed)],
    ['gone', some(report.gone)],
    ['in doubt', some(report.inDoubt)],
    ['remaining', some(report.remaining)],
    ['possible duplicates', some(report.possibleDuplicateCount)],
    ...Object.entries(report.leftOut).map(
      ([what, count]) => ['left out', `${what} of ${countText(count)}`] as const,
    ),
    ['guarantee', report.guarantee.replaceAll('-', ' ')],
    ['job', report.id],
    ['journal', report.journal],
  ]);
  for (const id of report.possibleDuplicates) output.note(`possibly twice: ${id}`);
  const more = report.possibleDuplicateCount - report.possibleDuplicates.length;
  if (more > 0) output.note(`and ${countText(more)} more: the lines AGAIN of the journal`);
  for (const { id, reason } of report.failures) output.note(`failed: ${id}: ${reason}`);
}

/** The error to end with; null where all were published. `resume`: the command that goes on. */
export function unpublished(report: ReplayReport, resume: string): MqctlError | null {
  const left = report.selected - report.published;
  if (report.stoppedBy === null && left === 0) return null;
  const hint = report.stoppedBy === null ? {} : { hint: `to go on: ${resume}` };
  const text =
    report.stoppedBy === null
      ? `${countText(left)} of ${countText(report.selected)} ${left === 1 ? 'was' : 'were'} not published`
      : `stopped: ${report.stoppedBy}`;
  return report.published === 0 ? new FailedError(text, hint) : new PartialError(text, hint);
}
