/**
 * The time-out of a transactional id, which the coordinator keeps with it, also says what whoever comes next has to know: it is
 * written in the same step as the epoch that fences, needs no right of its own, and lasts as long as the id.
 */

/** A run that is killed holds up every reader of committed records for so long at most. */
export const moveMs = 15_000;

/**
 * The last transaction of this id is committed, and its marks that were left out are being written, in a transaction of this
 * time-out: what is open is to be committed. The second is for brokers that allow no more than it (`transaction.max.timeout.ms`).
 */
export const finishingMs = [900_000, 15_001] as const;

/** A commit was to be finished, and the broker aborted that after the time-out: what was recorded with it may not be there. */
export const undoneMs = 15_002;

/** A later redrive of the same dead letters has seen to what was open. */
export const endedMs = 15_003;

/** Whether a transaction's time-out, in milliseconds, is one of `finishingMs`. */
export function isFinishing(timeoutMs: number): boolean {
  return finishingMs.some((each) => each === timeoutMs);
}
