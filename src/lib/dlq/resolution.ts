import type { ResolvedState } from '../drivers/driver.ts';
import { FailedError } from '../errors.ts';
import type { Message } from '../message/message.ts';
import type { Job } from '../store/jobs.ts';
import type { DeadLetterSource } from './source.ts';

/** Which dead letters are still to be worked on. */
export interface Unresolved {
  readonly has: (message: Message) => boolean;
  /** null where the channel itself forgets what was resolved. */
  readonly state: ResolvedState | null;
}

/** Where a channel keeps its dead letters for ever, what was resolved is recorded beside it. */
export async function unresolvedOf(
  { driver, declaration }: DeadLetterSource,
  channel: string,
  signal: AbortSignal,
): Promise<Unresolved> {
  if (declaration.facets.deadLetters?.by !== 'recorded') return { has: () => true, state: null };
  const state = (await driver.deadLetters?.resolved?.(channel, signal)) ?? null;
  return { has: (message) => state?.isResolved(message) !== true, state };
}

/**
 * Refuses where what was resolved is no longer known: redriving then would send messages twice. Nobody has worked here
 * only if this machine has not either. Throws `FailedError` with code `FORGOTTEN`.
 */
export function refuseForgotten(
  channel: string,
  target: string,
  { state }: Unresolved,
  jobs: readonly Job[],
  treatAsNew: boolean,
): void {
  if (state === null || state.memory === 'kept' || treatAsNew) return;
  const before = jobs.find(
    (job) => job.kind === 'redrive' && job.channel === channel && job.target === target && mayHaveMoved(job),
  );
  if (state.memory === 'fresh' && before === undefined) return;
  const known =
    before === undefined
      ? ''
      : `: job ${before.id} moved ${before.counts['moved']?.toString() ?? 'some'} of them`;
  throw new FailedError(`which dead letters of "${channel}" were resolved has been forgotten${known}`, {
    code: 'FORGOTTEN',
    hint: 'say --treat-as-new if it is right to redrive them all',
  });
}

/** A run that was killed did not come to write down what it moved. */
function mayHaveMoved({ state, counts }: Job): boolean {
  return state === 'running' || (counts['moved'] ?? 0) > 0;
}
