import type { Appraisal } from '../drivers/driver.ts';
import type { SelectionResult } from './select.ts';
import type { DeadLetterSource } from './source.ts';

/** What may surprise about what was selected, a sentence each. */
export function selectionNotes(
  { declaration }: DeadLetterSource,
  channel: string,
  { waiting }: Appraisal,
  { looked, limited, unmarked }: SelectionResult,
): readonly string[] {
  const notes: string[] = [];
  if (unmarked > 0)
    notes.push(
      `${unmarked.toString()} ${unmarked === 1 ? 'has no room for the mark and goes' : 'have no room for the mark and go'} without it: how often ${unmarked === 1 ? 'it was' : 'they were'} redriven is not counted (--require-mark leaves them)`,
    );
  // The first of a group hide those behind them.
  const depth = declaration.facets.look?.groupDepth;
  if (depth !== undefined && !limited && waiting !== null && looked < waiting)
    notes.push(
      `${looked.toString()} of about ${waiting.toString()} in "${channel}" could be seen: somebody holds others, or the first ${depth.toString()} of a message group hide those behind them; redrive again for the next`,
    );
  return notes;
}
