/**
 * Claiming from a stream itself: who holds which entry stands in a hash beside it, and settling deletes the entry. Groups
 * know nothing of it, and are not asked.
 */
import { randomUUID } from 'node:crypto';
import { FailedError } from '../../errors.ts';
import type {
  ClaimBatch,
  Claimed,
  Claiming,
  ClaimRequest,
  MessageReference,
  SettleOutcome,
} from '../driver.ts';
import { companionKey } from './companion-key.ts';
import { messageOf } from './entry-codec.ts';
import { firstId, idOf, idText, nextId } from './entry-id.ts';
import type { EntryId } from './entry-id.ts';
import type { Link } from './link.ts';
import { PageSize } from './pages.ts';
import { pause, pollMs } from './pause.ts';
import { entriesOf, listOf, numberOrNull, textOrNull } from './reply.ts';
import type { Entry, Reply } from './reply.ts';
import { claimNext, claimThese, extendHeld, releaseHeld, settleHeld } from './scripts.ts';
import { readStream } from './streams.ts';

/** So many ids go into one script, which stops the server for that long. */
const perScript = 500;
/** How many leases it waits for what another one holds. */
const leasesWaited = 2;
/** What `claimThese` answers for an entry that it does not give. */
const isGone = 0;
const isHeld = 1;

/** Throws `NotFoundError`, `FailedError` for a key of another type, and for a name with a brace that closes nothing. */
export async function claimFromStream(
  link: Link,
  request: ClaimRequest,
  signal: AbortSignal,
): Promise<Claiming> {
  const held = companionKey(request.channel, 'held');
  if (held === null)
    throw new FailedError(
      `entries of "${request.channel}" cannot be held: its name has a brace that closes nothing`,
      {
        hint: 'take from it with --group',
      },
    );
  const { end } = await readStream(link, request.channel, signal);
  return new StreamClaiming(link, held, end, request, signal);
}

class StreamClaiming implements Claiming {
  readonly batches: AsyncIterable<ClaimBatch>;
  readonly #link: Link;
  readonly #stream: string;
  readonly #heldKey: string;
  readonly #end: EntryId;
  readonly #request: ClaimRequest;
  readonly #signal: AbortSignal;
  readonly #owner = randomUUID();
  readonly #held = new Set<string>();
  #closed = false;

  constructor(link: Link, heldKey: string, end: EntryId, request: ClaimRequest, signal: AbortSignal) {
    this.#link = link;
    this.#stream = request.channel;
    this.#heldKey = heldKey;
    this.#end = end;
    this.#request = request;
    this.#signal = signal;
    this.batches = request.select === null ? this.#next() : this.#selected(request.select);
  }

  async settle(claims: readonly string[]): Promise<readonly SettleOutcome[]> {
    const outcomes: SettleOutcome[] = [];
    for (const some of parts(claims)) {
      const reply = await this.#run(settleHeld, [this.#owner, ...some]);
      for (const [index, claim] of some.entries()) {
        outcomes.push(numberOrNull(listOf(reply)[index]) === 1 ? 'settled' : 'lost');
        this.#held.delete(claim);
      }
    }
    return outcomes;
  }

  async release(claims: readonly string[]): Promise<void> {
    for (const some of parts(claims)) {
      await this.#run(releaseHeld, [this.#owner, ...some]);
      for (const claim of some) this.#held.delete(claim);
    }
  }

  async extend(claims: readonly string[]): Promise<void> {
    for (const some of parts(claims))
      await this.#run(extendHeld, [this.#owner, String(this.#leaseMs), ...some]);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.release([...this.#held]);
  }

  // -------------------------------------------------------------------------------------------------------------------

  get #leaseMs(): number {
    return this.#request.leaseMs ?? this.#link.address.minIdleMs;
  }

  get #room(): number {
    return this.#request.window - this.#held.size;
  }

  /** Not to be given up once it is on its way: what it took is known, so that it can be given back. */
  #run(script: typeof claimNext, words: readonly string[]): Promise<Reply> {
    return this.#link.run(script, [this.#stream, this.#heldKey, ...words], null);
  }

  async *#next(): AsyncGenerator<ClaimBatch> {
    const { follow } = this.#request;
    const size = new PageSize();
    let from = firstId;
    while (!this.#closed) {
      if (this.#room <= 0) {
        await pause(pollMs / 2, this.#signal);
        continue;
      }
      this.#signal.throwIfAborted();
      const { last, entries } = await this.#claimPage(from, Math.min(this.#room, size.entries));
      size.learn(entries);
      if (entries.length > 0) yield this.#claimed(entries);
      if (last !== null) from = nextId(idOf(last));
      else if (!follow) return;
      else {
        // What others gave back lies behind: once more from the start.
        from = firstId;
        await pause(pollMs, this.#signal);
        await readStream(this.#link, this.#stream, this.#signal);
      }
    }
  }

  async #claimPage(
    from: EntryId,
    count: number,
  ): Promise<{ readonly last: string | null; readonly entries: readonly Entry[] }> {
    const until = this.#request.follow ? '+' : `(${idText(this.#end)}`;
    const words = [this.#owner, String(this.#leaseMs), idText(from), until, String(count)];
    const [last, taken] = listOf(await this.#run(claimNext, words));
    return { last: textOrNull(last), entries: entriesOf(taken) };
  }

  async *#selected(references: AsyncIterable<MessageReference>): AsyncGenerator<ClaimBatch> {
    const held: MessageReference[] = [];
    let asked: MessageReference[] = [];
    for await (const reference of references) {
      asked.push(reference);
      if (asked.length < Math.min(perScript, this.#request.window)) continue;
      yield* this.#claimAsked(asked, held);
      asked = [];
    }
    yield* this.#claimAsked(asked, held);
    // What a killed run held is free when its lease ends; what is held for longer is neither to be had nor gone.
    const deadline = Date.now() + leasesWaited * this.#leaseMs;
    while (held.length > 0 && !this.#closed && Date.now() < deadline) {
      await pause(pollMs, this.#signal);
      yield* this.#claimAsked(held.splice(0), held);
    }
  }

  /** Adds to `held` those that another one holds just now. */
  async *#claimAsked(
    references: readonly MessageReference[],
    held: MessageReference[],
  ): AsyncGenerator<ClaimBatch> {
    let asked = references;
    while (asked.length > 0 && !this.#closed) {
      if (this.#room <= 0) {
        await pause(pollMs / 2, this.#signal);
        continue;
      }
      this.#signal.throwIfAborted();
      const tried = asked.slice(0, this.#room);
      asked = asked.slice(tried.length);
      const ids = tried.map(({ id, offset }) => id ?? offset ?? '');
      const answers = listOf(await this.#run(claimThese, [this.#owner, String(this.#leaseMs), ...ids]));
      const answered = (answer: number) => tried.filter((_, index) => answers[index] === answer);
      const missing = answered(isGone);
      held.push(...answered(isHeld));
      const entries = entriesOf(answers.filter((answer) => Array.isArray(answer)));
      if (missing.length > 0) yield { kind: 'missing', references: missing };
      if (entries.length > 0) yield this.#claimed(entries);
    }
  }

  #claimed(entries: readonly Entry[]): ClaimBatch {
    const items = entries.map((entry): Claimed => {
      this.#held.add(entry.id);
      return { claim: entry.id, message: messageOf(entry, this.#stream, this.#link.address.names) };
    });
    return { kind: 'claimed', items };
  }
}

function* parts(ids: readonly string[]): Generator<readonly string[]> {
  for (let start = 0; start < ids.length; start += perScript) yield ids.slice(start, start + perScript);
}
