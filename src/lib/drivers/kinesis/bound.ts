/** Where reading a shard stops. */
import type { Message } from '../../message/message.ts';

export type Bound =
  | { readonly kind: 'sequence'; readonly before: bigint }
  /** Milliseconds since 1970, by the arrival of records. */
  | { readonly kind: 'time'; readonly before: number };

export interface Cut {
  readonly messages: readonly Message[];
  /** Something of it was not wanted any more. */
  readonly reached: boolean;
}

/** What comes before the first message that is at the bound or beyond it; without a bound, all. */
export function cutAt(messages: readonly Message[], bound: Bound | null): Cut {
  if (bound === null) return { messages, reached: false };
  const beyond = messages.findIndex((message) => isBeyond(message, bound));
  return beyond === -1
    ? { messages, reached: false }
    : { messages: messages.slice(0, beyond), reached: true };
}

function isBeyond({ offset, timestamp }: Message, bound: Bound): boolean {
  if (bound.kind === 'time') return timestamp !== null && timestamp >= bound.before;
  return offset !== null && BigInt(offset) >= bound.before;
}
