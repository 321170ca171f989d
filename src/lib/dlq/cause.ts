import type { Message } from '../message/message.ts';
import type { Failure } from './failure.ts';
import { fingerprint, type Fingerprint } from './fingerprint.ts';
import { seenIn } from './seen.ts';

const silent: Failure = {
  reason: null,
  class: null,
  message: null,
  attempts: null,
  origin: { channel: null, partition: null, offset: null },
  consumer: null,
  at: null,
  stack: null,
  sentAt: null,
  routingKey: null,
};

/**
 * The cause that a dead letter belongs to: made of its failure. Where nobody said more than that it was given up (a broker's
 * `rejected`, or nothing at all), what can be seen of the message tells them apart.
 */
export function causeOf(message: Message, failure: Failure | null): Fingerprint {
  if (failure !== null && (failure.class !== null || failure.message !== null || failure.stack !== null))
    return fingerprint(failure);
  return fingerprint(failure ?? silent, seenIn(message));
}
