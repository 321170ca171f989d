import { setTimeout as sleep } from 'node:timers/promises';
import { FailedError, UnsupportedError } from '../../errors.ts';
import type { Positions } from '../../message/position.ts';
import { ExclusiveLock } from '../../store/exclusive-lock.ts';
import type { Claim, Claiming, ClaimRequest } from '../driver.ts';
import { KinesisClaiming } from './claiming.ts';
import { holderFrom } from './group-store.ts';
import type { GroupStore } from './group-store.ts';
import type { Place } from './place.ts';
import { placesFor } from './positions.ts';
import type { ReadPace } from './read-pace.ts';
import type { Session } from './session.ts';
import { StreamReader } from './stream-reader.ts';
import { shardsOf } from './streams.ts';
import type { Shard } from './streams.ts';

/** How often one that follows asks whether the group is free. */
const lockPauseMs = 500;
/** This machine's clock may be ahead of AWS': rather twice than never. */
const clockGraceMs = 2_000;

const fromStart: Positions = { every: { kind: 'start', shift: 0n } };

/** Takes for a group whose place is kept on this machine. One process at a time reads for it; another that follows waits. */
export class KinesisClaim implements Claim {
  readonly #session: Session;
  readonly #pace: ReadPace;
  readonly #store: GroupStore;

  constructor(session: Session, pace: ReadPace, store: GroupStore) {
    this.#session = session;
    this.#pace = pace;
    this.#store = store;
  }

  async open(request: ClaimRequest, signal: AbortSignal): Promise<Claiming> {
    const { channel: stream, group } = request;
    if (group === null)
      throw new UnsupportedError(`a stream keeps what was read: nothing is taken from "${stream}" itself`, {
        hint: 'a group keeps its place: --group NAME',
      });
    const shards = await shardsOf(this.#session, stream, signal);
    const lock = await this.#store.lock(group, stream);
    if (lock instanceof ExclusiveLock) {
      try {
        const { reader, places } = await this.#begin(request, group, shards, signal);
        return new KinesisClaiming({
          store: this.#store,
          group,
          stream,
          window: request.window,
          places,
          batches: reader.batches(),
          lock,
        });
      } catch (error) {
        lock.release();
        throw error;
      }
    }
    if (!request.follow) throw heldError(group, stream, lock.heldBy);
    return this.#standBy(request, group, signal);
  }

  /** Waits until the group is free, then takes over: as a member of a group that has more members than partitions. */
  #standBy(request: ClaimRequest, group: string, signal: AbortSignal): Claiming {
    const { channel: stream, window } = request;
    const standing = new AbortController();
    const waiting = AbortSignal.any([signal, standing.signal]);
    const { promise, resolve } = Promise.withResolvers<ExclusiveLock>();
    const store = this.#store;
    const begin = (): Promise<Begun> => this.#takeOver(request, group, waiting, resolve);
    const places = new Map<string, Place>();
    async function* batches() {
      const begun = await begin();
      for (const [shard, place] of begun.places) places.set(shard, place);
      yield* begun.reader.batches();
    }
    const lock = {
      release: () => {
        standing.abort();
        void promise.then((held) => held.release());
      },
    };
    return new KinesisClaiming({ store, group, stream, window, places, batches: batches(), lock });
  }

  async #takeOver(
    request: ClaimRequest,
    group: string,
    signal: AbortSignal,
    onLock: (lock: ExclusiveLock) => void,
  ): Promise<Begun> {
    for (;;) {
      await sleep(lockPauseMs, undefined, { signal });
      const lock = await this.#store.lock(group, request.channel);
      if (!(lock instanceof ExclusiveLock)) continue;
      onLock(lock);
      const shards = await shardsOf(this.#session, request.channel, signal);
      return this.#begin(request, group, shards, signal);
    }
  }

  async #begin(
    { channel: stream, from, follow }: ClaimRequest,
    group: string,
    shards: readonly Shard[],
    signal: AbortSignal,
  ): Promise<Begun> {
    const kept = await this.#store.find(group, stream);
    const begin = Date.now();
    const places =
      kept === null ? await this.#firstPlaces(from ?? fromStart, shards, stream) : keptPlaces(kept, shards);
    const plan = { stream, shards, places, bounds: new Map(), children: true, follow };
    const reader = await StreamReader.open(this.#session, this.#pace, plan, signal);
    // An end that was held is a moment: whoever goes on from it later finds it there.
    const lasting = new Map(
      [...places].map(([shard, place]): [string, Place] => [
        shard,
        place.kind === 'end' ? { kind: 'time', at: begin - clockGraceMs } : place,
      ]),
    );
    await this.#store.keep({ group, stream, places: lasting });
    return { reader, places: lasting };
  }

  /** Of a group that stands nowhere yet: every shard has a place from here on. */
  async #firstPlaces(
    from: Positions,
    shards: readonly Shard[],
    stream: string,
  ): Promise<ReadonlyMap<string, Place>> {
    const ofGroup = async (group: string) => this.#store.places(group, stream);
    const places = await placesFor(from, shards, null, stream, ofGroup);
    // Closed before the end, or of other shards than the one whose sequence number was said: what came of them is read.
    const passed: Place = { kind: 'done' };
    const starts: Place = { kind: 'start' };
    const left = 'byPartition' in from ? starts : passed;
    const known = new Set(places.keys());
    const descends = ({ parents }: Shard): boolean =>
      parents.some((parent) => known.has(parent)) ||
      shards.some((one) => parents.includes(one.shard) && descends(one));
    return new Map(
      shards.flatMap((shard): [string, Place][] => {
        const place = places.get(shard.shard);
        if (place !== undefined) return [[shard.shard, place]];
        return descends(shard) ? [] : [[shard.shard, left]];
      }),
    );
  }
}

interface Begun {
  readonly reader: StreamReader;
  readonly places: ReadonlyMap<string, Place>;
}

/** Those of shards that are still there. One that is new and came of none that is known is read from its start. */
function keptPlaces(kept: ReadonlyMap<string, Place>, shards: readonly Shard[]): ReadonlyMap<string, Place> {
  const there = new Set(shards.map(({ shard }) => shard));
  const start: Place = { kind: 'start' };
  return new Map(
    shards.flatMap(({ shard, parents }): [string, Place][] => {
      const place = kept.get(shard);
      if (place !== undefined) return [[shard, place]];
      return parents.some((parent) => there.has(parent)) ? [] : [[shard, start]];
    }),
  );
}

function heldError(group: string, stream: string, note: string): FailedError {
  const { pid, host } = holderFrom(note);
  return new FailedError(
    `process ${pid}${host === null ? '' : ` on ${host}`} reads "${stream}" for the group "${group}" already`,
    { code: 'ACTIVE', hint: 'stop it first; with --follow and --join this one waits until it is gone' },
  );
}
