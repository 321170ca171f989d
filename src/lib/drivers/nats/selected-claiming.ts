/**
 * Single messages of a stream, asked for by their sequence. Nobody hands them out, so nobody else is kept from them: a run
 * that takes so holds the lease of its channel. What is settled is deleted; giving back is doing nothing.
 */
import type { Message } from '../../message/message.ts';
import type { ClaimBatch, Claimed, Claiming, MessageReference, SettleOutcome } from '../driver.ts';
import type { Session } from './session.ts';
import { storedAtEach } from './stored-messages.ts';
import type { Taking } from './taking.ts';

export interface SelectedRequest {
  readonly select: AsyncIterable<MessageReference>;
  readonly window: number;
}

const readAtOnce = 64;

export class SelectedClaiming implements Claiming {
  readonly batches: AsyncIterable<ClaimBatch>;
  readonly #session: Session;
  readonly #taking: Taking;
  readonly #held = new Set<string>();
  #wake: () => void = () => undefined;
  #closed = false;

  constructor(session: Session, taking: Taking, request: SelectedRequest, signal: AbortSignal) {
    this.#session = session;
    this.#taking = taking;
    this.batches = this.#batches(request, signal);
  }

  async settle(claims: readonly string[]): Promise<readonly SettleOutcome[]> {
    const outcomes = await Promise.all(claims.map((claim) => this.#settleOne(claim)));
    this.#forget(claims);
    return outcomes;
  }

  async release(claims: readonly string[]): Promise<void> {
    this.#forget(claims);
  }

  async extend(): Promise<void> {
    return;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#forget([...this.#held]);
  }

  async #settleOne(claim: string): Promise<SettleOutcome> {
    if (!this.#held.has(claim)) return 'lost';
    try {
      return (await this.#taking.remove(Number(claim))) ? 'settled' : 'lost';
    } catch {
      return 'unknown';
    }
  }

  #forget(claims: readonly string[]): void {
    for (const claim of claims) this.#held.delete(claim);
    this.#wake();
  }

  async *#batches({ select, window }: SelectedRequest, signal: AbortSignal): AsyncGenerator<ClaimBatch> {
    let asked: MessageReference[] = [];
    for await (const reference of select) {
      asked.push(reference);
      if (asked.length < Math.min(readAtOnce, window - this.#held.size)) continue;
      yield* this.#read(asked, signal);
      asked = [];
      await this.#room(window, signal);
      if (this.#closed) return;
    }
    if (asked.length > 0) yield* this.#read(asked, signal);
  }

  async #room(window: number, signal: AbortSignal): Promise<void> {
    const wake = () => this.#wake();
    signal.addEventListener('abort', wake);
    try {
      while (this.#held.size >= window && !this.#closed) {
        signal.throwIfAborted();
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }

  async *#read(asked: readonly MessageReference[], signal: AbortSignal): AsyncGenerator<ClaimBatch> {
    const { stream, toMessages } = this.#taking;
    const sequences = asked.map(({ offset }) => (/^[1-9]\d{0,14}$/.test(offset ?? '') ? Number(offset) : 0));
    const stored = await storedAtEach(this.#session, stream, sequences, signal);
    const there = stored.filter((one) => one !== null);
    const messages = await toMessages(
      there,
      there.map(() => ({ count: null, redelivered: null })),
      signal,
    );
    const bySequence = new Map<number, Message | null>(
      there.map(({ seq }, at) => [seq, messages[at] ?? null]),
    );
    const items: Claimed[] = [];
    const missing: MessageReference[] = [];
    for (const [at, reference] of asked.entries()) {
      const sequence = sequences[at] ?? 0;
      const message = bySequence.get(sequence) ?? null;
      if (message === null || this.#held.has(String(sequence))) missing.push(reference);
      else {
        this.#held.add(String(sequence));
        items.push({ claim: String(sequence), message });
      }
    }
    if (missing.length > 0) yield { kind: 'missing', references: missing };
    if (items.length > 0) yield { kind: 'claimed', items };
  }
}
