/** What `dlq redrive` tells: its plan for a script, and its report. */
import type { Prepared } from '../../dlq/prepared.ts';
import type { RedriveReport } from '../../dlq/report.ts';
import type { Declaration } from '../../drivers/driver.ts';
import { printFields } from '../../output/fields.ts';
import type { Output } from '../../output/output.ts';
import { countText, shortDuration } from '../../output/time.ts';

/** What became of each, as a person reads it. */
export async function printRedriveReport(
  output: Output,
  report: RedriveReport,
  { facets }: Declaration,
): Promise<void> {
  const some = (count: number): string | null => (count === 0 ? null : countText(count));
  await printFields(output, [
    ['selected', countText(report.selected)],
    ['moved', countText(report.moved)],
    ['failed', some(report.failed)],
    ['skipped', some(report.skipped)],
    ['drifted', some(report.drifted)],
    ['quarantined', some(report.quarantined)],
    ['in doubt', some(report.inDoubt)],
    ['remaining', some(report.remaining)],
    ['returned', some(report.returned)],
    ['possible duplicates', some(report.possibleDuplicateCount)],
    ['not yet settled', some(report.unsettled)],
    ['without the mark', some(report.unmarked)],
    ['guarantee', guaranteeText(report) || null],
    ['job', report.id],
    ['report', report.reportFile],
  ]);
  for (const { id, redriveId } of report.possibleDuplicates)
    output.note(`possibly twice: ${id} (mqctl-redrive: ${redriveId})`);
  const { dedupeProperty, dedupeWindowMs = null } = facets.publish ?? {};
  if (report.possibleDuplicateCount > 0 && dedupeProperty !== undefined && dedupeWindowMs !== null)
    output.note(
      `where the destination knows messages by ${dedupeProperty}, it kept one of those that were sent twice within ${shortDuration(dedupeWindowMs)}`,
    );
  for (const { id, standing, reason } of report.failures)
    output.note(`${standing}: ${id}${reason === null ? '' : `: ${reason}`}`);
  for (const { id } of report.returnedMessages) output.note(`came back: ${id}`);
}

function guaranteeText({ guarantees }: RedriveReport): string {
  const entries = Object.entries(guarantees);
  return entries.map(([channel, guarantee]) => `${channel}: ${guarantee.replaceAll('-', ' ')}`).join(', ');
}

/** The plan as one JSON document. */
export function redrivePlanRecord(prepared: Prepared): unknown {
  const { job, totals, selection, guarantee, notes, blast, goesTo } = prepared;
  return {
    channel: job.channel,
    selected: totals.selected,
    bytes: totals.bytes,
    destinations: [...goesTo].map(([name, count]) => ({ channel: name, count, guarantee })),
    causes: selection?.causes ?? null,
    headersRemoved: selection === null ? null : Object.fromEntries(selection.headersRemoved),
    edits: selection?.edits ?? null,
    quarantined: selection?.quarantined ?? null,
    unchanged: selection?.unchanged ?? null,
    leftOut: selection?.leftOut ?? null,
    blast,
    notes,
  };
}
