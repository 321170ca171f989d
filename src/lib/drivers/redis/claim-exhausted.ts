/**
 * Claiming what a group was given too often. It is claimed from whoever had it, and counts no delivery; settling
 * acknowledges it in the group, the entry stays in the stream for others; giving back restores whose it was and how often
 * it was given.
 */
import { randomUUID } from 'node:crypto';
import type {
  ClaimBatch,
  Claimed,
  Claiming,
  ClaimRequest,
  MessageReference,
  SettleOutcome,
} from '../driver.ts';
import { exhaustedName } from './channel-name.ts';
import type { Exhausted } from './channel-name.ts';
import { messageOf } from './entry-codec.ts';
import { firstId, idOf, nextId } from './entry-id.ts';
import type { Link } from './link.ts';
import { pause, pollMs } from './pause.ts';
import { deadMessage, exhaustedPages, pendingOf } from './pending.ts';
import type { PendingEntry } from './pending.ts';
import { entriesOf, listOf, numberOrNull } from './reply.ts';
import { acknowledge, restorePending, setIdle } from './scripts.ts';
import { readStream } from './streams.ts';

/** Throws `NotFoundError`, `FailedError` for a key of another type. */
export async function claimExhausted(
  link: Link,
  exhausted: Exhausted,
  request: ClaimRequest,
  signal: AbortSignal,
): Promise<Claiming> {
  await readStream(link, exhausted.stream, signal);
  return new ExhaustedClaiming(link, exhausted, request, signal);
}

const perStep = 100;
/** How often the idle time it waits for what somebody touched of late. */
const idleTimesWaited = 2;

class ExhaustedClaiming implements Claiming {
  readonly batches: AsyncIterable<ClaimBatch>;
  readonly #link: Link;
  readonly #exhausted: Exhausted;
  readonly #request: ClaimRequest;
  readonly #signal: AbortSignal;
  readonly #consumer = `mqctl-${randomUUID()}`;
  /** As it was before it was claimed. */
  readonly #held = new Map<string, PendingEntry>();
  #closed = false;

  constructor(link: Link, exhausted: Exhausted, request: ClaimRequest, signal: AbortSignal) {
    this.#link = link;
    this.#exhausted = exhausted;
    this.#request = request;
    this.#signal = signal;
    this.batches = request.select === null ? this.#next() : this.#selected(request.select);
  }

  async settle(claims: readonly string[]): Promise<readonly SettleOutcome[]> {
    const outcomes: SettleOutcome[] = [];
    for (const some of parts(claims)) {
      const { stream, group } = this.#exhausted;
      const reply = listOf(await this.#link.run(acknowledge, [stream, group, this.#consumer, ...some], null));
      for (const [index, claim] of some.entries()) {
        outcomes.push(numberOrNull(reply[index]) === 1 ? 'settled' : 'lost');
        this.#held.delete(claim);
      }
    }
    return outcomes;
  }

  async release(claims: readonly string[]): Promise<void> {
    await this.#restore(claims, false);
  }

  async extend(claims: readonly string[]): Promise<void> {
    const { stream, group } = this.#exhausted;
    for (const some of parts(claims))
      await this.#link.run(setIdle, [stream, group, this.#consumer, '0', ...some], null);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#restore([...this.#held.keys()], true);
  }

  // -------------------------------------------------------------------------------------------------------------------

  get #room(): number {
    return this.#request.window - this.#held.size;
  }

  async #restore(claims: readonly string[], leave: boolean): Promise<void> {
    const { stream, group } = this.#exhausted;
    const held = claims.flatMap((claim) => this.#held.get(claim) ?? []);
    const words = held.flatMap(({ id, consumer, idleMs, deliveries }) => [
      id,
      consumer,
      String(idleMs),
      String(deliveries),
    ]);
    await this.#link.run(restorePending, [stream, group, this.#consumer, leave ? '1' : '0', ...words], null);
    for (const { id } of held) this.#held.delete(id);
  }

  async *#next(): AsyncGenerator<ClaimBatch> {
    let from = firstId;
    while (!this.#closed) {
      let found = false;
      for await (const page of exhaustedPages(
        this.#link,
        this.#exhausted,
        { from, until: null },
        this.#signal,
      ))
        for (let left = page; left.length > 0 && !this.#closed;) {
          await this.#roomThere();
          const some = left.slice(0, Math.min(perStep, Math.max(1, this.#room)));
          left = left.slice(some.length);
          const items = await this.#claim(some);
          found = true;
          from = nextId(idOf(some.at(-1)?.id ?? '0-0'));
          if (items.length > 0) yield { kind: 'claimed', items };
        }
      if (found) continue;
      if (!this.#request.follow) return;
      from = firstId;
      await pause(pollMs * 10, this.#signal);
    }
  }

  async *#selected(references: AsyncIterable<MessageReference>): AsyncGenerator<ClaimBatch> {
    const busy: MessageReference[] = [];
    for await (const reference of references) yield* this.#claimOne(reference, busy);
    // What a killed run had claimed is idle soon; what a consumer goes on touching is neither to be had nor gone.
    const deadline = Date.now() + idleTimesWaited * this.#link.address.minIdleMs;
    while (busy.length > 0 && !this.#closed && Date.now() < deadline) {
      await pause(pollMs, this.#signal);
      for (const reference of busy.splice(0)) yield* this.#claimOne(reference, busy);
    }
  }

  /** Adds it to `busy` where somebody touched it of late. */
  async *#claimOne(reference: MessageReference, busy: MessageReference[]): AsyncGenerator<ClaimBatch> {
    if (this.#closed) return;
    await this.#roomThere();
    const { stream, group } = this.#exhausted;
    const id = reference.id ?? reference.offset ?? '';
    const [pending] = pendingOf(
      await this.#link.ask(stream, ['XPENDING', stream, group, id, id, '1'], this.#signal),
    );
    if (pending === undefined) {
      yield { kind: 'missing', references: [reference] };
      return;
    }
    const [item] = pending.idleMs < this.#link.address.minIdleMs ? [] : await this.#claim([pending]);
    // Touched or deleted in between: the next round tells.
    if (item === undefined) busy.push(reference);
    else yield { kind: 'claimed', items: [item] };
  }

  async #roomThere(): Promise<void> {
    while (this.#room <= 0 && !this.#closed) await pause(pollMs / 2, this.#signal);
    this.#signal.throwIfAborted();
  }

  /** Those that somebody touched meanwhile stay his. */
  async #claim(wanted: readonly PendingEntry[]): Promise<readonly Claimed[]> {
    const { stream, group } = this.#exhausted;
    const before = new Map(wanted.map((pending) => [pending.id, pending]));
    const idle = String(this.#link.address.minIdleMs);
    // RETRYCOUNT is one number for all: those of the same count go together.
    const items: Claimed[] = [];
    for (const [deliveries, some] of Map.groupBy(wanted, ({ deliveries: count }) => count)) {
      const ids = some.map(({ id }) => id);
      const reply = await this.#link.ask(
        stream,
        ['XCLAIM', stream, group, this.#consumer, idle, ...ids, 'RETRYCOUNT', String(deliveries)],
        null,
      );
      for (const entry of entriesOf(reply)) {
        const pending = before.get(entry.id);
        if (pending === undefined) continue;
        this.#held.set(entry.id, pending);
        const message = messageOf(entry, exhaustedName(this.#exhausted), this.#link.address.names);
        items.push({ claim: entry.id, message: deadMessage(message, this.#exhausted, pending) });
      }
    }
    return items;
  }
}

function* parts(ids: readonly string[]): Generator<readonly string[]> {
  for (let start = 0; start < ids.length; start += perStep) yield ids.slice(start, start + perStep);
}
