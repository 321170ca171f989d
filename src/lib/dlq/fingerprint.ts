import { hash } from 'node:crypto';

import type { Failure } from './failure.ts';
import { maskMessage } from './masking.ts';
import { applicationFrame } from './stack-frame.ts';

/** A cause, made stable: messages that failed alike have the same `id`. */
export interface Fingerprint {
  /** 12 hex digits. */
  readonly id: string;
  /** What it was made of, in this order; null is what the failure does not say. */
  readonly parts: {
    readonly class: string | null;
    /** The message, or the reason where there is none; ids, numbers, times and quoted values masked. */
    readonly message: string | null;
    readonly frame: string | null;
    readonly channel: string | null;
    readonly consumer: string | null;
    /** What can be seen of the message, where nobody said what happened. */
    readonly seen: string | null;
  };
}

/**
 * The same failure gives the same id, on every machine and in every version. `seen` is for a failure without words: see
 * `causeOf`.
 */
export function fingerprint(failure: Failure, seen: string | null = null): Fingerprint {
  const words = failure.message ?? failure.reason;
  const parts = {
    class: failure.class,
    message: words === null ? null : maskMessage(words),
    frame: applicationFrame(failure.stack),
    channel: failure.origin.channel,
    consumer: failure.consumer,
    seen,
  };
  const { class: exception, message, frame, channel, consumer } = parts;
  const made = [exception, message, frame, channel, consumer];
  const text = JSON.stringify(seen === null ? made : [...made, seen]);
  return { id: hash('sha256', text, 'hex').slice(0, 12), parts };
}
