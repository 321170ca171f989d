/** What `consume` says at the end of what it took, in a line. */
import type { CommandTally } from '../../dlq/consume-by-command.ts';
import type { TakeResult } from '../../operations/consume.ts';
import { countOf, countText } from '../../output/time.ts';

/** `3 taken, 2 given back`. */
export function takenText(result: TakeResult): string {
  return `${countText(result.settled)} taken${leftText(result)}`;
}

/** `3 handled, 1 attempt repeated, 1 moved to "orders.dlq"`. `deadLetter`: where what was given up went; null: nowhere. */
export function handledText(
  result: CommandTally,
  { deadLetter, rejects }: { readonly deadLetter: string | null; readonly rejects: boolean },
): string {
  const { succeeded, retried, buried } = result;
  return [
    `${countText(succeeded)} handled`,
    ...(retried > 0 ? [`${countOf(retried, 'attempt')} repeated`] : []),
    ...(deadLetter === null ? [] : [`${countText(buried)} moved to "${deadLetter}"`]),
    ...(rejects ? [`${countText(buried)} rejected`] : []),
  ]
    .join(', ')
    .concat(leftText(result));
}

function leftText({ released, lost }: TakeResult): string {
  return `${released > 0 ? `, ${countText(released)} given back` : ''}${lost > 0 ? `, ${countText(lost)} lost to someone else: ${lost === 1 ? 'it' : 'they'} may come again` : ''}`;
}
