import type { Driver, Outcome, Publisher } from '../drivers/driver.ts';
import { MqctlError, UnsupportedError, errorText } from '../errors.ts';
import type { OutgoingMessage } from '../message/message.ts';

/** One publisher for each destination, opened when it is first needed. */
export class Publishers {
  readonly #driver: Driver;
  readonly #signal: AbortSignal;
  readonly #open = new Map<string, Publisher>();

  constructor(driver: Driver, signal: AbortSignal) {
    this.#driver = driver;
    this.#signal = signal;
  }

  /** One outcome for each. Where nothing could be sent at all, each is rejected for that reason. */
  async send(channel: string, messages: readonly OutgoingMessage[]): Promise<readonly Outcome[]> {
    try {
      const publisher = this.#open.get(channel) ?? (await this.#openFor(channel));
      const outcomes = await publisher.send(messages);
      // It may have lost its connection, which it does not get back: the next try opens another.
      if (outcomes.some(isTemporary)) await this.#forget(channel);
      return outcomes;
    } catch (error) {
      const reason = errorText(error);
      const retriable = error instanceof MqctlError && error.retriable;
      await this.#forget(channel);
      return messages.map(() => ({ status: 'rejected', reason, retriable }));
    }
  }

  /** What the broker says when it asks to wait. */
  blocked(channel: string): string | null {
    return this.#open.get(channel)?.blocked ?? null;
  }

  async close(): Promise<void> {
    for (const channel of [...this.#open.keys()]) await this.#forget(channel);
  }

  async #openFor(channel: string): Promise<Publisher> {
    if (this.#driver.publish === undefined)
      throw new UnsupportedError(`${this.#driver.target} cannot be published to`);
    const request = { channel, delivery: 'at-least-once', compression: null } as const;
    const publisher = await this.#driver.publish.open(request, this.#signal);
    this.#open.set(channel, publisher);
    return publisher;
  }

  /** A publisher that failed is not used again; what it sent has had its answer. */
  async #forget(channel: string): Promise<void> {
    const publisher = this.#open.get(channel);
    this.#open.delete(channel);
    await publisher?.close().catch(() => undefined);
  }
}

function isTemporary(outcome: Outcome): boolean {
  return outcome.status === 'unknown' || (outcome.status === 'rejected' && outcome.retriable);
}
