/**
 * Moves where publishing and removing are two steps: claim, INTENT, publish, CONFIRMED, settle, DONE. Nothing is settled
 * that the destination has not got for good; what a crash leaves between the two is in doubt, and named.
 */
import type { Claimed, Claiming, ClaimTraits, MessageReference } from '../drivers/driver.ts';
import { UnsupportedError } from '../errors.ts';
import type { Message } from '../message/message.ts';
import { Pipeline, type Movable } from './pipeline.ts';
import { readPlan } from './plan.ts';
import { belowMargin } from './delivery-margin.ts';
import { heldElsewhere, untilLeasesEnd } from './held-elsewhere.ts';
import { Publishers } from './publishers.ts';
import { ascending, isFinished, type Ended, type Run } from './run.ts';

interface Work extends Movable {
  readonly claim: string;
}

/** Where leases end by themselves: so many passes in a row must meet nothing before what was not met is taken to be gone. */
const fruitlessPasses = 2;
/** Of the time after which the broker takes back what is held. */
export const heldAtMost = 0.8;

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
  /** How many of those are held to the end. */
  #stuck = 0;
  /** Confirmed and acknowledged, where only a clean close makes that certain. */
  readonly #sent: number[] = [];
  /** Confirmed, and the claim was lost before it could be settled: somebody else may have it, so not meeting it proves nothing. */
  readonly #unsettled = new Set<number>();
  readonly #byReference: boolean;
  /** When the batch before was handed over: what comes now was delivered after it. */
  #handedOver: number;
  #highestDeliveryCount: number | null = null;
  #moved = 0;
  /** Ends the claim while it waits for more. */
  readonly #ending = new AbortController();
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
      AbortSignal.any([this.#signal, this.#ending.signal]),
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
    await this.#run.governor.tellReturned(this.#run.finishing);
    return end ?? this.#notMet();
  }

  async #through(claiming: Claiming): Promise<string | null> {
    const pipeline = new Pipeline<Work>(
      this.#run,
      this.#publishers,
      {
        arrived: 'CONFIRMED',
        settle: (works) => this.#settle(claiming, works),
        stays: (works) => this.#stay(claiming, works),
        mayGo: () => !this.#isHeldLong(),
        onEnded: () => this.#ending.abort(),
      },
      this.#signal,
    );
    try {
      const end = await this.#claimAll(claiming, pipeline);
      await pipeline.drain();
      return this.#run.governor.stopped ?? pipeline.stopped ?? (this.#signal.aborted ? null : end);
    } finally {
      await pipeline.close();
      this.#moved += pipeline.moved;
    }
  }

  /** Hands over what comes until it has to end, and why; null: all of it was met, or there is nothing more. */
  async #claimAll(claiming: Claiming, pipeline: Pipeline<Work>): Promise<string | null> {
    try {
      for await (const batch of claiming.batches) {
        if (batch.kind === 'lost') this.#lost(batch.claims, pipeline);
        else if (batch.kind === 'missing') this.#missing(batch.references);
        else await this.#take(claiming, batch.items, pipeline);
        if (pipeline.ended) break;
        if (this.#isHeldLong()) return 'held-long';
        if (this.#isAllMet(pipeline)) {
          await pipeline.drain();
          if (pipeline.ended || this.#isAllGone()) break;
        }
        if (this.#needsRoom()) return 'needs-room';
      }
    } catch (error) {
      if (!this.#signal.aborted && !this.#ending.signal.aborted) throw error;
    }
    if (this.#isHeldLong()) return 'held-long';
    return this.#needsRoom() && this.#ending.signal.aborted ? 'needs-room' : null;
  }

  /** Nothing of the plan is left to be met but what is in the pipeline. */
  #isAllMet(pipeline: Pipeline<Work>): boolean {
    const { state } = this.#run.journal;
    return state.count('planned') + state.count('intended') <= pipeline.unanswered;
  }

  #isAllGone(): boolean {
    return isFinished(this.#run) && this.#run.journal.state.count('confirmed') === this.#sent.length;
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
    const { planned, confirmed, inDoubt } = this.#unmet();
    if (planned.length + confirmed.length + inDoubt === 0) return null;
    // What was asked for by its name and is not there is gone.
    if (this.#byReference) return this.conclude(0);
    this.#run.onNote(`looking whether others hold messages of "${head.channel}"`);
    return this.conclude(await heldElsewhere(driver, head.channel, clock, finishing));
  }

  /**
   * What a run before confirmed is done, and what is only planned has drifted, unless others hold some; null: nobody knows. What is
   * in doubt stays so, and is named.
   */
  conclude(held: number | null): string | null {
    const { head, journal } = this.#run;
    const { planned, confirmed, inDoubt } = this.#unmet();
    if (held !== null && held > 0)
      return `${(planned.length + confirmed.length + inDoubt).toString()} of the plan were not met, and others hold ${held.toString()} messages of "${head.channel}"`;
    journal.record('DRIFTED', planned, 'it is no longer there');
    if (held === 0) journal.record('DONE', confirmed);
    if (held === 0 || confirmed.length === 0) return null;
    return `whether ${confirmed.length.toString()} that were moved before are gone from "${head.channel}" is not certain: nobody says whether somebody holds them`;
  }

  #unmet(): {
    readonly planned: readonly number[];
    readonly confirmed: readonly number[];
    readonly inDoubt: number;
  } {
    const { state } = this.#run.journal;
    const confirmed = [...state.with('confirmed')].filter((ordinal) => !this.#unsettled.has(ordinal));
    return { planned: [...state.with('planned')], confirmed, inDoubt: state.count('intended') };
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
  async #isNearLimit(items: readonly Claimed[]): Promise<string | null> {
    const { appraisal, onNearLimit } = this.#run;
    for (const { message } of items) {
      const { count } = message.delivery;
      if (count !== null) this.#highestDeliveryCount = Math.max(count, this.#highestDeliveryCount ?? 0);
    }
    const count = this.#highestDeliveryCount;
    const reason = belowMargin(appraisal, count, 0);
    if (reason === null || count === null) return null;
    await onNearLimit(count);
    return reason;
  }

  async #take(claiming: Claiming, items: readonly Claimed[], pipeline: Pipeline<Work>): Promise<void> {
    const { matcher, journal, governor, clock } = this.#run;
    const since = this.#handedOver;
    this.#handedOver = clock.now();
    const works: Work[] = [];
    const toSettle: Work[] = [];
    for (const { claim, message } of items) {
      const match = matcher.match(message);
      this.#open.set(claim, { ordinal: null, since });
      this.#stuck += 1;
      if (match.kind === 'returned') governor.met(match.ordinal);
      else if (match.kind === 'drifted')
        journal.record('DRIFTED', [match.ordinal], 'it is another message now');
      else if (match.kind === 'selected') {
        this.met += 1;
        const work = { ordinal: match.ordinal, message, claim };
        if (match.standing !== 'confirmed') works.push(work);
        else if (this.#isTheVeryOne(match.ordinal, message)) toSettle.push(work);
        else continue;
        this.#open.set(claim, { ordinal: match.ordinal, since });
        this.#stuck -= 1;
      }
    }
    await this.#settle(claiming, toSettle);
    const reason = await this.#isNearLimit(items);
    if (reason === null) pipeline.add(works);
    else pipeline.stop(reason);
  }

  /**
   * Whether a message that equals one that was published is that one, and not another one like it: only then may it be
   * settled. What the run before had in its hands comes back redelivered; a newcomer does not.
   */
  #isTheVeryOne(ordinal: number, message: Message): boolean {
    if (this.#run.table.byReference) return true;
    if (message.delivery.redelivered !== true) {
      this.#run.matcher.expect(ordinal);
      return false;
    }
    if (this.#run.head.exhaustive) return true;
    this.#unsettled.add(ordinal); // stays where it is, and is named
    return false;
  }

  /** They need not be met again. What was not asked for by name would come again at once: it goes back at the end. */
  async #stay(claiming: Claiming, works: readonly Work[]): Promise<void> {
    const claims = works.map(({ claim }) => claim);
    if (this.#byReference) {
      for (const claim of claims) this.#open.delete(claim);
      await claiming.release(claims).catch(() => undefined); // then they are free when their time is over
      return;
    }
    for (const claim of claims) {
      const held = this.#open.get(claim);
      if (held === undefined || held.ordinal === null) continue;
      this.#open.set(claim, { ...held, ordinal: null });
      this.#stuck += 1;
    }
    // Nothing that could be settled may be left, and then nothing more would come.
    if (this.#needsRoom()) this.#ending.abort();
  }

  /** What is held to the end leaves no room for what is to be moved. */
  #needsRoom(): boolean {
    return !this.#byReference && this.#window - this.#stuck < this.#run.inFlight / 2;
  }

  async #settle(claiming: Claiming, works: readonly Work[]): Promise<void> {
    if (works.length === 0) return;
    const { journal, matcher, returns } = this.#run;
    const outcomes = await claiming.settle(works.map(({ claim }) => claim));
    const done: number[] = [];
    for (const [index, { ordinal, claim }] of works.entries()) {
      this.#open.delete(claim);
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

  /** What is on its way is settled in vain later, and expected then. */
  #lost(claims: readonly string[], pipeline: Pipeline<Work>): void {
    for (const claim of claims) {
      const ordinal = this.#open.get(claim)?.ordinal ?? null;
      if (this.#open.delete(claim) && ordinal === null) this.#stuck -= 1;
      if (ordinal !== null && pipeline.take((work) => work.claim === claim))
        this.#run.matcher.expect(ordinal);
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
    for await (const items of readPlan(this.#run.planPath)) {
      for (const { ordinal, reference } of items) {
        const standing = state.standing(ordinal);
        if (standing === 'planned' || standing === 'intended' || standing === 'confirmed') yield reference;
      }
    }
  }

  /** Claims that end by themselves are held as long as we have them. */
  #extendLeases(claiming: Claiming): () => void {
    if (this.#traits.leaseMs === null) return () => undefined;
    const leaseMs = claiming.leaseMs ?? this.#run.leaseMs ?? this.#traits.leaseMs;
    const extend = (): void => {
      // One that is lost is told by the claim itself.
      void claiming.extend([...this.#open.keys()]).catch(() => undefined);
    };
    const timer = setInterval(extend, leaseMs / 3);
    timer.unref();
    return () => clearInterval(timer);
  }
}
