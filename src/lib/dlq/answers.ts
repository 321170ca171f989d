import type { Outcome } from '../drivers/driver.ts';
import type { RedriveJournal } from './journal.ts';

/** What a destination said of a batch, by what is to be done. */
export interface Answers<Work> {
  readonly accepted: readonly Work[];
  /** Not taken just now: to be tried once more. */
  readonly again: readonly Work[];
  /** Why they are to be tried once more; null: none is. */
  readonly reason: string | null;
  /** Refused for good, and noted as such. */
  readonly failed: readonly Work[];
  /** No answer came: they may be there or not. */
  readonly unsure: readonly Work[];
  /** Why that is so of the last of them; null: there are none. */
  readonly unsureReason: string | null;
}

/** Sorts the outcomes of a batch, one for each in its order, and notes what was refused for good. */
export function readAnswers<Work extends { readonly ordinal: number }>(
  journal: RedriveJournal,
  batch: readonly Work[],
  outcomes: readonly (Outcome | undefined)[],
): Answers<Work> {
  const accepted: Work[] = [];
  const again: Work[] = [];
  const failed: Work[] = [];
  const unsure: Work[] = [];
  let [reason, unsureReason]: [string | null, string | null] = [null, null];
  for (const [index, work] of batch.entries()) {
    const outcome = outcomes[index] ?? { status: 'unknown', reason: 'the driver did not say' };
    if (outcome.status === 'accepted') accepted.push(work);
    else if (outcome.status === 'unknown') {
      unsure.push(work);
      unsureReason = outcome.reason;
    } else if (outcome.retriable) {
      again.push(work);
      reason = outcome.reason;
    } else {
      failed.push(work);
      journal.record('FAILED', [work.ordinal], outcome.reason);
    }
  }
  return { accepted, again, reason, failed, unsure, unsureReason };
}
