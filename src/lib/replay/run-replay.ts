/** Publishes a frozen range again: INTENT, publish, CONFIRMED, a chunk at a time, front to back in each partition. */
import { join } from 'node:path';
import type { Clock } from '../dlq/clock.ts';
import { batchSize, Pacer } from '../dlq/pacing.ts';
import { Publishers } from '../dlq/publishers.ts';
import { misfit } from '../dlq/destination.ts';
import { lookOf } from '../dlq/source.ts';
import type { Outcome } from '../drivers/driver.ts';
import { FailedError, UnsupportedError, UsageError, errorText } from '../errors.ts';
import type { Message, OutgoingMessage } from '../message/message.ts';
import type { Position, Positions } from '../message/position.ts';
import { ExclusiveLock } from '../store/exclusive-lock.ts';
import { JobStore } from '../store/jobs.ts';
import type { Job, JobState } from '../store/jobs.ts';
import { thisOperator } from '../store/operator.ts';
import type { ReplayEnd } from './plan-replay.ts';
import { readReplayHead } from './replay-head.ts';
import type { FrozenRange, ReplayHead } from './replay-head.ts';
import { ReplayJournal, sourcePlace, sourceText } from './replay-journal.ts';
import type { SourcePlace } from './replay-journal.ts';
import { republishing, toRepublished } from './republished.ts';
import type { Republishing } from './republished.ts';

/** A chunk is tried so often, with pauses that double. */
const attempts = 6;
const firstPauseMs = 500;
const listed = 100;

export interface ReplayOptions {
  /** Messages a second; null: as fast as they are accepted. */
  readonly ratePerSecond: number | null;
  readonly inFlight: number;
  readonly keep: (message: Message) => boolean;
  readonly clock: Clock;
  readonly onProgress: (published: number) => void;
  readonly onNote: (text: string) => void;
}

/** `selected = published + failed + gone + inDoubt + remaining`. */
export interface ReplayReport {
  readonly id: string;
  readonly source: ReplayHead['source'];
  readonly destination: ReplayHead['destination'];
  readonly selected: number;
  readonly published: number;
  readonly failed: number;
  /** Not there any more when their turn came. */
  readonly gone: number;
  readonly inDoubt: number;
  readonly remaining: number;
  readonly state: JobState;
  readonly stoppedBy: string | null;
  readonly guarantee: 'at-least-once';
  /** What the destination's system has not got, by what it is: how many of those selected have it. */
  readonly leftOut: Readonly<Record<string, number>>;
  /** `PARTITION:OFFSET` of the source, the first hundred; all are AGAIN lines of the journal. */
  readonly possibleDuplicates: readonly string[];
  readonly possibleDuplicateCount: number;
  readonly failures: readonly { readonly id: string; readonly reason: string }[];
  readonly journal: string;
}

/** A replay that was interrupted. Throws `NotFoundError`, `UsageError` for another channel. */
export async function reopenReplay(
  stateFolder: string,
  id: string,
  channel: string,
  target: string,
): Promise<{ readonly job: Job; readonly head: ReplayHead }> {
  const jobs = new JobStore(stateFolder);
  const job = await jobs.find(id, channel, 'replay');
  const head = await readReplayHead(jobs.folderOf(job.id));
  if (head.source.channel !== channel || head.source.target !== target)
    throw new UsageError(
      `job ${job.id} replays "${head.source.channel}" at ${head.source.target}, not "${channel}" at ${target}`,
    );
  return { job, head };
}

/** Runs what is left. An interrupted run is a report, not an error. Throws `FailedError` where somebody else runs it. */
export async function runReplay(
  source: ReplayEnd,
  destination: ReplayEnd,
  stateFolder: string,
  job: Job,
  options: ReplayOptions,
  signal: AbortSignal,
): Promise<ReplayReport> {
  const jobs = new JobStore(stateFolder);
  const folder = jobs.folderOf(job.id);
  const operator = thisOperator();
  const lock = await ExclusiveLock.tryAcquire(join(folder, 'lock'), `${operator.who} at ${operator.host}`);
  if (!(lock instanceof ExclusiveLock))
    throw new FailedError(`job ${job.id} is being run by ${lock.heldBy}`, { code: 'HELD' });
  let journal: ReplayJournal | null = null;
  try {
    const head = await readReplayHead(folder);
    if (head.destination.target !== destination.driver.target)
      throw new UsageError(
        `job ${job.id} goes to ${head.destination.target}, not to ${destination.driver.target}`,
      );
    journal = await ReplayJournal.reopen(join(folder, 'journal'));
    journal.note('RUN', { ...operator, at: Date.now() });
    await jobs.write({ ...job, state: 'running', endedAt: null, stoppedBy: null });
    const run = await ReplayRun.open(source, destination, head, journal, options, signal);
    const stoppedBy = await run.toEnd().catch((error: unknown) => errorText(error));
    const finished = stoppedBy === null && !signal.aborted;
    const state: JobState = finished ? 'done' : signal.aborted ? 'interrupted' : 'stopped';
    journal.note(finished ? 'END' : 'STOPPED', stoppedBy);
    await journal.sync();
    const report = reportOf(job, head, journal, state, signal.aborted ? null : stoppedBy);
    const { selected, published, failed, gone, inDoubt, remaining } = report;
    const counts = { selected, published, failed, gone, inDoubt, remaining };
    await jobs.write({ ...job, state, endedAt: Date.now(), counts, stoppedBy: report.stoppedBy });
    return report;
  } finally {
    await journal?.close();
    lock.release();
  }
}

interface Piece {
  readonly place: SourcePlace;
  readonly outgoing: OutgoingMessage;
  /** Why it will not be taken, known before it is sent. */
  readonly misfit: string | null;
}

class ReplayRun {
  readonly #source: ReplayEnd;
  readonly #destination: ReplayEnd;
  readonly #head: ReplayHead;
  readonly #journal: ReplayJournal;
  readonly #options: ReplayOptions;
  readonly #how: Republishing;
  readonly #misfitOf: (message: OutgoingMessage) => string | null;
  readonly #pacer: Pacer;
  readonly #publishers: Publishers;
  readonly #signal: AbortSignal;

  private constructor(
    parts: {
      source: ReplayEnd;
      destination: ReplayEnd;
      head: ReplayHead;
      journal: ReplayJournal;
      options: ReplayOptions;
      how: Republishing;
      misfitOf: (message: OutgoingMessage) => string | null;
    },
    signal: AbortSignal,
  ) {
    this.#source = parts.source;
    this.#destination = parts.destination;
    this.#head = parts.head;
    this.#journal = parts.journal;
    this.#options = parts.options;
    this.#how = parts.how;
    this.#misfitOf = parts.misfitOf;
    this.#pacer = new Pacer(parts.options.ratePerSecond, parts.options.clock);
    // What is in flight is finished after Ctrl-C.
    this.#publishers = new Publishers(parts.destination.driver, new AbortController().signal);
    this.#signal = signal;
  }

  static async open(
    source: ReplayEnd,
    destination: ReplayEnd,
    head: ReplayHead,
    journal: ReplayJournal,
    options: ReplayOptions,
    signal: AbortSignal,
  ): Promise<ReplayRun> {
    const traits = destination.declaration.facets.publish;
    const limits = await destination.driver.publish?.limits(destination.channel, signal);
    if (traits === undefined || limits === undefined)
      throw new UnsupportedError(`${destination.declaration.system} cannot be published to`);
    const how = republishing(source.driver, traits, head);
    const misfitOf = (message: OutgoingMessage): string | null =>
      message.value === null && !traits.nullValue
        ? `${destination.declaration.system} has no null value (tombstone)`
        : misfit(message, limits);
    return new ReplayRun({ source, destination, head, journal, options, how, misfitOf }, signal);
  }

  /** null: all of the range was gone through; else why it stopped. */
  async toEnd(): Promise<string | null> {
    this.#takeUp();
    const { ratePerSecond, inFlight, keep } = this.#options;
    const size = batchSize(ratePerSecond, inFlight);
    try {
      const left = this.#head.ranges.filter((range) => this.#doneOf(range) !== range.last);
      if (left.length === 0) return null;
      const looking = await lookOf(this.#source).open(
        {
          channel: this.#source.channel,
          from: positionsOf(left, (range) => this.#beginOf(range)),
          until: positionsOf(left, ({ last }) => ({ kind: 'after', offset: last })),
          follow: false,
          // What came of them since (shards that split) is not part of it.
          partitions: left.some(({ partition }) => partition === null)
            ? null
            : left.map(({ partition }) => partition ?? ''),
          limit: null,
          uncommitted: false,
        },
        this.#signal,
      );
      let chunk: Message[] = [];
      for await (const batch of looking.batches) {
        for (const message of batch) {
          if (!keep(message)) continue;
          chunk.push(message);
          if (chunk.length < size) continue;
          const stopped = await this.#publish(chunk);
          if (stopped !== null) return stopped;
          chunk = [];
        }
      }
      return this.#signal.aborted ? null : await this.#publish(chunk);
    } finally {
      await this.#publishers.close();
    }
  }

  /** What the run before left in doubt is published again, and named. */
  #takeUp(): void {
    const { inDoubt } = this.#journal;
    if (inDoubt.length === 0) return;
    this.#journal.record('AGAIN', inDoubt);
    this.#options.onNote(
      `${inDoubt.length.toString()} may have been published when the last run ended: they are published again`,
    );
  }

  #doneOf({ partition }: FrozenRange): string | undefined {
    return this.#journal.done.get(partition ?? '');
  }

  #beginOf(range: FrozenRange): Position {
    const done = this.#doneOf(range);
    return done === undefined ? { kind: 'offset', offset: range.first } : { kind: 'after', offset: done };
  }

  /** null: each was accepted or will never be; else why it stopped. */
  async #publish(messages: readonly Message[]): Promise<string | null> {
    if (messages.length === 0) return null;
    await this.#pacer.turn(messages.length, this.#signal);
    if (this.#signal.aborted) return null;
    let waiting: readonly Piece[] = messages.map((message): Piece => {
      const outgoing = toRepublished(message, this.#how, null);
      return { place: sourcePlace(message), outgoing, misfit: this.#misfitOf(outgoing) };
    });
    this.#journal.record('INTENT', placesOf(waiting));
    await this.#journal.sync();
    for (let attempt = 1; ; attempt += 1) {
      const outcomes = await this.#send(waiting);
      const { final, rest, maybeThere, reason } = settle(waiting, outcomes, (place) => this.#orderOf(place));
      if (rest.length === 0 && everyOneRefused(final)) {
        this.#journal.record('NOT-MOVED', placesOf(waiting));
        await this.#journal.sync();
        return `the destination refuses every message: ${final[0]?.reason ?? ''}`;
      }
      this.#record(final);
      if (rest.length === 0) return null;
      if (attempt === attempts || this.#signal.aborted) {
        const maybe = new Set(maybeThere);
        this.#journal.record(
          'NOT-MOVED',
          placesOf(rest).filter((place) => !maybe.has(place)),
        );
        await this.#journal.sync();
        return `the destination does not answer: ${reason}`;
      }
      if (attempt === 1) this.#options.onNote(`trying again: ${reason}`);
      this.#journal.record('AGAIN', maybeThere);
      await this.#journal.sync();
      await this.#options.clock.sleep(firstPauseMs * 2 ** (attempt - 1), this.#signal);
      waiting = rest;
    }
  }

  /** One outcome for each; what cannot be taken is not sent. */
  async #send(pieces: readonly Piece[]): Promise<readonly Outcome[]> {
    const fit = pieces.filter((piece) => piece.misfit === null);
    const sent =
      fit.length === 0
        ? []
        : await this.#publishers.send(
            this.#destination.channel,
            fit.map(({ outgoing }) => outgoing),
          );
    let at = 0;
    return pieces.map(({ misfit: reason }): Outcome => {
      if (reason !== null) return { status: 'rejected', reason, retriable: false };
      return sent[at++] ?? { status: 'unknown', reason: 'no answer came' };
    });
  }

  /** Front to back: a line for each run of the same end. */
  #record(final: readonly FinalPiece[]): void {
    const runs: { readonly reason: string | null; readonly places: SourcePlace[] }[] = [];
    for (const { place, reason } of final) {
      const last = runs.at(-1);
      if (last?.reason === reason) last.places.push(place);
      else runs.push({ reason, places: [place] });
    }
    for (const { reason, places } of runs)
      this.#journal.record(reason === null ? 'CONFIRMED' : 'FAILED', places, reason);
    this.#options.onProgress(final.filter(({ reason }) => reason === null).length);
  }

  /** Within what an order is kept: where partitions split and keys move on (shards), in all of it. */
  #orderOf({ partition }: SourcePlace): string {
    return this.#source.declaration.facets.publish?.orderUnit === 'partition' ? partition : '';
  }
}

interface FinalPiece {
  readonly place: SourcePlace;
  /** Why the destination will not have it; null: accepted. */
  readonly reason: string | null;
  readonly known: boolean;
}

/**
 * In each order, what comes before the first that has no answer is settled; from there on all is sent again in its order, of which
 * some may be there already.
 */
function settle(
  pieces: readonly Piece[],
  outcomes: readonly Outcome[],
  orderOf: (place: SourcePlace) => string,
): {
  readonly final: readonly FinalPiece[];
  readonly rest: readonly Piece[];
  readonly maybeThere: readonly SourcePlace[];
  readonly reason: string;
} {
  const held = new Set<string>();
  const final: FinalPiece[] = [];
  const rest: Piece[] = [];
  const maybeThere: SourcePlace[] = [];
  let why = '';
  for (const [index, piece] of pieces.entries()) {
    const outcome: Outcome = outcomes[index] ?? { status: 'unknown', reason: 'no answer came' };
    const { place } = piece;
    const open = outcome.status === 'unknown' || (outcome.status === 'rejected' && outcome.retriable);
    if (open) why ||= outcome.reason;
    const order = orderOf(place);
    if (open || held.has(order)) {
      held.add(order);
      rest.push(piece);
      if (outcome.status !== 'rejected') maybeThere.push(place);
    } else {
      const reason = outcome.status === 'rejected' ? outcome.reason : null;
      final.push({ place, reason, known: piece.misfit !== null });
    }
  }
  return { final, rest, maybeThere, reason: why };
}

/** Not one message in a chunk: then it is not about the messages. */
function everyOneRefused(final: readonly FinalPiece[]): boolean {
  const sent = final.filter(({ known }) => !known);
  return sent.length >= 3 && sent.every(({ reason }) => reason !== null);
}

function placesOf(pieces: readonly Piece[]): SourcePlace[] {
  return pieces.map(({ place }) => place);
}

function positionsOf(
  ranges: readonly FrozenRange[],
  positionOf: (range: FrozenRange) => Position,
): Positions {
  const [first] = ranges;
  if (first?.partition === null) return { every: positionOf(first) };
  return { byPartition: new Map(ranges.map((range) => [range.partition ?? '', positionOf(range)])) };
}

function reportOf(
  job: Job,
  head: ReplayHead,
  journal: ReplayJournal,
  state: JobState,
  stoppedBy: string | null,
): ReplayReport {
  const { published, failed } = journal;
  const inDoubt = state === 'done' ? 0 : journal.inDoubt.length;
  const rest = Math.max(0, head.selected - published - failed - inDoubt);
  const duplicates = journal.possibleDuplicates;
  return {
    id: job.id,
    source: head.source,
    destination: head.destination,
    selected: head.selected,
    published,
    failed,
    gone: state === 'done' ? rest : 0,
    inDoubt,
    remaining: state === 'done' ? 0 : rest,
    state,
    stoppedBy,
    guarantee: 'at-least-once',
    leftOut: head.leftOut,
    possibleDuplicates: duplicates.slice(0, listed).map(sourceText),
    possibleDuplicateCount: duplicates.length,
    failures: journal.failures
      .slice(0, listed)
      .map(({ reason, ...place }) => ({ id: sourceText(place), reason })),
    journal: journal.path,
  };
}
