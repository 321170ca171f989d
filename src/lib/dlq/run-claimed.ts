/**
 * Moves where publishing and removing are two steps: claim, INTENT, publish, CONFIRMED, settle, DONE. Nothing is settled
 * that the destination has not got for good; what a crash leaves between the two is in doubt, and named.
 */
import type { Claimed, Claiming, ClaimTraits, MessageReference, Outcome } from '../drivers/driver.ts';
import { FailedError, UnsupportedError } from '../errors.ts';
import { readPlan } from './plan.ts';
import { belowMargin } from './delivery-margin.ts';
import { heldElsewhere, untilLeasesEnd } from './held-elsewhere.ts';
import { Publishers } from './publishers.ts';
import { refusalPauseMs } from './refusal-pause.ts';
import { admitted, ascending, asideFirst, departing, isFinished, type Ended, type Run } from './run.ts';

interface Work {
  readonly ordinal: number;
  readonly item: Claimed;
}

/** How often in a row a destination may take nothing before the run ends: a minute of pauses. */
const patience = 6;
const pollMs = 200;
/** Where leases end by themselves: so many passes in a row must meet nothing before what was not met is taken to be gone. */
const fruitlessPasses = 2;
/** Of the time after which the broker takes back what is held. */
export const heldAtMost = 0.8;

interface Refused {
  readonly again: readonly Work[];
  readonly reason: string | null;
}

/** Claims the plan's messages and moves them. `ahead`: how many others lie in front of the last of them. */
export async function runClaimed(
  run: Run,
  traits: ClaimTraits,
  ahead: number,
  signal: AbortSignal,
): Promise<Ended> {
  const publishers = new Publishers(run.driver, run.finishing);
  try {
    let fruitless = 0;
    let room = Math.min(ahead + run.inFlight, longestHold(traits));
    for (;;) {
      const pass = new Pass(run, traits, publishers, room, signal);
      const end = await pass.run();
      if (end === 'not-met') {
        fruitless = pass.met > 0 ? 0 : fruitless + 1;
        const held = await leasesEnd(run, traits, signal);
        if (fruitless >= fruitlessPasses) return { stoppedBy: pass.conclude(held) };
      } else if (end !== 'needs-room' && end !== 'held-long') return { stoppedBy: end };
      const reason = await pass.whyNotAgain();
      if (reason !== null) return { stoppedBy: reason };
      if (end === 'not-met') continue;
      if (end === 'held-long') {
        run.onNote('what is held goes back, and is claimed again, before the broker takes it back');
        continue;
      }
      // What is not selected is held until the end; more of it has come since the plan was made.
      if (room >= longestHold(traits))
        return {
          stoppedBy: `more than ${room.toString()} messages that are not selected lie in front: that many cannot be held`,
        };
      room = Math.min(room * 4, longestHold(traits));
    }
  } finally {
    await publishers.close();
  }
}

/** What somebody held while one looked for it comes back when their lease ends: a moment later it is there. */
function leasesEnd(run: Run, traits: ClaimTraits, signal: AbortSignal): Promise<number | null> {
  const leaseMs = Math.max(run.leaseMs ?? 0, traits.leaseMs ?? 0);
  run.onNote(`waiting until nobody holds messages of "${run.head.channel}" any more, for one lease at most`);
  return untilLeasesEnd(run.driver, run.head.channel, leaseMs, run.clock, signal);
}

function longestHold({ holdLimit }: ClaimTraits): number {
  return holdLimit ?? Number.MAX_SAFE_INTEGER / 8;
}

/** A claim that is not settled, and is ours. */
interface Held {
  /** Of those of the plan that still have to be met again; else null. */
  readonly ordinal: number | null;
  /** The broker delivered it after that. */
  readonly since: number;
}

/** One time through the channel, or through the messages asked for by reference. */
class Pass {
  readonly #run: Run;
  readonly #traits: ClaimTraits;
  readonly #publishers: Publishers;
  readonly #window: number;
  readonly #signal: AbortSignal;
  /** Claimed, and neither settled nor given back, the first first. */
  readonly #open = new Map<string, Held>();
  /** Confirmed and acknowledged, where only a clean close makes that certain. */
  readonly #sent: number[] = [];
  /** Confirmed, and the claim was lost before it could be settled: somebody else may have it, so not meeting it proves nothing. */
  readonly #unsettled = new Set<number>();
  readonly #byReference: boolean;
  /** Why it goes no further. */
  #stopped: string | null = null;
  /** When the batch before was handed over: what comes now was delivered after it. */
  #handedOver: number;
  #highestDeliveryCount: number | null = null;
  #moved = 0;
  /** How many of the plan came. */
  met = 0;

  constructor(run: Run, traits: ClaimTraits, publishers: Publishers, window: number, signal: AbortSignal) {
    this.#run = run;
    this.#traits = traits;
    this.#publishers = publishers;
    this.#window = window;
    this.#signal = signal;
    this.#handedOver = run.clock.now();
    this.#byReference = traits.select !== false && run.table.byReference;
  }

  /** Why it stopped, null at the end, or that more has to be held than this pass may. */
  async run(): Promise<string | null> {
    const { driver, head } = this.#run;
    if (driver.claim === undefined)
      throw new UnsupportedError(`messages cannot be taken from ${driver.target}`);
    const claiming = await driver.claim.open(
      {
        channel: head.channel,
        group: null,
        from: null,
        select: this.#byReference ? this.#references() : null,
        follow: false,
        window: this.#byReference ? this.#run.inFlight : this.#window,
        leaseMs: this.#run.leaseMs,
        ...(head.deleteOriginals && { originals: 'delete' as const }),
      },
      this.#signal,
    );
    const stopExtending = this.#extendLeases(claiming);
    let end: string | null;
    try {
      end = await this.#through(claiming);
    } catch (error) {
      stopExtending();
      await claiming.close().catch(() => undefined); // the first error is the one to tell
      throw error;
    }
    stopExtending();
    await this.#leave(claiming);
    return end ?? this.#notMet();
  }

  async #through(claiming: Claiming): Promise<string | null> {
    const { journal, governor } = this.#run;
    try {
      for await (const batch of claiming.batches) {
        if (batch.kind === 'lost') this.#lost(batch.claims);
        else if (batch.kind === 'missing') this.#missing(batch.references);
        else await this.#take(claiming, batch.items);
        if (this.#signal.aborted || governor.stopped !== null) return governor.stopped;
        if (this.#stopped !== null) return this.#stopped;
        if (this.#isHeldLong()) return 'held-long';
        if (isFinished(this.#run) && journal.state.count('confirmed') === this.#sent.length) return null;
        if (!this.#byReference && this.#window - this.#open.size < this.#run.inFlight / 2)
          return 'needs-room';
      }
    } catch (error) {
      if (this.#signal.aborted) return governor.stopped;
      throw error;
    }
    return governor.stopped;
  }

  /**
   * What was not met although everything was seen: it is gone, unless somebody holds it. Answers why that is not certain, or that
   * it has to be looked for once more; null where there is nothing to say.
   */
  async #notMet(): Promise<string | null> {
    const { driver, head, clock, finishing } = this.#run;
    if (this.#signal.aborted) return null;
    // What is in doubt, or could not be settled in time, comes again, too, when its lease ends.
    const { state } = this.#run.journal;
    const unfinished = state.count('planned') + state.count('intended') + state.count('confirmed') > 0;
    if (this.#traits.leaseMs !== null && !this.#byReference) return unfinished ? 'not-met' : null;
    const { planned, confirmed } = this.#unmet();
    if (planned.length === 0 && confirmed.length === 0) return null;
    // What was asked for by its name and is not there is gone.
    if (this.#byReference) return this.conclude(0);
    this.#run.onNote(`looking whether others hold messages of "${head.channel}"`);
    return this.conclude(await heldElsewhere(driver, head.channel, clock, finishing));
  }

  /** What a run before confirmed is done, and what is only planned has drifted, unless others hold some; null: nobody knows. */
  conclude(held: number | null): string | null {
    const { head, journal } = this.#run;
    const { planned, confirmed } = this.#unmet();
    if (held !== null && held > 0)
      return `${(planned.length + confirmed.length).toString()} of the plan were not met, and others hold ${held.toString()} messages of "${head.channel}"`;
    journal.record('DRIFTED', planned, 'it is no longer there');
    if (held === 0) journal.record('DONE', confirmed);
    if (held === 0 || confirmed.length === 0) return null;
    return `whether ${confirmed.length.toString()} that were moved before are gone from "${head.channel}" is not certain: nobody says whether somebody holds them`;
  }

  #unmet(): { readonly planned: readonly number[]; readonly confirmed: readonly number[] } {
    const { state } = this.#run.journal;
    const confirmed = [...state.with('confirmed')].filter((ordinal) => !this.#unsettled.has(ordinal));
    return { planned: [...state.with('planned')], confirmed };
  }

  /** What would be lost by giving everything back and claiming it again; null where nothing is. */
  async whyNotAgain(): Promise<string | null> {
    const { appraisal, onNearLimit } = this.#run;
    const count = this.#highestDeliveryCount;
    const reason = belowMargin(appraisal, count, 1);
    if (reason !== null && count !== null) await onNearLimit(count);
    if (reason !== null) return reason;
    return this.#moved > 0 || !this.#isHeldLong()
      ? null
      : 'the broker takes back what is held before any of it can be moved';
  }

  /** The first one held came longest ago. */
  #isHeldLong(): boolean {
    const { appraisal, clock } = this.#run;
    const [first] = this.#open.values();
    if (appraisal.longestHoldMs === null || first === undefined) return false;
    return clock.now() - first.since >= appraisal.longestHoldMs * heldAtMost;
  }

  /** What is so near the delivery limit that it should not be held any more is not moved either: it goes back. */
  async #isNearLimit(items: readonly Claimed[]): Promise<boolean> {
    const { appraisal, onNearLimit } = this.#run;
    for (const { message } of items) {
      const { count } = message.delivery;
      if (count !== null) this.#highestDeliveryCount = Math.max(count, this.#highestDeliveryCount ?? 0);
    }
    const count = this.#highestDeliveryCount;
    const reason = belowMargin(appraisal, count, 0);
    if (reason === null || count === null) return false;
    await onNearLimit(count);
    this.#stopped = reason;
    return true;
  }

  async #take(claiming: Claiming, items: readonly Claimed[]): Promise<void> {
    const { matcher, journal, governor, clock } = this.#run;
    const since = this.#handedOver;
    this.#handedOver = clock.now();
    const work: Work[] = [];
    const toSettle: Work[] = [];
    for (const item of items) {
      const match = matcher.match(item.message);
      this.#open.set(item.claim, { ordinal: null, since });
      if (match.kind === 'returned') governor.met(match.ordinal);
      else if (match.kind === 'drifted')
        journal.record('DRIFTED', [match.ordinal], 'it is another message now');
      else if (match.kind === 'selected') {
        this.met += 1;
        if (match.standing !== 'confirmed') work.push({ ordinal: match.ordinal, item });
        else if (this.#isTheVeryOne(match.ordinal, item)) toSettle.push({ ordinal: match.ordinal, item });
        else continue;
        this.#open.set(item.claim, { ordinal: match.ordinal, since });
      }
    }
    await this.#settle(claiming, toSettle);
    if (await this.#isNearLimit(items)) return;
    await this.#moveAll(claiming, work);
  }

  /**
   * Whether a message that equals one that was published is that one, and not another one like it: only then may it be
   * settled. What the run before had in its hands comes back redelivered; a newcomer does not.
   */
  #isTheVeryOne(ordinal: number, { message }: Claimed): boolean {
    if (this.#run.table.byReference) return true;
    if (message.delivery.redelivered !== true) {
      this.#run.matcher.expect(ordinal);
      return false;
    }
    if (this.#run.head.exhaustive) return true;
    this.#unsettled.add(ordinal); // stays where it is, and is named
    return false;
  }

  async #moveAll(claiming: Claiming, all: readonly Work[]): Promise<void> {
    const { clock, onNote } = this.#run;
    let left = asideFirst(this.#run, all);
    let tries = 0;
    while (left.length > 0 && !this.#isHeldLong()) {
      await this.#waitWhileBlocked(left);
      const { count, paced } = await admitted(this.#run, left, this.#signal);
      if (count === 0) return;
      const { again, reason } = await this.#move(claiming, left.slice(0, count), paced);
      left = [...again, ...left.slice(count)];
      tries = again.length < count ? 0 : tries + 1;
      if (reason === null) continue;
      if (tries >= patience) {
        this.#stopped = `the destination takes no more: ${reason}`;
        return;
      }
      onNote(`the destination takes no more just now: ${reason}; waiting`);
      await clock.sleep(refusalPauseMs(Math.max(1, tries)), this.#signal);
    }
  }

  /** Resolves with what is to be tried once more, and why. */
  async #move(claiming: Claiming, batch: readonly Work[], paced: boolean): Promise<Refused> {
    const { journal, governor } = this.#run;
    const ordinals = ascending(batch.map(({ ordinal }) => ordinal));
    // In doubt since a crash: this may be the second time.
    journal.record(
      'AGAIN',
      ordinals.filter((ordinal) => journal.state.standing(ordinal) === 'intended'),
    );
    journal.record('INTENT', ordinals);
    await journal.sync();

    // It may begin to ask while it has what was sent, and not answered yet.
    const telling = this.#tellBlocked(this.#destinationsOf(batch));
    const outcomes = await this.#publish(batch).finally(telling);
    const accepted: Work[] = [];
    const again: Work[] = [];
    let failed = 0;
    let unknown: string | null = null;
    let reason: string | null = null;
    for (const [index, work] of batch.entries()) {
      const outcome = outcomes[index];
      if (outcome === undefined) throw new FailedError('the driver did not answer for every message');
      if (outcome.status === 'accepted') accepted.push(work);
      else if (outcome.status === 'unknown') unknown = outcome.reason;
      else if (outcome.retriable) {
        again.push(work);
        reason = outcome.reason;
      } else {
        failed += 1;
        journal.record('FAILED', [work.ordinal], outcome.reason);
        this.#stays(work);
      }
    }
    journal.record('CONFIRMED', ascending(accepted.map(({ ordinal }) => ordinal)));
    journal.record('NOT-MOVED', ascending(again.map(({ ordinal }) => ordinal)));
    await journal.sync();
    await this.#settle(claiming, accepted);
    this.#moved += accepted.length;
    this.#run.onMoved(accepted.length);
    if (unknown !== null)
      throw new FailedError(`no answer came from the destination: ${unknown}`, {
        hint: 'resume: what is in doubt is published again with the same id, and named',
      });
    if (paced && accepted.length + failed > 0) await governor.sent(accepted.length, failed, this.#signal);
    return { again, reason };
  }

  /** It goes back at the end, and need not be met again. */
  #stays({ item: { claim } }: Work): void {
    const held = this.#open.get(claim);
    if (held !== undefined) this.#open.set(claim, { ...held, ordinal: null });
  }

  async #publish(batch: readonly Work[]): Promise<readonly Outcome[]> {
    const { table, headers } = this.#run;
    const outcomes = new Map<Work, Outcome>();
    const sending = Map.groupBy(batch, ({ ordinal }) => table.destinationOf(ordinal));
    await Promise.all(
      [...sending].map(async ([destination, works]) => {
        const outgoing = works.map(({ ordinal, item }) => departing(this.#run, ordinal, item.message));
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

  async #settle(claiming: Claiming, works: readonly Work[]): Promise<void> {
    if (works.length === 0) return;
    const { journal, matcher, returns } = this.#run;
    const outcomes = await claiming.settle(works.map(({ item }) => item.claim));
    const done: number[] = [];
    for (const [index, { ordinal, item }] of works.entries()) {
      this.#open.delete(item.claim);
      const outcome = outcomes[index];
      this.#unsettled.delete(ordinal);
      if (outcome === 'settled') done.push(ordinal);
      else if (outcome === 'sent') this.#sent.push(ordinal);
      else {
        // It is there again, or with someone else: never published again.
        this.#unsettled.add(ordinal);
        matcher.expect(ordinal);
      }
    }
    journal.record('DONE', ascending(done));
    returns.removed(works.length);
  }

  #lost(claims: readonly string[]): void {
    for (const claim of claims) {
      const ordinal = this.#open.get(claim)?.ordinal ?? null;
      this.#open.delete(claim);
      if (ordinal !== null) this.#run.matcher.expect(ordinal);
    }
  }

  #missing(references: readonly MessageReference[]): void {
    const { matcher, journal } = this.#run;
    for (const reference of references) {
      const ordinal = matcher.take(reference);
      if (ordinal === null) continue;
      const standing = journal.state.standing(ordinal);
      if (standing === 'planned') journal.record('DRIFTED', [ordinal], 'it is no longer there');
      // Settled before, and only the note of it was lost.
      else if (standing === 'confirmed' && !this.#unsettled.has(ordinal)) journal.record('DONE', [ordinal]);
    }
  }

  /** Gives everything back, and only then believes what was acknowledged without an answer. */
  async #leave(claiming: Claiming): Promise<void> {
    const { journal, matcher } = this.#run;
    await journal.sync();
    await claiming.close();
    journal.record('DONE', ascending(this.#sent));
    for (const { ordinal } of this.#open.values()) if (ordinal !== null) matcher.expect(ordinal);
  }

  async *#references(): AsyncGenerator<MessageReference> {
    const { state } = this.#run.journal;
    for await (const { ordinal, reference } of readPlan(this.#run.planPath)) {
      const standing = state.standing(ordinal);
      if (standing === 'planned' || standing === 'intended' || standing === 'confirmed') yield reference;
    }
  }

  /** Claims that end by themselves are held as long as we have them. */
  #extendLeases(claiming: Claiming): () => void {
    if (this.#traits.leaseMs === null) return () => undefined;
    const leaseMs = this.#run.leaseMs ?? this.#traits.leaseMs;
    const extend = (): void => {
      // One that is lost is told by the claim itself.
      void claiming.extend([...this.#open.keys()]).catch(() => undefined);
    };
    const timer = setInterval(extend, leaseMs / 3);
    timer.unref();
    return () => clearInterval(timer);
  }

  /** A broker that asks to wait is no failure. */
  async #waitWhileBlocked(works: readonly Work[]): Promise<void> {
    const destinations = this.#destinationsOf(works);
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
}
