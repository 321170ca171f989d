/** What the broker's refusals of a batch mean (protocol guide, error codes). */
import { errorCodes } from './protocol/error-codes.ts';

/** The leader wrote it, the replicas did not answer in time: it may stay or go. */
export const undecided: ReadonlySet<number> = new Set([
  errorCodes.REQUEST_TIMED_OUT,
  errorCodes.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
]);
/** The broker does not know what this producer wrote last. */
export const lostProducer: ReadonlySet<number> = new Set([
  errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER,
  errorCodes.UNKNOWN_PRODUCER_ID,
  errorCodes.INVALID_PRODUCER_EPOCH,
]);
/** One record made the broker refuse its whole batch. */
export const refusedBatch: ReadonlySet<number> = new Set([
  errorCodes.MESSAGE_TOO_LARGE,
  errorCodes.RECORD_LIST_TOO_LARGE,
  errorCodes.INVALID_RECORD,
  errorCodes.INVALID_TIMESTAMP,
]);
