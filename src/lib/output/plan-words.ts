import { countOf, countText, shortDuration } from './time.ts';

/** A plan, as far as a person is told of it before saying yes. */
export interface PlanInWords {
  readonly channel: string;
  readonly target: string;
  readonly selected: number;
  readonly bytes: number;
  readonly guarantee: string;
  readonly destinations: ReadonlyMap<string, number>;
  readonly causes: readonly {
    readonly cause: string | null;
    readonly class: string | null;
    readonly message: string | null;
    readonly count: number;
  }[];
  readonly changes: {
    readonly edits: readonly {
      readonly changes: readonly {
        readonly path: string;
        readonly before: string | null;
        readonly after: string | null;
      }[];
      /** What is done where nothing can be looked at that it is done to. */
      readonly steps: readonly string[];
      readonly count: number;
    }[];
    /** Changed in ways that are not shown. */
    readonly others: number;
  };
  /** Others than the consumer that failed, who would receive what goes to a channel. */
  readonly blast: readonly {
    readonly channel: string;
    readonly others: readonly string[];
    readonly failed: readonly string[];
    readonly retryChannel: string | null;
  }[];
  /** Redriven before, and dead again of the same cause. */
  readonly unchanged: number;
  readonly quarantined: { readonly channel: string; readonly count: number } | null;
  readonly leftOut: readonly { readonly reason: string; readonly count: number }[];
  readonly headersRemoved: ReadonlyMap<string, number>;
  /** How it will go; null: nothing of it needs a pace. */
  readonly pace: string | null;
  readonly notes: readonly string[];
}

/** A sentence a line. Texts of messages in it are not yet safe for a terminal. */
export function planLines(plan: PlanInWords): readonly string[] {
  const lines: string[] = [];
  for (const [channel, count] of plan.destinations)
    lines.push(`${countText(count)} to "${channel}", ${plan.guarantee.replaceAll('-', ' ')}`);
  for (const { channel, others, failed, retryChannel } of plan.blast) {
    const at = failed.length === 0 ? '' : `; it failed at ${failed.join(', ')}`;
    const retry = retryChannel === null ? '' : `; "${retryChannel}" is there for retries`;
    lines.push(`others would receive what goes to "${channel}", too: ${others.join(', ')}${at}${retry}`);
  }
  for (const { cause, class: exception, message, count } of plan.causes)
    lines.push(
      `${countText(count)} of cause ${[cause ?? 'not said', exception, message].filter((part) => part !== null).join(', ')}`,
    );
  for (const { changes, steps, count } of plan.changes.edits) {
    const changed = countOf(count, 'is changed on the way', 'are changed on the way');
    lines.push(steps.length > 0 || count === 1 ? `${changed}:` : `${changed}, the first of them so:`);
    for (const { path, before, after } of changes)
      lines.push(`  ${path}: ${before ?? 'nothing'} → ${after ?? 'nothing'}`);
    for (const step of steps) lines.push(`  ${step}`);
  }
  if (plan.changes.others > 0)
    lines.push(
      `${countOf(plan.changes.others, 'more is changed in another way', 'more are changed in other ways')}: see the plan`,
    );
  if (plan.quarantined !== null)
    lines.push(
      `${countOf(plan.quarantined.count, 'is put aside', 'are put aside')} into "${plan.quarantined.channel}"`,
    );
  if (plan.unchanged > 0)
    lines.push(
      `${countOf(plan.unchanged, 'was', 'were')} redriven before and died again of the same cause: change them, or put them aside`,
    );
  for (const { count, reason } of plan.leftOut)
    lines.push(`${countOf(count, 'stays where it is', 'stay where they are')}: ${reason}`);
  if (plan.headersRemoved.size > 0)
    lines.push(`headers taken off: ${[...plan.headersRemoved.keys()].join(', ')}`);
  return [
    `${countText(plan.selected)} of "${plan.channel}" at ${plan.target} (${countOf(plan.bytes, 'byte')})`,
    ...[...lines, ...(plan.pace === null ? [] : [plan.pace]), ...plan.notes].map((line) => `  ${line}`),
  ];
}

/** `steps` are the canary's, watched for so long each. */
export function paceText(rate: string, steps: readonly number[], watchMs: number): string {
  const speed = rate === 'max' ? 'as fast as they are accepted' : `at ${rate}`;
  if (steps.length === 0) return speed;
  return `${speed}; first ${steps.join(', then ')}, after each ${shortDuration(watchMs)} to see whether they come back`;
}
