/** The plan of a replay: for a person, and for a script. */
import type { Output } from '../../output/output.ts';
import { countText, shortDuration, timeText } from '../../output/time.ts';
import { isSameChannel, type PreparedReplay, type ReplayEnd } from '../../replay/plan-replay.ts';

/** What is selected, where it goes, and what will not arrive as it was. `rate`: as it was said. */
export function tellReplayPlan(
  output: Output,
  { head, misfits, oldestAt, newestAt, notes }: PreparedReplay,
  from: ReplayEnd,
  to: ReplayEnd,
  rate: string,
): void {
  const { source, destination } = head;
  output.note(
    `${countText(head.selected)} of "${source.channel}" at ${source.target} (${countText(head.bytes)} bytes) to "${destination.channel}" at ${destination.target}, at least once`,
  );
  if (oldestAt !== null && newestAt !== null)
    output.note(
      `  ${shortDuration(newestAt - oldestAt)} of them: ${timeText(oldestAt)} to ${timeText(newestAt)}`,
    );
  for (const { partition, first, last, selected } of head.ranges)
    output.note(
      `  ${partition === null ? '' : `partition ${partition}: `}${countText(selected)} from ${first} to ${last}`,
    );
  for (const [reason, count] of misfits) output.note(`  ${countText(count)} will not be taken: ${reason}`);
  for (const [what, count] of Object.entries(head.leftOut))
    output.note(
      `  left out, because ${to.declaration.system} has no such thing: ${what} of ${countText(count)}`,
    );
  output.note(`  ${rate === 'max' ? 'as fast as they are accepted' : `at ${rate}`}`);
  if (isSameChannel(from, to))
    output.note('  onto itself: what is published now lies behind the frozen end, and is not read');
  for (const note of notes) output.note(`  ${note}`);
}

/** The plan as one JSON document. */
export function replayPlanRecord({ head, misfits, oldestAt, newestAt, notes }: PreparedReplay): unknown {
  const time = (at: number | null): string | null => (at === null ? null : timeText(at));
  return {
    source: head.source,
    destination: head.destination,
    selected: head.selected,
    bytes: head.bytes,
    partitions: head.ranges,
    oldestAt: time(oldestAt),
    newestAt: time(newestAt),
    misfits: Object.fromEntries(misfits),
    leftOut: head.leftOut,
    notes,
  };
}
