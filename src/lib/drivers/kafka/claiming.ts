import { UnreachableError } from '../../errors.ts';
import type { Message } from '../../message/message.ts';
import type {
  ClaimBatch,
  Claimed,
  Claiming,
  ClaimRequest,
  MessageReference,
  SettleOutcome,
} from '../driver.ts';
import type { Holding } from './holding.ts';
import type { Edges } from './offset-resolver.ts';
import type { TopicMetadata } from './protocol/metadata.ts';
import { CommitRefused } from './resolved-offsets.ts';
import type { OffsetRecord } from './resolved-record.ts';
import { ResolvedSet } from './resolved-set.ts';
import type { Session } from './session.ts';
import { TopicReader } from './topic-reader.ts';

export interface ClaimingOptions {
  readonly session: Session;
  readonly topic: TopicMetadata;
  readonly request: ClaimRequest;
  readonly holding: Holding;
  /** Remembers what is settled. */
  readonly record: OffsetRecord;
  /** As they were at the beginning: without `follow` it ends there. */
  readonly edges: ReadonlyMap<number, Edges>;
  /** Where partitions begin in which nothing was committed. */
  readonly from: ReadonlyMap<number, number>;
  readonly signal: AbortSignal;
}

interface Place {
  readonly partition: number;
  readonly offset: number;
}

interface Held extends Place {
  /** The version of the holding under which it was taken. */
  readonly since: number;
}

/** What was begun is brought to its end, whatever the user pressed. */
const uninterrupted = new AbortController().signal;
const partsOfSelection = 100;
/** Around a single message: a broker sends whole batches anyway. */
const selectionBytes = 64 * 1024;

let lanes = 0;

/** Messages of the partitions that are held, each settled by itself: the commit has a watermark and a set above it. */
export class KafkaClaiming implements Claiming {
  readonly batches: AsyncIterable<ClaimBatch>;
  readonly #options: ClaimingOptions;
  readonly #held = new Map<string, Held>();
  /** Of the partitions that are held, with the version since when. */
  #sets = new Map<number, ResolvedSet>();
  #since = new Map<number, number>();
  #lost: string[] = [];
  #claims = 0;
  #room: PromiseWithResolvers<void> = Promise.withResolvers<void>();
  #committing: Promise<unknown> = Promise.resolve();
  #closed = false;
  readonly #lane = `select-${String((lanes += 1))}`;
  readonly #stop = new AbortController();

  constructor(options: ClaimingOptions) {
    this.#options = options;
    this.batches = options.request.select === null ? this.#all() : this.#selected(options.request.select);
  }

  async settle(claims: readonly string[]): Promise<readonly SettleOutcome[]> {
    const settled = new Set<number>();
    const outcomes = claims.map((claim): SettleOutcome => {
      const held = this.#held.get(claim);
      if (held === undefined || this.#options.holding.partitions.get(held.partition) !== held.since)
        return 'lost';
      settled.add(held.partition);
      return 'settled';
    });
    claims.forEach((claim, index) => {
      const held = this.#held.get(claim);
      this.#held.delete(claim);
      if (held !== undefined && outcomes[index] === 'settled')
        this.#sets.get(held.partition)?.add(held.offset);
    });
    this.#makeRoom();
    const sets = new Map([...this.#sets].filter(([partition]) => settled.has(partition)));
    const instead = await this.#commit(sets);
    return instead === null
      ? outcomes
      : outcomes.map((outcome) => (outcome === 'settled' ? instead : outcome));
  }

  /** Nobody else has seen them: what is not settled comes again to whoever claims next. */
  async release(claims: readonly string[]): Promise<void> {
    for (const claim of claims) this.#held.delete(claim);
    this.#makeRoom();
  }

  /** Held as long as the membership lasts. */
  async extend(): Promise<void> {
    await Promise.resolve();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#stop.abort();
    this.#held.clear();
    this.#makeRoom();
    await this.#committing;
    await this.#options.record.close();
    this.#options.session.closeLane(this.#lane);
    await this.#options.holding.leave();
  }

  /** Null when it is done; else what is true instead. Commits go out one after the other, so that a later one says more. */
  async #commit(sets: ReadonlyMap<number, ResolvedSet>): Promise<SettleOutcome | null> {
    const { record, holding } = this.#options;
    const work = this.#committing.then(async (): Promise<SettleOutcome | null> => {
      try {
        await record.write(sets, holding.membership, uninterrupted);
        return null;
      } catch (thrown) {
        if (thrown instanceof CommitRefused) return 'lost';
        if (thrown instanceof UnreachableError) return 'unknown';
        throw thrown;
      }
    });
    this.#committing = work.catch(() => undefined);
    return work;
  }

  async *#all(): AsyncGenerator<ClaimBatch> {
    const { holding, request, signal } = this.#options;
    for (;;) {
      const version = holding.version;
      const moved = new AbortController();
      void holding.changed().then(() => {
        moved.abort();
      });
      const both = AbortSignal.any([signal, this.#stop.signal, moved.signal]);
      try {
        yield* this.#takeOver(both);
        yield* this.#read(both);
        if (!request.follow && holding.version === version) return;
        if (holding.version === version) await abortion(both);
      } catch (thrown) {
        if (this.#stop.signal.aborted) return;
        if (!moved.signal.aborted) throw thrown;
      }
      if (this.#stop.signal.aborted) return;
      signal.throwIfAborted();
      holding.check();
    }
  }

  /** After a change: what is no longer ours is lost; what is newly ours goes on from the group's commit. */
  async *#takeOver(signal: AbortSignal): AsyncGenerator<ClaimBatch> {
    const { holding, record, from, edges } = this.#options;
    for (const [claim, { partition, since }] of this.#held) {
      if (holding.partitions.get(partition) === since) continue;
      this.#held.delete(claim);
      this.#lost.push(claim);
    }
    if (this.#lost.length > 0) {
      const claims = this.#lost;
      this.#lost = [];
      this.#makeRoom();
      yield { kind: 'lost', claims, reason: 'another member has the partition now' };
    }
    const kept = await record.read(signal);
    const sets = new Map<number, ResolvedSet>();
    const held = new Map(holding.partitions);
    for (const [partition, since] of held) {
      const start = edges.get(partition)?.start ?? 0;
      const own = this.#since.get(partition) === since ? this.#sets.get(partition) : undefined;
      const known = own ?? kept.get(partition) ?? new ResolvedSet(from.get(partition) ?? start);
      // What retention has taken needs no remembering.
      known.addRange(known.watermark, start - 1);
      sets.set(partition, known);
    }
    this.#sets = sets;
    this.#since = held;
  }

  async *#read(signal: AbortSignal): AsyncGenerator<ClaimBatch> {
    const { session, topic, request, edges } = this.#options;
    const held = new Set([...this.#held.values()].map(({ partition, offset }) => place(partition, offset)));
    const ranges = new Map(
      [...this.#sets].map(([partition, set]) => {
        const until = request.follow ? Infinity : (edges.get(partition)?.end ?? 0);
        return [partition, { from: set.watermark, until }] as const;
      }),
    );
    const expected = new Map([...ranges].map(([partition, { from }]) => [partition, from]));
    const reader = new TopicReader(session, { topic: topic.topic, ranges, committedOnly: true }, signal);
    for await (const messages of reader.batches()) {
      const wanted: { message: Message; at: Place }[] = [];
      for (const message of messages) {
        const at = placeOf(message);
        const set = this.#sets.get(at.partition);
        if (set === undefined) continue;
        // Offsets between two records are markers, aborted or compacted: nothing of them will ever be settled.
        set.addRange(expected.get(at.partition) ?? at.offset, at.offset - 1);
        expected.set(at.partition, at.offset + 1);
        if (!set.has(at.offset) && !held.has(place(at.partition, at.offset))) wanted.push({ message, at });
      }
      while (wanted.length > 0) {
        const room = await this.#roomFor(signal);
        yield {
          kind: 'claimed',
          items: wanted.splice(0, room).map(({ message, at }) => this.#claim(message, at)),
        };
      }
    }
  }

  /** Single messages, in the order asked for. */
  async *#selected(select: AsyncIterable<MessageReference>): AsyncGenerator<ClaimBatch> {
    const { signal } = this.#options;
    const both = AbortSignal.any([signal, this.#stop.signal]);
    yield* this.#takeOver(both);
    let part: MessageReference[] = [];
    for await (const reference of select) {
      part.push(reference);
      if (part.length < Math.min(partsOfSelection, this.#options.request.window)) continue;
      yield* this.#fetchSelected(part, both);
      part = [];
    }
    if (part.length > 0) yield* this.#fetchSelected(part, both);
  }

  async *#fetchSelected(
    references: readonly MessageReference[],
    signal: AbortSignal,
  ): AsyncGenerator<ClaimBatch> {
    const found = await this.#find(references, signal);
    const missing = references.filter((reference) => !found.has(reference));
    if (missing.length > 0) yield { kind: 'missing', references: missing };
    const wanted = references.flatMap((reference) => found.get(reference) ?? []);
    while (wanted.length > 0) {
      const room = await this.#roomFor(signal);
      yield {
        kind: 'claimed',
        items: wanted.splice(0, room).map((message) => this.#claim(message, placeOf(message))),
      };
    }
  }

  /** Neighbours are read in one go. Bounded by the number of references. */
  async #find(
    references: readonly MessageReference[],
    signal: AbortSignal,
  ): Promise<Map<MessageReference, Message>> {
    const { session, topic, edges } = this.#options;
    const wanted = new Map<string, MessageReference>();
    const places: Place[] = [];
    for (const reference of references) {
      const at = {
        partition: Number(reference.partition ?? Number.NaN),
        offset: Number(reference.offset ?? Number.NaN),
      };
      const set = this.#sets.get(at.partition);
      const end = edges.get(at.partition)?.end ?? 0;
      if (set === undefined || !Number.isSafeInteger(at.offset) || set.has(at.offset) || at.offset >= end)
        continue;
      wanted.set(place(at.partition, at.offset), reference);
      places.push(at);
    }
    const found = new Map<MessageReference, Message>();
    for (const run of neighbours(places)) {
      const ranges = new Map([[run.partition, { from: run.first, until: run.last + 1 }]]);
      const range = { topic: topic.topic, ranges, committedOnly: true, partitionBytes: selectionBytes };
      const reader = new TopicReader(session, range, signal, this.#lane);
      for await (const messages of reader.batches()) {
        for (const message of messages) {
          const at = placeOf(message);
          const reference = wanted.get(place(at.partition, at.offset));
          if (reference !== undefined) found.set(reference, message);
        }
      }
    }
    return found;
  }

  #claim(message: Message, at: Place): Claimed {
    this.#claims += 1;
    const claim = `${place(at.partition, at.offset)}#${String(this.#claims)}`;
    this.#held.set(claim, { ...at, since: this.#since.get(at.partition) ?? -1 });
    return { claim, message };
  }

  /** How many more may be held now: waits until there is one. */
  async #roomFor(signal: AbortSignal): Promise<number> {
    for (;;) {
      signal.throwIfAborted();
      const room = this.#options.request.window - this.#held.size;
      if (room > 0) return room;
      await Promise.race([this.#room.promise, abortion(signal)]);
    }
  }

  #makeRoom(): void {
    this.#room.resolve();
    this.#room = Promise.withResolvers<void>();
  }
}

function placeOf(message: Message): Place {
  return { partition: Number(message.partition), offset: Number(message.offset) };
}

function place(partition: number, offset: number): string {
  return `${String(partition)}:${String(offset)}`;
}

/** Offsets that are close together, as runs. */
function neighbours(places: readonly Place[]): { partition: number; first: number; last: number }[] {
  const close = 1_000;
  const runs: { partition: number; first: number; last: number }[] = [];
  const sorted = places.toSorted(
    (one, other) => one.partition - other.partition || one.offset - other.offset,
  );
  for (const { partition, offset } of sorted) {
    const run = runs.at(-1);
    if (run !== undefined && run.partition === partition && offset - run.last <= close) run.last = offset;
    else runs.push({ partition, first: offset, last: offset });
  }
  return runs;
}

/** Resolves when the signal aborts. */
async function abortion(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener(
    'abort',
    () => {
      resolve();
    },
    { once: true },
  );
  await promise;
}
