/** Requests: messages that wait for replies. */
import type { Message, OutgoingMessage } from '../../message/message.ts';
import type { DeliveryGuarantee } from './publish.ts';

export interface RequestTraits {
  /** What is certain of a request that nobody answered. */
  readonly delivery: DeliveryGuarantee;
  /** Whether several may answer one request. */
  readonly severalReplies: boolean;
}

export interface RequestToSend {
  readonly channel: string;
  readonly message: OutgoingMessage;
  /** Ends after so many replies; null: when none came for `gapMs`. More than 1 only where `severalReplies` is declared. */
  readonly replies: number | null;
  /** Ends when after a reply no other came for so many milliseconds. */
  readonly gapMs: number;
}

export interface Reply {
  readonly message: Message;
  /** Whoever answered says that it failed, in the system's own way of saying so; null: it does not. */
  readonly error: string | null;
}

/** Messages that are answered by whoever gets them. */
export interface Requests {
  /** Who else keeps or sees what is sent there, a sentence each; empty: nobody. Throws `UsageError` where no request can be sent. */
  appraise(channel: string, signal: AbortSignal): Promise<readonly string[]>;
  /**
   * Sends it once, and gives the replies as they come, at least one. Throws `FailedError` with code `NO_RESPONDERS` where nobody
   * listens there, `NO_REPLY` where no reply came in time (it may have been received), `REJECTED` where it was not sent.
   */
  send(request: RequestToSend, signal: AbortSignal): AsyncIterable<Reply>;
}
