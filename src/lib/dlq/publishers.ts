import type { Driver, Outcome, Publisher } from '../drivers/driver.ts';
import { UnsupportedError, errorText, mayPassLater } from '../errors.ts';
import type { OutgoingMessage } from '../message/message.ts';

interface Opened {
  readonly opening: Promise<Publisher>;
  /** null until it is open. */
  publisher: Publisher | null;
  /** How many calls wait for their outcomes. */
  sending: number;
  /** Not used again: closed when what it sent has had its answer. */
  retired: boolean;
}

/** One publisher for each destination, opened when it is first needed. */
export class Publishers {
  readonly #driver: Driver;
  readonly #signal: AbortSignal;
  readonly #open = new Map<string, Opened>();

  constructor(driver: Driver, signal: AbortSignal) {
    this.#driver = driver;
    this.#signal = signal;
  }

  /**
   * One outcome for each. Where nothing could be sent at all, each is rejected for that reason: for now where the system could
   * not be reached, which says nothing of the messages. May be called again before the last answer came: the order of calls
   * is the order on the wire.
   */
  async send(channel: string, messages: readonly OutgoingMessage[]): Promise<readonly Outcome[]> {
    const opened = this.#open.get(channel) ?? this.#begin(channel);
    opened.sending += 1;
    try {
      const publisher = await opened.opening;
      const outcomes = await publisher.send(messages);
      // It may have lost its connection, which it does not get back: the next try opens another.
      if (outcomes.some(isTemporary)) this.#retire(channel, opened);
      return outcomes;
    } catch (error) {
      this.#retire(channel, opened);
      const reason = errorText(error);
      return messages.map(() => ({ status: 'rejected', reason, retriable: mayPassLater(error) }));
    } finally {
      opened.sending -= 1;
      if (opened.retired && opened.sending === 0) await close(opened);
    }
  }

  /** What the broker says when it asks to wait. */
  blocked(channel: string): string | null {
    return this.#open.get(channel)?.publisher?.blocked ?? null;
  }

  /** When nothing is being sent. */
  async close(): Promise<void> {
    const all = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(all.map(close));
  }

  #begin(channel: string): Opened {
    const opening = this.#openFor(channel);
    const opened: Opened = { opening, publisher: null, sending: 0, retired: false };
    this.#open.set(channel, opened);
    opening.then(
      (publisher) => (opened.publisher = publisher),
      () => undefined, // told to who sends
    );
    return opened;
  }

  async #openFor(channel: string): Promise<Publisher> {
    if (this.#driver.publish === undefined)
      throw new UnsupportedError(`${this.#driver.target} cannot be published to`);
    const request = { channel, delivery: 'at-least-once', compression: null } as const;
    return this.#driver.publish.open(request, this.#signal);
  }

  #retire(channel: string, opened: Opened): void {
    opened.retired = true;
    if (this.#open.get(channel) === opened) this.#open.delete(channel);
  }
}

async function close({ opening }: Opened): Promise<void> {
  await opening.then((publisher) => publisher.close()).catch(() => undefined);
}

function isTemporary(outcome: Outcome): boolean {
  return outcome.status === 'unknown' || (outcome.status === 'rejected' && outcome.retriable);
}
