/** Publishing and settling in one step. */
import type { Message, OutgoingMessage } from '../../message/message.ts';
import type { MessageReference } from './claim.ts';
import type { Outcome } from './publish.ts';

/**
 * `gone`: it is no longer in the channel (purged, expired, taken by someone else), and nobody can say whether it was moved.
 * `in-doubt`: it is recorded as moved, and the system undid a part of what was moved with it.
 */
export type Recovered = 'moved' | 'not-moved' | 'gone' | 'in-doubt';

export interface MoveItem {
  readonly source: Message;
  readonly outgoing: OutgoingMessage;
}

/** Publish and settle in one step: exactly once. */
export interface AtomicMove {
  /** All or nothing for the batch where it throws; else one outcome for each. */
  move(items: readonly MoveItem[], signal: AbortSignal): Promise<readonly Outcome[]>;
  /**
   * After a crash: what became of the last `move`? Fences the run before, so the answer stays true. Asked about earlier
   * ones, `gone` may be the answer for what was moved.
   */
  recover(sources: readonly MessageReference[], signal: AbortSignal): Promise<readonly Recovered[]>;
  close(): Promise<void>;
}
