/**
 * Messages that are held: received, hidden from others as long as their lease lasts, and neither deleted nor given back.
 *
 * SQS answers a deletion, but deletes nothing where somebody else received the message since: so what outlived its lease is
 * never said to be settled, whatever the answer was.
 */
import { FailedError } from '../../../errors.ts';
import type { ClaimBatch, ClaimRequest, Claimed, Claiming, SettleOutcome } from '../../driver.ts';
import type { EntryAnswer } from '../batch-entries.ts';
import { mostEntries } from '../batch-entries.ts';
import { longestVisibility, Receiver } from './receiving.ts';
import type { Receipt } from './receiving.ts';
import type { Session } from './session.ts';

/** A receive that waits asks all servers; longer waits would keep an end waiting, since they are never cut off. */
const waitSeconds = { following: 2, draining: 1 };
/** A receipt handle that ended: by time, or since the message was received again. */
const handleGone = /ReceiptHandle|InvalidParameterValue|MessageNotInflight/;
const longestPauseMs = 60_000;
/** Full answers call for more at once, up to so many requests. */
const concurrentReceives = 8;

const defaultLeaseMs = 30_000;

/** Whole seconds, at least one. */
function leaseSeconds(leaseMs: number | null): number {
  return Math.min(longestVisibility, Math.max(1, Math.ceil((leaseMs ?? defaultLeaseMs) / 1_000)));
}

/** A claim is named by the message's id: delivered once more while it is held, as SQS may do, it has another receipt handle. */
interface Held {
  readonly handle: string;
  /** By `performance.now()`. */
  readonly until: number;
}

export class QueueClaiming implements Claiming {
  readonly batches: AsyncIterable<ClaimBatch>;
  readonly #receiver: Receiver;
  readonly #request: ClaimRequest;
  readonly #signal: AbortSignal;
  readonly #lease: number;
  readonly #held = new Map<string, Held>();
  /** To be given back when nothing is taken any more: at once, they would come again at once. */
  readonly #unwanted = new Set<string>();
  readonly #keeping: NodeJS.Timeout;
  /** Under way: what it brings is ours to give back, even if nobody waits for it any more. */
  #receiving: Promise<unknown> = Promise.resolve();
  #changed = Promise.withResolvers<null>();
  #taking = true;
  #closed = false;
  /** Calls after an abort still have to be made: each has its own time-out. */
  readonly #finishing = new AbortController().signal;
  readonly #wake = (): void => {
    this.#changed.resolve(null);
    this.#changed = Promise.withResolvers();
  };

  private constructor(receiver: Receiver, request: ClaimRequest, signal: AbortSignal) {
    this.#receiver = receiver;
    this.#request = request;
    this.#signal = signal;
    this.#lease = leaseSeconds(request.leaseMs);
    this.#keeping = setInterval(() => this.#keepUnwanted(), (this.#lease * 1_000) / 3);
    this.#keeping.unref();
    signal.addEventListener('abort', this.#wake, { once: true });
    this.batches = this.#take();
  }

  /** Throws `NotFoundError`. */
  static async open(session: Session, request: ClaimRequest, signal: AbortSignal): Promise<QueueClaiming> {
    return new QueueClaiming(await Receiver.open(session, request.channel, signal), request, signal);
  }

  async settle(claims: readonly string[]): Promise<readonly SettleOutcome[]> {
    const alive = this.#alive(new Set(claims));
    const answers = await this.#receiver.delete(this.#handles(alive), this.#finishing);
    const outcomes = new Map(
      alive.map((claim, index) => [claim, this.#settled(claim, answers[index])] as const),
    );
    for (const claim of claims) if (outcomes.get(claim) !== 'unknown') this.#forget(claim);
    this.#wake(); // there is room for more
    return claims.map((claim) => outcomes.get(claim) ?? 'lost');
  }

  /** Where a queue is drained, what is given back would come again at once, each time counted: so it is kept until the end. */
  async release(claims: readonly string[]): Promise<void> {
    const ours = claims.filter((claim) => this.#held.has(claim));
    if (this.#taking && !this.#request.follow) {
      for (const claim of ours) this.#unwanted.add(claim);
      return;
    }
    await this.#giveBack(ours);
    this.#wake();
  }

  async extend(claims: readonly string[]): Promise<void> {
    const until = performance.now() + this.#lease * 1_000;
    const alive = this.#alive(claims);
    const answers = await this.#receiver.changeVisibility(this.#handles(alive), this.#lease, this.#finishing);
    for (const [index, claim] of alive.entries()) {
      const held = this.#held.get(claim);
      if (answers[index]?.kind === 'done' && held !== undefined) this.#held.set(claim, { ...held, until });
    }
    const failed = answers.find((answer) => answer.kind === 'unanswered');
    if (failed?.kind === 'unanswered') throw failed.error;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#taking = false;
    this.#wake();
    this.#signal.removeEventListener('abort', this.#wake);
    await this.#receiving.catch(() => undefined); // told by `batches`
    clearInterval(this.#keeping);
    await this.#giveBack([...this.#held.keys()]);
  }

  async *#take(): AsyncGenerator<ClaimBatch> {
    try {
      while (!this.#ended()) {
        const lost = this.#expired();
        if (lost.length > 0) {
          yield { kind: 'lost', claims: lost, reason: 'its lease ran out before it was settled' };
          continue;
        }
        const room = this.#request.window - this.#held.size;
        if (room <= 0) {
          if (!this.#request.follow && this.#unwanted.size >= this.#request.window) return;
          await this.#change();
          continue;
        }
        const items = await this.#receive(room);
        if (this.#ended()) return;
        if (items.length > 0) yield { kind: 'claimed', items };
        else if (!this.#request.follow) return;
      }
    } finally {
      this.#taking = false;
      await this.#giveBack([...this.#unwanted]);
    }
  }

  #ended(): boolean {
    return this.#signal.aborted || this.#closed;
  }

  /** Never cut off: an answer that nobody reads would hide its messages from everyone. */
  async #receive(room: number): Promise<Claimed[]> {
    const receiving = this.#receiveSome(room);
    this.#receiving = receiving;
    while (!this.#ended()) {
      const items = await Promise.race([receiving, this.#changed.promise]);
      if (items !== null) return items;
    }
    receiving.catch(() => undefined); // waited for by `close`
    return [];
  }

  async #receiveSome(room: number): Promise<Claimed[]> {
    const first = await this.#hold(room);
    if (first.length < mostEntries || room <= mostEntries || this.#ended()) return first;
    const requests = Math.min(concurrentReceives, Math.ceil((room - first.length) / mostEntries));
    const more = await Promise.all(
      Array.from({ length: requests }, (_, index) =>
        this.#hold(Math.min(mostEntries, room - first.length - index * mostEntries), 0),
      ),
    );
    return [...first, ...more.flat()];
  }

  async #hold(most: number, wait = this.#waitSeconds()): Promise<Claimed[]> {
    const receipts = await this.#receiver.receive(
      { most, visibility: this.#lease, waitSeconds: wait },
      this.#finishing,
    );
    return receipts.flatMap((receipt) => this.#claimed(receipt) ?? []);
  }

  /** null where it is held already. */
  #claimed({ handle, message, until }: Receipt): Claimed | null {
    const claim = message.id ?? handle;
    const known = this.#held.has(claim);
    this.#held.set(claim, { handle, until });
    return known ? null : { claim, message };
  }

  #alive(claims: Iterable<string>): string[] {
    const now = performance.now();
    return [...claims].filter((claim) => (this.#held.get(claim)?.until ?? 0) > now);
  }

  #handles(claims: readonly string[]): string[] {
    return claims.map((claim) => this.#held.get(claim)?.handle ?? claim);
  }

  /** Of a short lease, most must not go by while waiting. */
  #waitSeconds(): number {
    const wait = this.#request.follow ? waitSeconds.following : waitSeconds.draining;
    return Math.min(wait, Math.floor(this.#lease / 2));
  }

  /** Those that are not ours any more are forgotten. */
  #expired(): string[] {
    const now = performance.now();
    const expired = [...this.#held].filter(([, { until }]) => until <= now).map(([claim]) => claim);
    for (const claim of expired) this.#forget(claim);
    return expired;
  }

  #settled(claim: string, answer: EntryAnswer | undefined): SettleOutcome {
    if (answer?.kind === 'failed') return handleGone.test(answer.code) ? 'lost' : 'unknown';
    if (answer?.kind !== 'done') return 'unknown';
    return this.#alive([claim]).length > 0 ? 'settled' : 'unknown';
  }

  #forget(claim: string): void {
    this.#held.delete(claim);
    this.#unwanted.delete(claim);
  }

  /** What cannot be given back comes back by itself when its lease ends. */
  async #giveBack(claims: readonly string[]): Promise<void> {
    const handles = this.#handles(this.#alive(claims));
    for (const claim of claims) this.#forget(claim);
    const answers = await this.#receiver.changeVisibility(handles, 0, this.#finishing);
    const silent = answers.filter((answer) => answer.kind === 'unanswered');
    if (silent.length === 0) return;
    throw new FailedError(
      `${String(silent.length)} messages of "${this.#request.channel}" could not be given back`,
      {
        hint: `they come back by themselves within ${String(this.#lease)} s`,
        cause: silent[0]?.error,
        retriable: true,
      },
    );
  }

  #keepUnwanted(): void {
    if (this.#unwanted.size === 0) return;
    void this.extend([...this.#unwanted]).catch(() => undefined); // one that is lost comes again, and is released again
  }

  /** Until something was settled or released, a lease runs out, or the end. */
  async #change(): Promise<void> {
    const first = [...this.#held.values()].reduce((least, { until }) => Math.min(least, until), Infinity);
    const wait = Math.max(1, Math.min(first - performance.now(), longestPauseMs));
    const timer = Promise.withResolvers<undefined>();
    const timeout = setTimeout(() => timer.resolve(undefined), wait);
    try {
      await Promise.race([timer.promise, this.#changed.promise]);
    } finally {
      clearTimeout(timeout);
    }
  }
}
