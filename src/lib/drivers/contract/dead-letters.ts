/** Dead letters: why they died, where they came from, which are done with. */
import type { DeadLetter, Message } from '../../message/message.ts';
import type { MessageReference } from './claim.ts';

export interface ResolutionTraits {
  /**
   * How a single dead letter goes away. `removed`: it is taken out of the channel.
   * `recorded`: the channel cannot forget it, so a watermark and a set beside it say what was resolved.
   */
  readonly by: 'removed' | 'recorded';
  /** A dead letter stands for a message that stays where it was, and can be deleted with it (`ClaimRequest.originals`). */
  readonly originals?: 'stay';
  /** Dead letters are known only from when something captures them: `DeadLetters.capture` is there. */
  readonly capture?: true;
}

export interface DeadLetterPair {
  readonly source: string;
  readonly deadLetter: string;
  /** What declares it: `x-dead-letter-exchange`, `policy orders-dlx`, `errors.deadletterqueue.group.enable`… */
  readonly how: string;
}

/** Which dead letters of a channel are done with, where the channel cannot forget them. */
export interface ResolvedState {
  /** `fresh`: nobody worked here yet. `forgotten`: the record was lost, so resolved and unresolved cannot be told apart. */
  readonly memory: 'fresh' | 'kept' | 'forgotten';
  /** Milliseconds since 1970 at which the broker may drop the record; null: never, or unknown. */
  readonly expiresAt: number | null;
  readonly unresolved: number | null;
  /** There may be fewer than `unresolved`: places without a message are counted, too. Absent: it is exact. */
  readonly approximate?: true;
  /** Of each partition, the offset before which everything is resolved. */
  readonly doneBefore: ReadonlyMap<string, string>;
  /** How many lie before that, at most. */
  readonly doneCount: number;
  isResolved(reference: MessageReference): boolean;
}

/** What has to be there for dead letters to be known at all. */
export interface DeadLetterCapture {
  /** What would be made, a line each; null: it is there. */
  missing(signal: AbortSignal): Promise<readonly string[] | null>;
  /** Makes it. Throws `FailedError` with code `EXISTS` where it is there. */
  install(signal: AbortSignal): Promise<void>;
}

export interface DeadLetters {
  /** Only where `capture` is declared. */
  readonly capture?: DeadLetterCapture;
  /** What the broker declares. Conventions of names are the engine's. */
  pairs(signal: AbortSignal): Promise<readonly DeadLetterPair[]>;
  /** The system's own words on why it died; null where it has none. Frameworks' headers are the engine's. */
  read(message: Message): DeadLetter | null;
  /** By which key it first went its way, as the system noted it; null: it did not. Only where `publish.routing` is declared. */
  routingKey?(message: Message): string | null;
  /** Where the dead letters of this message came from, if this system's facts say so. */
  readonly volatileHeaders: readonly string[];
  readonly volatileProperties: readonly string[];
  /** Only where `by` is `recorded`. */
  resolved?(channel: string, signal: AbortSignal): Promise<ResolvedState>;
  /**
   * Records these as resolved without moving them, and that something is remembered here: with none, the record is begun.
   * Only where `by` is `recorded`. Throws `FailedError` where the record has no more room.
   */
  resolve?(channel: string, references: readonly MessageReference[], signal: AbortSignal): Promise<void>;
}
