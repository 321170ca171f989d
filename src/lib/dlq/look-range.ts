import type { LookRequest } from '../drivers/driver.ts';
import { parsePositions } from '../message/position-grammar.ts';

/** The part of a channel that is looked through. */
export type LookRange = Pick<LookRequest, 'from' | 'until'>;

export const wholeChannel: LookRange = { from: { every: { kind: 'start', shift: 0n } }, until: null };

/** What `--from` and `--until` say. Throws `UsageError`. */
export function parseLookRange(from: string | undefined, until: string | undefined): LookRange {
  return {
    from: from === undefined ? wholeChannel.from : parsePositions(from),
    until: until === undefined ? null : parsePositions(until),
  };
}
