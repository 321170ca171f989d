/** Sending to a queue or a topic: ten messages in a request, and an outcome for each of them. */
import { UsageError, errorText, mayPassLater } from '../../errors.ts';
import type { OutgoingMessage } from '../../message/message.ts';
import type { Outcome, Publisher } from '../driver.ts';
import { answered, mostEntries } from './batch-entries.ts';
import type { BatchAnswer, EntryAnswer } from './batch-entries.ts';
import { isThrottled, wasNotSent, wasRefused } from './failures.ts';

const concurrent = 8;
/** How many ids of what was sent are kept, to tell a suppressed duplicate. */
const idsKept = 100_000;
/** Codes of a failed entry that may go well later. */
const temporary = /throttl|InternalError|InternalFailure|ServiceUnavailable|RequestLimitExceeded/i;

export interface Grouped {
  readonly MessageGroupId?: string | undefined;
}

export type Encoded<Entry> =
  | { readonly entry: Entry; readonly bytes: number }
  /** Why it cannot be sent. */
  | { readonly fault: string };

export interface BatchDestination<Entry extends Grouped> {
  /** `SQS`. */
  readonly system: string;
  /** Of one request, all entries together. A message that is larger goes by itself. */
  readonly requestBytes: number;
  /** Keeps the order of each group: one request goes after the other. */
  readonly ordered: boolean;
  /** A duplicate that is suppressed is answered with the id of the message that is there already. */
  readonly tellsDuplicates: boolean;
  readonly encode: (message: OutgoingMessage) => Encoded<Entry>;
  readonly send: (
    entries: readonly (Entry & { readonly Id: string })[],
    signal: AbortSignal,
  ) => Promise<BatchAnswer>;
  readonly failure: (thrown: unknown) => unknown;
}

/** A message that can be sent, and where its outcome belongs. */
interface Ready<Entry> {
  readonly index: number;
  readonly entry: Entry;
  readonly bytes: number;
}

export class BatchPublisher<Entry extends Grouped> implements Publisher {
  readonly blocked = null;
  readonly #to: BatchDestination<Entry>;
  readonly #signal: AbortSignal;
  #last: Promise<unknown> = Promise.resolve();
  readonly #sentIds = new Set<string>();

  constructor(to: BatchDestination<Entry>, signal: AbortSignal) {
    this.#to = to;
    this.#signal = signal;
  }

  async send(messages: readonly OutgoingMessage[]): Promise<readonly Outcome[]> {
    this.#signal.throwIfAborted();
    const outcomes: Outcome[] = [];
    const ready: Ready<Entry>[] = [];
    for (const [index, message] of messages.entries()) {
      const encoded = this.#to.encode(message);
      if ('fault' in encoded)
        outcomes[index] = { status: 'rejected', reason: encoded.fault, retriable: false };
      else ready.push({ index, ...encoded });
    }
    const requests = this.#requestsOf(ready);
    const sending = this.#to.ordered
      ? this.#last.then(() => this.#inOrder(requests, outcomes))
      : this.#atOnce(requests, outcomes);
    this.#last = sending.catch(() => undefined);
    await sending;
    return outcomes;
  }

  commit(): Promise<void> {
    return Promise.reject(new UsageError(`${this.#to.system} has no transactions`));
  }

  abort(): Promise<void> {
    return Promise.reject(new UsageError(`${this.#to.system} has no transactions`));
  }

  async close(): Promise<void> {
    await this.#last;
  }

  async #atOnce(requests: readonly (readonly Ready<Entry>[])[], outcomes: Outcome[]): Promise<void> {
    let next = 0;
    const work = async (): Promise<void> => {
      for (let at = next++; at < requests.length; at = next++)
        await this.#request(requests[at] ?? [], outcomes);
    };
    await Promise.all(Array.from({ length: Math.min(concurrent, requests.length) }, work));
  }

  /** What comes behind one of its group that may still be sent again is not sent: it would overtake it. */
  async #inOrder(requests: readonly (readonly Ready<Entry>[])[], outcomes: Outcome[]): Promise<void> {
    const waiting = new Set<string>();
    for (const request of requests) {
      const free = request.filter(({ entry }) => !waiting.has(entry.MessageGroupId ?? ''));
      for (const { index } of request.filter((one) => !free.includes(one)))
        outcomes[index] = {
          status: 'rejected',
          reason: 'not sent, since one of its group before it was not accepted',
          retriable: true,
        };
      await this.#request(free, outcomes);
      for (const { index, entry } of free) {
        const outcome = outcomes[index];
        if (outcome?.status === 'unknown' || (outcome?.status === 'rejected' && outcome.retriable))
          waiting.add(entry.MessageGroupId ?? '');
      }
    }
  }

  async #request(batch: readonly Ready<Entry>[], outcomes: Outcome[]): Promise<void> {
    if (batch.length === 0) return;
    const answers = await answered(batch.length, () =>
      this.#to.send(
        batch.map(({ entry }, index) => ({ ...entry, Id: String(index) })),
        this.#signal,
      ),
    );
    for (const [at, { index }] of batch.entries()) outcomes[index] = this.#outcome(answers[at]);
  }

  #outcome(answer: EntryAnswer | undefined): Outcome {
    if (answer?.kind === 'done') {
      const { messageId } = answer;
      return {
        status: 'accepted',
        partition: null,
        offset: null,
        id: messageId,
        ...(this.#isSuppressed(messageId) && { suppressed: true }),
      };
    }
    if (answer?.kind === 'failed')
      return {
        status: 'rejected',
        reason: answer.reason,
        retriable: !answer.senderFault || temporary.test(answer.code),
      };
    const error = answer?.error;
    const failure = this.#to.failure(error);
    const reason = errorText(failure);
    if (wasNotSent(error) || isThrottled(error)) return { status: 'rejected', reason, retriable: true };
    return wasRefused(error)
      ? { status: 'rejected', reason, retriable: mayPassLater(failure) } // credentials that have expired are made anew
      : { status: 'unknown', reason };
  }

  #isSuppressed(messageId: string | null): boolean {
    if (!this.#to.tellsDuplicates || messageId === null) return false;
    if (this.#sentIds.has(messageId)) return true;
    this.#sentIds.add(messageId);
    const [oldest] = this.#sentIds;
    if (this.#sentIds.size > idsKept && oldest !== undefined) this.#sentIds.delete(oldest);
    return false;
  }

  /** Ten at most, and no more bytes than a request may have. */
  #requestsOf(ready: readonly Ready<Entry>[]): (readonly Ready<Entry>[])[] {
    const requests: Ready<Entry>[][] = [];
    let bytes = 0;
    for (const one of ready) {
      const current = requests.at(-1);
      if (
        current === undefined ||
        current.length >= mostEntries ||
        bytes + one.bytes > this.#to.requestBytes
      ) {
        requests.push([one]);
        bytes = one.bytes;
      } else {
        current.push(one);
        bytes += one.bytes;
      }
    }
    return requests;
  }
}
