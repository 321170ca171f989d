import type { OutgoingMessage } from './message.ts';

/** A message to publish and where it came from, so that a failure can name its line. */
export interface NumberedMessage {
  /** Counted over all sources, from 1; where a source is one message, the number of the source. */
  readonly line: number;
  readonly message: OutgoingMessage;
}
