/**
 * Batches on their way, several at once: while one is being confirmed the next is noted and published, and the one before is
 * settled. For each, INTENT is on the disk before it is published, and CONFIRMED before it is settled; all that are between
 * the two together are no more than may be in flight.
 */
import type { Outcome } from '../drivers/driver.ts';
import { FailedError } from '../errors.ts';
import type { Message } from '../message/message.ts';
import { readAnswers } from './answers.ts';
import type { Publishers } from './publishers.ts';
import { refusalPauseMs } from './refusal-pause.ts';
import { ascending, departing, type Run } from './run.ts';

export interface Movable {
  readonly ordinal: number;
  readonly message: Message;
}

export interface PipelineParts<Work extends Movable> {
  /** The word for what the destination has: `DONE` where there is nothing to settle. */
  readonly arrived: 'CONFIRMED' | 'DONE';
  /** The destination has them for good. One call at a time, in the order of the answers. */
  readonly settle: (works: readonly Work[]) => Promise<void>;
  /** They were refused for good. */
  readonly stays: (works: readonly Work[]) => Promise<void>;
  /** Asked before each batch: whether what waits may still go. */
  readonly mayGo: () => boolean;
  /** Called once, when nothing more will go. */
  readonly onEnded: () => void;
}

/** How often in a row a destination may take nothing before the run ends: a minute of pauses. */
const patience = 6;
const pollMs = 200;
/** So many batches fill what may be in flight. */
const batchesInFlight = 4;

interface Refused<Work> {
  readonly turn: number;
  readonly works: readonly Work[];
}

export class Pipeline<Work extends Movable> {
  readonly #run: Run;
  readonly #publishers: Publishers;
  readonly #parts: PipelineParts<Work>;
  readonly #signal: AbortSignal;
  /** What is put aside goes first, and by itself: nobody works on it, so it needs no ramp and proves nothing of the others. */
  readonly #aside: Work[] = [];
  readonly #waiting: Work[] = [];
  #refused: Refused<Work>[] = [];
  #reason = '';
  #tries = 0;
  #progress = false;
  readonly #flights = new Set<Promise<void>>();
  #turns = 0;
  /** Between INTENT and having been settled. */
  #inFlight = 0;
  /** Of those, between INTENT and the answer being noted. */
  #unanswered = 0;
  #settling: Promise<void> = Promise.resolve();
  #flushing = false;
  #stopped: string | null = null;
  #closed = false;
  #failure: { readonly error: unknown } | null = null;
  #change = Promise.withResolvers<void>();
  readonly #pumping: Promise<void>;
  /** How many the destination took. */
  moved = 0;

  constructor(run: Run, publishers: Publishers, parts: PipelineParts<Work>, signal: AbortSignal) {
    this.#run = run;
    this.#publishers = publishers;
    this.#parts = parts;
    this.#signal = signal;
    signal.addEventListener('abort', this.#wake);
    this.#pumping = this.#pump();
  }

  /** Why it takes no more, where the destination or `stop` is the reason. */
  get stopped(): string | null {
    return this.#stopped;
  }

  /** Nothing more will go. */
  get ended(): boolean {
    const { governor } = this.#run;
    return (
      this.#closed ||
      this.#failure !== null ||
      this.#stopped !== null ||
      governor.stopped !== null ||
      this.#signal.aborted
    );
  }

  /** How many were added and are not through yet. */
  get size(): number {
    return this.#pending + this.#inFlight;
  }

  /** Of those, how many have had no answer yet. */
  get unanswered(): number {
    return this.#pending + this.#unanswered;
  }

  add(works: readonly Work[]): void {
    const { table } = this.#run;
    for (const work of works) (table.isForQuarantine(work.ordinal) ? this.#aside : this.#waiting).push(work);
    if (works.length > 0) this.#wake();
  }

  /** Takes back one that is not on its way yet. false: it is, or is not here. */
  take(wanted: (work: Work) => boolean): boolean {
    const before = this.#pending;
    for (const lane of [this.#aside, this.#waiting]) {
      const at = lane.findIndex(wanted);
      if (at >= 0) lane.splice(at, 1);
    }
    this.#refused = this.#refused.map(({ turn, works }) => ({
      turn,
      works: works.filter((work) => !wanted(work)),
    }));
    return this.#pending < before;
  }

  /** Resolves when less waits than may be in flight, or nothing more will go. */
  async room(): Promise<void> {
    while (!this.ended && this.#pending >= this.#run.inFlight) await this.#change.promise;
  }

  /** Lets nothing more go. What is on its way is finished. */
  stop(reason: string): void {
    this.#stopped ??= reason;
    this.#wake();
  }

  /** Resolves when everything is through, or as much of it as will go. Throws what broke it off. */
  async drain(): Promise<void> {
    this.#flushing = true;
    this.#wake();
    while (!this.ended && this.size > 0) await this.#change.promise;
    this.#flushing = false;
    if (this.ended) await this.#pumping;
    await this.#idle();
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** Finishes what is on its way; what waits stays where it is. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wake();
    await this.#pumping;
    await this.#idle();
    this.#signal.removeEventListener('abort', this.#wake);
  }

  get #pending(): number {
    const refused = this.#refused.reduce((sum, { works }) => sum + works.length, 0);
    return this.#aside.length + this.#waiting.length + refused;
  }

  async #pump(): Promise<void> {
    try {
      while (!this.ended && this.#parts.mayGo()) {
        if (this.#refused.length > 0) {
          await this.#tryAgain();
          continue;
        }
        const lane = this.#aside.length > 0 ? this.#aside : this.#waiting;
        const wanted = this.#nextSize(lane);
        if (wanted === 0) {
          await this.#change.promise;
          continue;
        }
        await this.#waitWhileBlocked(lane.slice(0, wanted));
        const paced = lane === this.#waiting;
        const count = paced ? await this.#run.governor.admit(wanted, this.#signal) : wanted;
        if (this.#signal.aborted) break;
        await this.#begin(lane.splice(0, count), paced);
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      // Also where `mayGo` said no: whoever waits must not wait for more.
      if (!this.#closed) this.#parts.onEnded();
      this.#closed = true;
      this.#wake();
    }
  }

  /** How many of them are worth a batch now; 0: wait for more, or for what is on its way. */
  #nextSize(lane: readonly Work[]): number {
    const { governor, inFlight } = this.#run;
    const most = Math.ceil(inFlight / batchesInFlight);
    const paced = lane === this.#waiting;
    if (this.#inFlight === 0) return Math.min(lane.length, most);
    if (paced && !governor.together) return 0;
    const worthwhile = Math.min(most, paced ? governor.batchSize : most);
    const wanted = Math.min(lane.length, worthwhile);
    if (wanted < worthwhile && !this.#flushing) return 0;
    return inFlight - this.#inFlight >= wanted ? wanted : 0;
  }

  async #begin(batch: readonly Work[], paced: boolean): Promise<void> {
    if (batch.length === 0) return;
    const { journal } = this.#run;
    const ordinals = ascending(batch.map(({ ordinal }) => ordinal));
    this.#inFlight += batch.length;
    this.#unanswered += batch.length;
    // In doubt since a crash: this may be the second time.
    journal.record(
      'AGAIN',
      ordinals.filter((ordinal) => journal.state.standing(ordinal) === 'intended'),
    );
    journal.record('INTENT', ordinals);
    await journal.sync();
    const turn = this.#turns++;
    // Begun here, one batch after the other, so that their order is that on the wire.
    const flight = this.#finish(batch, turn, paced, this.#publish(batch))
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#flights.delete(flight);
        this.#inFlight -= batch.length;
        this.#wake();
      });
    this.#flights.add(flight);
  }

  async #finish(
    batch: readonly Work[],
    turn: number,
    paced: boolean,
    publishing: Promise<readonly Outcome[]>,
  ): Promise<void> {
    const { journal, governor, onMoved } = this.#run;
    const { arrived, settle, stays } = this.#parts;
    // It may begin to ask while it has what was sent, and not answered yet.
    const telling = this.#tellBlocked(this.#destinationsOf(batch));
    const outcomes = await publishing.finally(telling);
    const { accepted, again, reason, failed, unsureReason } = readAnswers(journal, batch, outcomes);
    journal.record(arrived, ascending(accepted.map(({ ordinal }) => ordinal)));
    journal.record('NOT-MOVED', ascending(again.map(({ ordinal }) => ordinal)));
    this.#unanswered -= batch.length;
    if (again.length > 0) this.#refused.push({ turn, works: again });
    this.#reason = reason ?? this.#reason;
    this.#progress ||= again.length < batch.length;
    const before = this.#settling;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#settling = promise;
    try {
      await journal.sync();
      await before;
      if (accepted.length > 0) await settle(accepted);
      if (failed.length > 0) await stays(failed);
    } finally {
      resolve();
    }
    this.moved += accepted.length;
    onMoved(accepted.length);
    if (unsureReason !== null)
      throw new FailedError(`no answer came from the destination: ${unsureReason}`, {
        hint: 'resume: what is in doubt is published again with the same id, and named',
      });
    if (paced && accepted.length + failed.length > 0)
      await governor.sent(accepted.length, failed.length, this.#signal, this.#flights.size <= 1);
  }

  async #publish(batch: readonly Work[]): Promise<readonly Outcome[]> {
    const { table, headers } = this.#run;
    const outcomes = new Map<Work, Outcome>();
    const sending = Map.groupBy(batch, ({ ordinal }) => table.destinationOf(ordinal));
    await Promise.all(
      [...sending].map(async ([destination, works]) => {
        const outgoing = works.map(({ ordinal, message }) => departing(this.#run, ordinal, message));
        const answers = await this.#publishers.send(
          destination,
          outgoing.map(({ message }) => message),
        );
        for (const [index, work] of works.entries()) {
          const answer = answers[index];
          if (answer !== undefined) outcomes.set(work, answer);
          const departed = outgoing[index];
          if (departed !== undefined && answer?.status === 'accepted') headers.count(departed);
        }
      }),
    );
    return batch.map((work) => outcomes.get(work) ?? { status: 'unknown', reason: 'the driver did not say' });
  }

  /** In their order, after a pause, when everything that was sent beside them has had its answer, too. */
  async #tryAgain(): Promise<void> {
    const { clock, onNote } = this.#run;
    await this.#idle();
    if (this.ended) return;
    this.#tries = this.#progress ? 0 : this.#tries + 1;
    this.#progress = false;
    if (this.#tries >= patience) {
      this.stop(`the destination takes no more: ${this.#reason}`);
      return;
    }
    onNote(`the destination takes no more just now: ${this.#reason}; waiting`);
    await clock.sleep(refusalPauseMs(Math.max(1, this.#tries)), this.#signal);
    const again = this.#refused.toSorted((one, other) => one.turn - other.turn).flatMap(({ works }) => works);
    this.#refused = [];
    const { table } = this.#run;
    this.#aside.unshift(...again.filter(({ ordinal }) => table.isForQuarantine(ordinal)));
    this.#waiting.unshift(...again.filter(({ ordinal }) => !table.isForQuarantine(ordinal)));
  }

  async #idle(): Promise<void> {
    while (this.#flights.size > 0) await Promise.all(this.#flights);
  }

  /** A broker that asks to wait is no failure. */
  async #waitWhileBlocked(works: readonly Work[]): Promise<void> {
    const destinations = this.#destinationsOf(works);
    if (destinations.every((each) => this.#publishers.blocked(each) === null)) return;
    const telling = this.#tellBlocked(destinations);
    while (!this.#signal.aborted && destinations.some((each) => this.#publishers.blocked(each) !== null))
      await this.#run.clock.sleep(pollMs, this.#signal);
    telling();
  }

  #destinationsOf(works: readonly Work[]): readonly string[] {
    return [...new Set(works.map(({ ordinal }) => this.#run.table.destinationOf(ordinal)))];
  }

  /** Says once that the broker asks to wait, if it does before the answer is called. */
  #tellBlocked(destinations: readonly string[]): () => void {
    const look = (): void => {
      const reason = destinations.map((each) => this.#publishers.blocked(each)).find((each) => each !== null);
      if (reason === undefined || reason === null) return;
      clearInterval(timer);
      this.#run.onNote(`the broker asks to wait: ${reason}`);
    };
    const timer = setInterval(look, pollMs);
    look();
    return () => clearInterval(timer);
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  readonly #wake = (): void => {
    const { resolve } = this.#change;
    this.#change = Promise.withResolvers();
    resolve();
  };
}
