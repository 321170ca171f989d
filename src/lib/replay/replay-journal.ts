/**
 * How far a replay has come, in a file of checked lines. The words are those of the dead letters' journal; what they are about
 * are offsets of each partition of the source (`""` where it has none):
 *
 *     RUN {"who":"ann","host":"ops-1","at":1795245643000}
 *     INTENT {"0":"12-111","1":"5,7"}      about to be published; synced before the first of them is
 *     CONFIRMED {"0":"12-111"}             accepted for good. It rides with the next INTENT: losing it costs a duplicate that is named
 *     FAILED {"1":"5"} "too large"         the destination will not have it
 *     AGAIN {"1":"7"}                      in doubt, and now published a second time
 *     NOT-MOVED {"1":"7"}                  known not to have been published: as if it was never intended
 *     STOPPED "…"                          why a run ended before the end
 */
import { parseRanges, rangesText } from '../dlq/ranges.ts';
import { FailedError, UnsupportedError } from '../errors.ts';
import type { Message } from '../message/message.ts';
import { JournalFile } from '../store/journal-file.ts';
import type { JournalKind, JournalLine } from '../store/journal-file.ts';

const journalKind: JournalKind = { name: 'replay', version: 1 };
const steps = ['INTENT', 'CONFIRMED', 'FAILED', 'AGAIN', 'NOT-MOVED'] as const;
export type ReplayStep = (typeof steps)[number];

/** So many reasons are kept in memory for the report; the others are in the journal. */
const failuresKept = 1_000;

/** An offset of the source. */
export interface SourcePlace {
  readonly partition: string;
  readonly offset: number;
}

export interface ReplayFailure extends SourcePlace {
  readonly reason: string;
}

export class ReplayJournal {
  readonly failures: ReplayFailure[] = [];
  /** Next to be published, by partition. */
  readonly next = new Map<string, number>();
  published = 0;
  failed = 0;
  readonly #file: JournalFile;
  /** About to be published and not known to be accepted, by partition. */
  readonly #open = new Map<string, Set<number>>();
  readonly #again = new Map<string, Set<number>>();

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
    if (places.length === 0) return;
    const byPartition = Object.fromEntries(
      [...Map.groupBy(places, ({ partition }) => partition)].map(([partition, list]) => [
        partition,
        rangesText(list.map(({ offset }) => offset)),
      ]),
    );
    const why = reason === null ? '' : ` ${JSON.stringify(reason.slice(0, 2_000))}`;
    this.#file.append(`${step} ${JSON.stringify(byPartition)}${why}`);
    for (const place of places) this.#apply(step, place, reason);
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
    this.next.set(partition, Math.max(offset + 1, this.next.get(partition) ?? 0));
  }

  #replay({ line, text }: JournalLine): void {
    const parts = /^([A-Z-]+) (\{.*?\})(?: (".*"))?$/s.exec(text);
    const word = /^[A-Z-]+/.exec(text)?.[0] ?? '';
    if (word === 'RUN' || word === 'STOPPED' || word === 'END') return;
    const step = steps.find((known) => known === word);
    if (step === undefined || parts === null) throw this.#odd(line);
    const reason = parts[3] === undefined ? null : this.#json(line, parts[3]);
    const places = this.#json(line, parts[2] ?? '');
    if (typeof places !== 'object' || places === null || !(reason === null || typeof reason === 'string'))
      throw this.#odd(line);
    for (const [partition, ranges] of Object.entries(places)) {
      const parsed = typeof ranges === 'string' ? parseRanges(ranges, Number.MAX_SAFE_INTEGER) : null;
      if (parsed === null) throw this.#odd(line);
      for (const [first, last] of parsed)
        for (let offset = first; offset <= last; offset += 1)
          this.#apply(step, { partition, offset }, reason);
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

/** Throws `UnsupportedError` where messages have no offset that is a number: a replay writes down as numbers how far it came. */
export function sourcePlace({ channel, partition, offset }: Message): SourcePlace {
  const number = Number(offset ?? Number.NaN);
  if (!Number.isSafeInteger(number))
    throw new UnsupportedError(
      `"${channel}" cannot be replayed to another channel: its messages have ${offset === null ? 'no offsets' : 'offsets that are no whole numbers'}`,
      { hint: 'mqctl consume -o ndjson reads the range, and mqctl produce --format ndjson publishes it' },
    );
  return { partition: partition ?? '', offset: number };
}

export function sourceText({ partition, offset }: SourcePlace): string {
  return partition === '' ? offset.toString() : `${partition}:${offset.toString()}`;
}

function setOf(sets: Map<string, Set<number>>, partition: string): Set<number> {
  const known = sets.get(partition);
  if (known !== undefined) return known;
  const made = new Set<number>();
  sets.set(partition, made);
  return made;
}

function placesOf(sets: ReadonlyMap<string, ReadonlySet<number>>): SourcePlace[] {
  return [...sets].flatMap(([partition, offsets]) =>
    [...offsets].sort((one, other) => one - other).map((offset) => ({ partition, offset })),
  );
}
