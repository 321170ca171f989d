/** Receiving: what comes is hidden from everyone else for a while, and its receive count goes up. */
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
} from '@aws-sdk/client-sqs';
import type { Message as Received } from '@aws-sdk/client-sqs';
import type { Message } from '../../../message/message.ts';
import { answered, inBatches, mostEntries } from '../batch-entries.ts';
import type { EntryAnswer } from '../batch-entries.ts';
import { toMessage } from './message.ts';
import type { Session } from './session.ts';

/** The longest that SQS hides a message for, in seconds. */
export const longestVisibility = 43_200;

export interface Receipt {
  /** The receipt handle: it names this delivery, and ends with it. */
  readonly handle: string;
  readonly message: Message;
  /** Until when it is surely hidden from others, by the clock of `performance.now()`. */
  readonly until: number;
}

export class Receiver {
  readonly #session: Session;
  readonly #queue: string;
  readonly #url: string;

  private constructor(session: Session, queue: string, url: string) {
    this.#session = session;
    this.#queue = queue;
    this.#url = url;
  }

  /** Throws `NotFoundError`. */
  static async open(session: Session, queue: string, signal: AbortSignal): Promise<Receiver> {
    return new Receiver(session, queue, await session.url(queue, signal));
  }

  /**
   * At most ten. With a wait of a second or more all of SQS's servers are asked, so that nothing coming means that nothing is
   * visible; without, some of them.
   */
  async receive(
    { most, visibility, waitSeconds }: { most: number; visibility: number; waitSeconds: number },
    signal: AbortSignal,
  ): Promise<Receipt[]> {
    const since = performance.now();
    const { Messages = [] } = await this.#session.ask(
      (client, options) =>
        client.send(
          new ReceiveMessageCommand({
            QueueUrl: this.#url,
            MaxNumberOfMessages: Math.min(most, mostEntries),
            VisibilityTimeout: visibility,
            WaitTimeSeconds: waitSeconds,
            MessageSystemAttributeNames: ['All'],
            MessageAttributeNames: ['All'],
          }),
          options,
        ),
      signal,
      this.#queue,
      waitSeconds * 1_000,
    );
    return Messages.flatMap((received: Received) =>
      received.ReceiptHandle === undefined
        ? []
        : [
            {
              handle: received.ReceiptHandle,
              message: toMessage(this.#queue, received),
              until: since + visibility * 1_000,
            },
          ],
    );
  }

  /** 0 seconds gives them back at once. One answer for each. */
  changeVisibility(handles: readonly string[], seconds: number, signal: AbortSignal): Promise<EntryAnswer[]> {
    return inBatches(handles, (batch) =>
      answered(batch.length, () =>
        this.#session.ask(
          (client, options) =>
            client.send(
              new ChangeMessageVisibilityBatchCommand({
                QueueUrl: this.#url,
                Entries: batch.map((ReceiptHandle, index) => ({
                  Id: String(index),
                  ReceiptHandle,
                  VisibilityTimeout: seconds,
                })),
              }),
              options,
            ),
          signal,
          this.#queue,
        ),
      ),
    );
  }

  /** One answer for each. Deleting what is gone is no error, so it may be asked again. */
  delete(handles: readonly string[], signal: AbortSignal): Promise<EntryAnswer[]> {
    return inBatches(handles, (batch) =>
      answered(batch.length, () =>
        this.#session.ask(
          (client, options) =>
            client.send(
              new DeleteMessageBatchCommand({
                QueueUrl: this.#url,
                Entries: batch.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle })),
              }),
              options,
            ),
          signal,
          this.#queue,
        ),
      ),
    );
  }
}
