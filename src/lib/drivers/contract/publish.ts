/** Sending messages, and what became of each. */
import type { OutgoingMessage } from '../../message/message.ts';

export type DeliveryGuarantee = 'at-most-once' | 'at-least-once' | 'transactional';

export interface PublishTraits {
  readonly deliveries: readonly DeliveryGuarantee[];
  /** The unit within which what was sent first is read first. */
  readonly orderUnit: 'partition' | 'key' | 'message-group' | 'channel' | 'none';
  /** Whether a null value can be told from an empty one (a tombstone). */
  readonly nullValue: boolean;
  /** false: a message without content is refused. */
  readonly emptyValue?: false;
  readonly key: boolean;
  /** Every message has a key, text of at most so many characters: the driver makes one where none is given. */
  readonly keyText?: { readonly maxCharacters: number };
  readonly partition: boolean;
  readonly timestamp: boolean;
  /** `text`: values of one line of text without blanks around; others are rejected. */
  readonly headers: 'bytes' | 'typed' | 'text' | 'none';
  /** `token`: names have letters, digits, `_`, `-` and single dots between them. Absent: any text. */
  readonly headerNames?: 'token';
  readonly repeatedHeaders: boolean;
  /** `text`: binary needs an encoding. */
  readonly payload: 'bytes' | 'text';
  readonly compressions: readonly string[];
  /** The properties that it publishes again exactly. */
  readonly properties: readonly string[];
  /** Properties that it takes and does not give back. */
  readonly sentOnly?: readonly string[];
  /** Channels whose name begins so pass a message on by its property `routingKey`; null: there are none. */
  readonly routing: { readonly prefix: string } | null;
  /** Whether a message can be refused because nothing would receive it (RabbitMQ's `mandatory`). */
  readonly unroutable: boolean;
  readonly dedupeWindowMs: number | null;
  /** The property by which the system knows a message that it has already, within that window: a redrive gives it an id of its own. */
  readonly dedupeProperty?: string;
  /** The property by which those who read a channel choose what they get of it (a subject): `Driver.readersOf` is there. */
  readonly addressedBy?: string;
}

export interface PublishRequest {
  readonly channel: string;
  readonly delivery: DeliveryGuarantee;
  readonly compression: string | null;
}

export type Outcome =
  | {
      readonly status: 'accepted';
      readonly partition: string | null;
      readonly offset: string | null;
      readonly id: string | null;
      /** Known to be a duplicate of what was sent before, which the system has and therefore did not keep. */
      readonly suppressed?: true;
    }
  | { readonly status: 'rejected'; readonly reason: string; readonly retriable: boolean }
  /** No answer came: it may be there or not. */
  | { readonly status: 'unknown'; readonly reason: string };

export interface PublishLimits {
  /** Bytes of one message; null where unknown or unlimited. */
  readonly messageBytes: number | null;
  readonly headers: number | null;
  /** Messages whose time is longer ago are soon deleted; null: kept for ever, or unknown. Milliseconds. */
  readonly retentionMs: number | null;
}

export interface Publish {
  /** Throws `NotFoundError` where the channel is missing: nothing is ever created by publishing. */
  open(request: PublishRequest, signal: AbortSignal): Promise<Publisher>;
  limits(channel: string, signal: AbortSignal): Promise<PublishLimits>;
}

export interface Publisher {
  /**
   * One outcome for each message, in their order. May be called again before the last answer came: the order of calls
   * is the order on the wire. Rejections are outcomes; it throws only when nothing of the batch was sent.
   * In a transaction `accepted` holds once `commit` returned.
   */
  send(messages: readonly OutgoingMessage[]): Promise<readonly Outcome[]>;
  /** Transactions only: makes all that was sent visible, or throws. */
  commit(): Promise<void>;
  /** Transactions only: nothing that was sent becomes visible. */
  abort(): Promise<void>;
  /** The broker asked to wait (blocked connection, quota); null when it did not. */
  readonly blocked: string | null;
  close(): Promise<void>;
}
