/** What `dlq redrive` tells: its plan for a script, and its report. */
import type { Prepared } from '../../dlq/prepared.ts';
import type { RedriveCounts } from '../../dlq/redrive-state.ts';
import type { RedriveReport } from '../../dlq/report.ts';
import type { Declaration } from '../../drivers/driver.ts';
import { printFields } from '../../output/fields.ts';
import type { Output } from '../../output/output.ts';
import { countOf, countText, shortDuration } from '../../output/time.ts';

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
    ['of them put aside', some(report.putAside)],
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

/** How far a job came, before it goes on. */
export function standingText(counts: RedriveCounts): string {
  const { moved, putAside, unsettled, failed, skipped, drifted, quarantined, inDoubt, remaining } = counts;
  const stay = quarantined - putAside;
  const parts: readonly (readonly [number, string])[] = [
    [putAside, countOf(putAside, 'was put aside', 'were put aside')],
    [unsettled, countOf(unsettled, 'of these is to be settled', 'of these are to be settled')],
    [failed, `${countText(failed)} failed`],
    [skipped, countOf(skipped, 'was skipped', 'were skipped')],
    [drifted, `${countText(drifted)} drifted`],
    [stay, countOf(stay, 'is for the quarantine and stays', 'are for the quarantine and stay')],
    [inDoubt, countOf(inDoubt, 'is in doubt', 'are in doubt')],
  ];
  return [
    countOf(moved, 'was moved', 'were moved'),
    ...parts.flatMap(([count, text]) => (count === 0 ? [] : [text])),
    countOf(remaining, 'is still to be sent', 'are still to be sent'),
  ].join('; ');
}

function guaranteeText({ guarantees }: RedriveReport): string {
  const entries = Object.entries(guarantees);
  return entries.map(([channel, guarantee]) => `${channel}: ${guarantee.replaceAll('-', ' ')}`).join(', ');
}

/** The plan as one JSON document. */
export function redrivePlanRecord(prepared: Prepared): unknown {
  const { job, totals, selection, changes, guarantee, notes, blast, goesTo } = prepared;
  return {
    channel: job.channel,
    selected: totals.selected,
    bytes: totals.bytes,
    destinations: [...goesTo].map(([name, count]) => ({ channel: name, count, guarantee })),
    causes: selection?.causes ?? null,
    headersRemoved: selection === null ? null : Object.fromEntries(selection.headersRemoved),
    edits: selection?.edits ?? changes.edits,
    quarantined: selection?.quarantined ?? null,
    unchanged: selection?.unchanged ?? null,
    leftOut: selection?.leftOut ?? null,
    blast,
    notes,
  };
}
