import type { Look } from '../drivers/driver.ts';
import type { Message } from '../message/message.ts';
import { lookAt, type LookOptions, type ReadResult } from './consume.ts';

/** Looks as `lookAt` does, and delivers the last `wanted` over all partitions at once, oldest first, when it has ended. */
export async function lookAtLast(
  look: Look,
  wanted: number,
  options: Omit<LookOptions, 'limit'>,
  signal: AbortSignal,
): Promise<ReadResult> {
  const last = new LastMessages(wanted);
  const deliver = async (messages: readonly Message[]): Promise<void> => last.add(messages);
  const result = await lookAt(look, { ...options, limit: null, deliver }, signal);
  const messages = last.inOrder();
  await options.deliver(messages);
  return { ...result, matched: messages.length };
}

/** In memory for at most twice as many as are wanted. */
class LastMessages {
  readonly #wanted: number;
  #kept: Message[] = [];

  constructor(wanted: number) {
    this.#wanted = wanted;
  }

  add(messages: readonly Message[]): void {
    this.#kept.push(...messages);
    if (this.#kept.length > this.#wanted * 2) this.#kept = this.inOrder();
  }

  inOrder(): Message[] {
    return this.#kept
      .sort((one, other) => (one.timestamp ?? 0) - (other.timestamp ?? 0))
      .slice(-this.#wanted);
  }
}
