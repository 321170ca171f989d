/**
 * What was done to the messages of a plan, in a file of checked lines:
 *
 *     RUN {"who":"ann","host":"ops-1","at":1795245643000}      a run begins, the first or a resumed one
 *     INTENT 0-99            about to be published; synced before the first of them is
 *     CONFIRMED 0-99         accepted for good; synced before the first of them is settled
 *     DONE 0-99              gone from the dead-letter channel. Not synced: it rides with the next INTENT, and losing
 *                            it costs a check, not a message
 *     NOT-MOVED 7            known not to have been published: as if it was never intended
 *     FAILED 8 "too large"   and SKIPPED, DRIFTED, QUARANTINED: it stays where it was
 *     ASIDE 4 "redriven 3 times"      it goes into quarantine; noted before anything is done
 *     AGAIN 9                in doubt, and now published a second time
 *     RETURNED 3             it came back
 *     STOPPED "…"            why a run ended before the end
 */
import { FailedError } from '../errors.ts';
import { JournalFile, readJournal, type JournalKind, type JournalLine } from '../store/journal-file.ts';
import { parseRanges, rangesText } from './ranges.ts';
import { RedriveState, type Standing } from './redrive-state.ts';

export const journalKind: JournalKind = { name: 'journal', version: 2 };

const standingOf = {
  INTENT: 'intended',
  CONFIRMED: 'confirmed',
  DONE: 'done',
  'NOT-MOVED': 'planned',
  FAILED: 'failed',
  SKIPPED: 'skipped',
  DRIFTED: 'drifted',
  QUARANTINED: 'quarantined',
} as const satisfies Readonly<Record<string, Standing>>;

const steps = [
  'INTENT',
  'CONFIRMED',
  'DONE',
  'NOT-MOVED',
  'FAILED',
  'SKIPPED',
  'DRIFTED',
  'QUARANTINED',
  'ASIDE',
  'AGAIN',
  'RETURNED',
] as const;

/** What can happen to a message. */
export type Step = (typeof steps)[number];

/** So many reasons are kept in memory for the report; the others are in the journal. */
const reasonsKept = 100_000;
/** Keeps a line far below what a journal line may have. */
const ordinalsPerLine = 20_000;

export class RedriveJournal {
  readonly state: RedriveState;
  readonly #file: JournalFile;
  readonly #reasons: Map<number, string>;

  private constructor(file: JournalFile, state: RedriveState, reasons: Map<number, string>) {
    this.#file = file;
    this.state = state;
    this.#reasons = reasons;
  }

  static async create(path: string, selected: number): Promise<RedriveJournal> {
    return new RedriveJournal(
      await JournalFile.create(path, journalKind),
      new RedriveState(selected),
      new Map(),
    );
  }

  /** Reads what was done and goes on behind it. Throws `FailedError` where the journal cannot be trusted. */
  static async reopen(path: string, selected: number): Promise<RedriveJournal> {
    const state = new RedriveState(selected);
    const reasons = new Map<number, string>();
    const file = await JournalFile.reopen(path, journalKind, (line) => replay(path, line, state, reasons));
    return new RedriveJournal(file, state, reasons);
  }

  /** What was done, without going on. Throws `FailedError` where the journal cannot be trusted. */
  static async read(path: string, selected: number): Promise<RedriveState> {
    const state = new RedriveState(selected);
    for await (const lines of readJournal(path, journalKind))
      for (const line of lines) replay(path, line, state, new Map());
    return state;
  }

  get path(): string {
    return this.#file.path;
  }

  /** Why this one failed or drifted, as far as it is kept. */
  reasonOf(ordinal: number): string | null {
    return this.#reasons.get(ordinal) ?? null;
  }

  /** Written with the next `sync`. */
  note(word: 'RUN' | 'STOPPED' | 'END', facts: unknown): void {
    this.#file.append(`${word} ${JSON.stringify(facts)}`);
  }

  /** Written with the next `sync`. `ordinals` ascending. */
  record(step: Step, ordinals: readonly number[], reason: string | null = null): void {
    for (let start = 0; start < ordinals.length; start += ordinalsPerLine) {
      const part = ordinals.slice(start, start + ordinalsPerLine);
      const why = reason === null ? '' : ` ${JSON.stringify(reason.slice(0, 2_000))}`;
      this.#file.append(`${step} ${rangesText(part)}${why}`);
      for (const ordinal of part) apply(this.state, step, ordinal);
      if (reason !== null) keepReason(this.#reasons, part, reason);
    }
  }

  async sync(): Promise<void> {
    await this.#file.sync();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

function apply(state: RedriveState, step: Step, ordinal: number): void {
  if (step === 'AGAIN') state.markAgain(ordinal);
  else if (step === 'RETURNED') state.markReturned(ordinal);
  else if (step === 'ASIDE') state.markForQuarantine(ordinal);
  else state.set(ordinal, standingOf[step]);
}

function replay(
  path: string,
  { line, text }: JournalLine,
  state: RedriveState,
  reasons: Map<number, string>,
): void {
  const parts = /^([A-Z-]+) ([^ ]+)(?: (.+))?$/s.exec(text);
  const word = parts?.[1] ?? '';
  if (word === 'RUN' || word === 'STOPPED' || word === 'END') return;
  const step = steps.find((known) => known === word);
  const ranges = parseRanges(parts?.[2] ?? '', state.selected);
  if (step === undefined || ranges === null) throw odd(path, line);
  const reason = parts?.[3] === undefined ? null : parseReason(path, line, parts[3]);
  for (const [first, last] of ranges) {
    for (let ordinal = first; ordinal <= last; ordinal += 1) {
      apply(state, step, ordinal);
      if (reason !== null) keepReason(reasons, [ordinal], reason);
    }
  }
}

function keepReason(reasons: Map<number, string>, ordinals: readonly number[], reason: string): void {
  for (const ordinal of ordinals) if (reasons.size < reasonsKept) reasons.set(ordinal, reason);
}

function parseReason(path: string, line: number, text: string): string {
  try {
    const reason: unknown = JSON.parse(text);
    if (typeof reason === 'string') return reason;
  } catch {
    // Told below.
  }
  throw odd(path, line);
}

function odd(path: string, line: number): FailedError {
  return new FailedError(`${path}, line ${line.toString()}: this is no journal of that plan`, {
    code: 'DAMAGED',
  });
}
