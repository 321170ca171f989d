/**
 * How far a replay has come, in a file of checked lines. The words are those of the dead letters' journal; what they are about
 * are offsets of each partition of the source (`""` where it has none), in the order in which they are read there. Offsets are
 * opaque: whole numbers are written as ranges, others one by one.
 *
 *     RUN {"who":"ann","host":"ops-1","at":1795245643000}
 *     INTENT {"0":"12-111","1":"5,7"}      about to be published; synced before the first of them is
 *     INTENT {"":["1526919030474-0"]}      an offset that is no whole number
 *     CONFIRMED {"0":"12-111"}             accepted for good. It rides with the next INTENT: losing it costs a duplicate that is named
 *     FAILED {"1":"5"} "too large"         the destination will not have it
 *     AGAIN {"1":"7"}                      in doubt, and now published a second time
 *     NOT-MOVED {"1":"7"}                  known not to have been published: as if it was never intended
 *     STOPPED "…"                          why a run ended before the end
 *
 * CONFIRMED and FAILED come in the order of each partition, so the last of them is how far it has come, wherever the file ends.
 */
import { parseRanges, rangesText } from '../dlq/ranges.ts';
import { FailedError } from '../errors.ts';
import type { Message } from '../message/message.ts';
import { JournalFile } from '../store/journal-file.ts';
import type { JournalKind, JournalLine } from '../store/journal-file.ts';

const journalKind: JournalKind = { name: 'replay', version: 2 };
const steps = ['INTENT', 'CONFIRMED', 'FAILED', 'AGAIN', 'NOT-MOVED'] as const;
export type ReplayStep = (typeof steps)[number];

/** So many reasons are kept in memory for the report; the others are in the journal. */
const failuresKept = 1_000;

/** A line is no longer than a journal may have it. */
const placesPerLine = 2_000;

/** An offset of the source, as its system writes it. */
export interface SourcePlace {
  readonly partition: string;
  readonly offset: string;
}

export interface ReplayFailure extends SourcePlace {
  readonly reason: string;
}

export class ReplayJournal {
  readonly failures: ReplayFailure[] = [];
  /** The last one that is done with, by partition: what is behind it is next. */
  readonly done = new Map<string, string>();
  published = 0;
  failed = 0;
  readonly #file: JournalFile;
  /** About to be published and not known to be accepted, by partition. */
  readonly #open = new Map<string, Set<string>>();
  readonly #again = new Map<string, Set<string>>();

  private constructor(file: JournalFile) {
    this.#file = file;
  }

  static async create(path: string): Promise<void> {
    await (await JournalFile.create(path, journalKind)).close();
  }

  /** Reads what was done and goes on behind it. Throws `FailedError` where it cannot be trusted. */
  static async reopen(path: string): Promise<ReplayJournal> {
    const lines: JournalLine[] = [];
    let journal: ReplayJournal | null = null;
    const replay = (line: JournalLine): void => {
      if (journal === null) lines.push(line);
      else journal.#replay(line);
    };
    const file = await JournalFile.reopen(path, journalKind, replay);
    journal = new ReplayJournal(file);
    for (const line of lines) journal.#replay(line);
    return journal;
  }

  get path(): string {
    return this.#file.path;
  }

  /** What was about to be published when the run before ended: it may be there or not. */
  get inDoubt(): readonly SourcePlace[] {
    return placesOf(this.#open);
  }

  /** What may be there twice. */
  get possibleDuplicates(): readonly SourcePlace[] {
    return placesOf(this.#again);
  }

  note(word: 'RUN' | 'STOPPED' | 'END', facts: unknown): void {
    this.#file.append(`${word} ${JSON.stringify(facts)}`);
  }

  /** Written with the next `sync`. */
  record(step: ReplayStep, places: readonly SourcePlace[], reason: string | null = null): void {
    const why = reason === null ? '' : ` ${JSON.stringify(reason.slice(0, 2_000))}`;
    for (let from = 0; from < places.length; from += placesPerLine) {
      const some = places.slice(from, from + placesPerLine);
      const byPartition = Object.fromEntries(
        [...Map.groupBy(some, ({ partition }) => partition)].map(([partition, list]) => [
          partition,
          writtenOffsets(list.map(({ offset }) => offset)),
        ]),
      );
      this.#file.append(`${step} ${JSON.stringify(byPartition)}${why}`);
      for (const place of some) this.#apply(step, place, reason);
    }
  }

  async sync(): Promise<void> {
    await this.#file.sync();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  #apply(step: ReplayStep, place: SourcePlace, reason: string | null): void {
    const { partition, offset } = place;
    switch (step) {
      case 'INTENT':
        setOf(this.#open, partition).add(offset);
        return;
      case 'AGAIN':
        setOf(this.#again, partition).add(offset);
        return;
      case 'NOT-MOVED':
        setOf(this.#open, partition).delete(offset);
        return;
      case 'CONFIRMED':
        this.published += 1;
        break;
      case 'FAILED':
        this.failed += 1;
        if (this.failures.length < failuresKept) this.failures.push({ ...place, reason: reason ?? '' });
        break;
    }
    setOf(this.#open, partition).delete(offset);
    this.done.set(partition, offset);
  }

  #replay({ line, text }: JournalLine): void {
    const word = /^[A-Z-]+/.exec(text)?.[0] ?? '';
    if (word === 'RUN' || word === 'STOPPED' || word === 'END') return;
    const step = steps.find((known) => known === word);
    if (step === undefined) throw this.#odd(line);
    // A quote within the reason stands behind a backslash.
    const end = text.endsWith('"') ? text.lastIndexOf('} "') : -1;
    const reason = end === -1 ? null : this.#json(line, text.slice(end + 2));
    const places = this.#json(line, text.slice(word.length, end === -1 ? undefined : end + 1));
    if (typeof places !== 'object' || places === null || !(reason === null || typeof reason === 'string'))
      throw this.#odd(line);
    for (const [partition, written] of Object.entries(places)) {
      const offsets = offsetsOf(written);
      if (offsets === null) throw this.#odd(line);
      for (const offset of offsets) this.#apply(step, { partition, offset }, reason);
    }
  }

  #json(line: number, text: string): unknown {
    try {
      const parsed: unknown = JSON.parse(text);
      return parsed;
    } catch {
      throw this.#odd(line);
    }
  }

  #odd(line: number): FailedError {
    return new FailedError(`${this.#file.path}, line ${line.toString()}: this is no journal of a replay`, {
      code: 'DAMAGED',
    });
  }
}

/** Throws `FailedError` where it has no offset: a system whose messages have none is refused before. */
export function sourcePlace({ channel, partition, offset }: Message): SourcePlace {
  if (offset === null) throw new FailedError(`a message of "${channel}" has no offset to note`);
  return { partition: partition ?? '', offset };
}

/** `PARTITION:OFFSET`; the offset alone where there are no partitions. */
export function sourceText({ partition, offset }: SourcePlace): string {
  return partition === '' ? offset : `${partition}:${offset}`;
}

function writtenOffsets(offsets: readonly string[]): string | readonly string[] {
  const numbers = offsets.map(Number);
  const whole = numbers.every(
    (number, at) => Number.isSafeInteger(number) && number.toString() === offsets[at],
  );
  return whole ? rangesText(numbers) : offsets;
}

/** null where it is none of ours. */
function offsetsOf(written: unknown): readonly string[] | null {
  if (Array.isArray(written)) {
    const items: readonly unknown[] = written;
    return items.every((item) => typeof item === 'string') ? items : null;
  }
  const ranges = typeof written === 'string' ? parseRanges(written, Number.MAX_SAFE_INTEGER) : null;
  if (ranges === null) return null;
  const offsets: string[] = [];
  if (ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0) > placesPerLine) return null;
  for (const [first, last] of ranges)
    for (let offset = first; offset <= last; offset += 1) offsets.push(offset.toString());
  return offsets;
}

function setOf(sets: Map<string, Set<string>>, partition: string): Set<string> {
  const known = sets.get(partition);
  if (known !== undefined) return known;
  const made = new Set<string>();
  sets.set(partition, made);
  return made;
}

function placesOf(sets: ReadonlyMap<string, ReadonlySet<string>>): SourcePlace[] {
  return [...sets].flatMap(([partition, offsets]) => [...offsets].map((offset) => ({ partition, offset })));
}
