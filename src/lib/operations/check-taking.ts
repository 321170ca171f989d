import type { Declaration } from '../drivers/driver.ts';
import { UnsupportedError } from '../errors.ts';

/** How messages are to be taken, as it was said. */
export interface SaidTaking {
  /** null: from the channel itself. */
  readonly group: string | null;
  /** Where what is given up goes; null: nowhere. */
  readonly deadLetter: string | null;
  /** Whether what is given up is refused for good. */
  readonly rejects: boolean;
}

/** Which of the ways to take this system has. Throws `UnsupportedError` that names the other one. */
export function checkTaking(
  { system, facets: { claim, deadLetters, publish } }: Declaration,
  { group, deadLetter, rejects }: SaidTaking,
): void {
  if (deadLetter !== null && publish === undefined)
    throw new UnsupportedError(`${system} has not got "produce", so that it takes no dead letters`);
  const way = group === null ? 'channel' : 'group';
  if (rejects && claim?.rejects?.includes(way) !== true) {
    const instead =
      claim?.rejects?.includes('group') === true ? 'take for a group: --group NAME; or say' : 'say';
    throw new UnsupportedError(`${system} has not got "consume --exec --reject"`, {
      hint: `${instead} where it goes: --dead-letter CHANNEL`,
    });
  }
  const keepsWhatWasRead = claim?.group === 'required' || deadLetters?.by === 'recorded';
  if (keepsWhatWasRead && group === null)
    throw new UnsupportedError(`${system} has not got "consume --ack": its channels keep what was read`, {
      hint: 'a group keeps its place: --group NAME',
    });
  if (claim?.group === 'none' && group !== null)
    throw new UnsupportedError(`${system} has not got "consume --group"`, {
      hint: 'messages are taken from the channel itself: --ack',
    });
}
