/** Reads the shards of a stream, several at once, parents before children, each shard in order. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Message } from '../../message/message.ts';
import { cutAt } from './bound.ts';
import type { Bound } from './bound.ts';
import { FrozenEnd } from './frozen-end.ts';
import type { Place } from './place.ts';
import type { ReadPace } from './read-pace.ts';
import type { Session } from './session.ts';
import { ShardLineage } from './shard-lineage.ts';
import { ShardReader } from './shard-reader.ts';
import { shardsOf } from './streams.ts';
import type { Shard } from './streams.ts';

/** Answers in memory at once: each is 10 MB at most. */
const answersAtOnce = 8;
const recordsEach = 1_000;
/** Between two reads of a shard in which nothing is new: the rest of its five a second is left to others. */
const idleMs = 500;
/** How long a closed shard's children are waited for: AWS tells of them with its end. */
const childrenPauseMs = 250;

export interface ReadPlan {
  readonly stream: string;
  readonly shards: readonly Shard[];
  readonly places: ReadonlyMap<string, Place>;
  /** Exclusive; of a shard that is not in it: none. */
  readonly bounds: ReadonlyMap<string, Bound>;
  /** Read on in what comes of a shard. */
  readonly children: boolean;
  /** Go on with what comes; else until the end as it is now. */
  readonly follow: boolean;
}

interface Reading {
  readonly reader: ShardReader;
  readonly bound: Bound | null;
  readonly end: FrozenEnd | null;
  /** When it may be read next, by the monotonic clock. */
  dueAt: number;
}

interface Answered {
  readonly reading: Reading;
  readonly messages: readonly Message[];
  readonly done: boolean;
  readonly closed: boolean;
}

export class StreamReader {
  readonly #session: Session;
  readonly #pace: ReadPace;
  readonly #plan: ReadPlan;
  readonly #signal: AbortSignal;
  readonly #lineage: ShardLineage;
  readonly #ends: ReadonlyMap<string, FrozenEnd>;
  readonly #held: Map<string, ShardReader>;

  private constructor(
    session: Session,
    pace: ReadPace,
    plan: ReadPlan,
    lineage: ShardLineage,
    held: { readonly readers: Map<string, ShardReader>; readonly ends: ReadonlyMap<string, FrozenEnd> },
    signal: AbortSignal,
  ) {
    this.#session = session;
    this.#pace = pace;
    this.#plan = plan;
    this.#lineage = lineage;
    this.#held = held.readers;
    this.#ends = held.ends;
    this.#signal = signal;
  }

  /** From here on, "end" is now. */
  static async open(
    session: Session,
    pace: ReadPace,
    plan: ReadPlan,
    signal: AbortSignal,
  ): Promise<StreamReader> {
    const { stream, shards, places, children, follow } = plan;
    const lineage = new ShardLineage(shards, places, children);
    const read = new Set(lineage.shards);
    const readers = new Map<string, ShardReader>();
    const ends = new Map<string, FrozenEnd>();
    await inParts(
      shards.filter(({ shard }) => read.has(shard)),
      async ({ shard, closed }) => {
        const of = { session, pace, stream, shard };
        const place = places.get(shard);
        if (place?.kind === 'end') {
          const reader = new ShardReader(of, place, signal);
          await reader.hold();
          readers.set(shard, reader);
        }
        if (!follow && !closed) ends.set(shard, await FrozenEnd.hold(of, signal));
      },
    );
    return new StreamReader(session, pace, plan, lineage, { readers, ends }, signal);
  }

  /** Throws the errors of AWS in our words, or the signal's reason. */
  async *batches(): AsyncGenerator<readonly Message[]> {
    const readings = new Map<string, Reading>();
    const underWay = new Map<string, Promise<Answered>>();
    try {
      while (this.#lineage.left > 0) {
        this.#signal.throwIfAborted();
        for (const [shard, place] of this.#lineage.begin()) readings.set(shard, this.#reading(shard, place));
        this.#ask(readings, underWay);
        const answered = await this.#first(readings, underWay);
        if (answered === null) continue;
        const { reading, messages, done, closed } = answered;
        const { shard } = reading.reader;
        underWay.delete(shard);
        if (messages.length > 0) yield messages;
        else reading.dueAt = performance.now() + (this.#plan.follow ? idleMs : 0);
        if (!done) {
          // Behind the others now, so that none starves.
          readings.delete(shard);
          readings.set(shard, reading);
          continue;
        }
        readings.delete(shard);
        if (closed && this.#plan.follow && this.#plan.children) await this.#findChildren(shard);
        this.#lineage.end(shard);
      }
    } finally {
      // What is still under way is aborted with the signal or ends by itself: nobody waits for it.
      for (const one of underWay.values()) one.catch(() => undefined);
    }
  }

  #reading(shard: string, place: Exclude<Place, { kind: 'done' }>): Reading {
    const { stream, bounds } = this.#plan;
    const of = { session: this.#session, pace: this.#pace, stream, shard };
    return {
      reader: this.#held.get(shard) ?? new ShardReader(of, place, this.#signal),
      bound: bounds.get(shard) ?? null,
      end: this.#ends.get(shard) ?? null,
      dueAt: 0,
    };
  }

  #ask(readings: ReadonlyMap<string, Reading>, underWay: Map<string, Promise<Answered>>): void {
    const now = performance.now();
    for (const [shard, reading] of readings) {
      if (underWay.size >= answersAtOnce) return;
      if (!underWay.has(shard) && reading.dueAt <= now) underWay.set(shard, this.#read(reading));
    }
  }

  /** The next answer; null when it is time to ask again before one came. */
  async #first(
    readings: ReadonlyMap<string, Reading>,
    underWay: ReadonlyMap<string, Promise<Answered>>,
  ): Promise<Answered | null> {
    const resting = [...readings].filter(([shard]) => !underWay.has(shard)).map(([, { dueAt }]) => dueAt);
    const answers = [...underWay.values()];
    if (underWay.size >= answersAtOnce || resting.length === 0) return Promise.race(answers);
    const woken = new AbortController();
    const nap = sleep(Math.max(0, Math.min(...resting) - performance.now()), null, {
      signal: AbortSignal.any([this.#signal, woken.signal]),
    });
    try {
      return await Promise.race([...answers, nap]);
    } finally {
      woken.abort();
      await nap.catch(() => null);
    }
  }

  async #read(reading: Reading): Promise<Answered> {
    const answer = await reading.reader.next(recordsEach);
    const frozen =
      reading.end === null ? { messages: answer.messages, reached: false } : await reading.end.cut(answer);
    const cut = cutAt(frozen.messages, reading.bound);
    return {
      reading,
      messages: cut.messages,
      done: cut.reached || frozen.reached || answer.ended,
      closed: answer.ended && !cut.reached,
    };
  }

  /** A shard was read to its end: something came of it. */
  async #findChildren(shard: string): Promise<void> {
    const deadline = performance.now() + this.#session.environment.timeoutMs;
    for (;;) {
      const shards = await shardsOf(this.#session, this.#plan.stream, this.#signal);
      this.#lineage.add(shards);
      if (shards.some(({ parents }) => parents.includes(shard)) || performance.now() > deadline) return;
      await sleep(childrenPauseMs, undefined, { signal: this.#signal });
    }
  }
}

async function inParts<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  for (let index = 0; index < items.length; index += answersAtOnce)
    await Promise.all(items.slice(index, index + answersAtOnce).map(work));
}
