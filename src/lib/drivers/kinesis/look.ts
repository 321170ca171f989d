import { UsageError } from '../../errors.ts';
import type { Message } from '../../message/message.ts';
import type { Position, Positions } from '../../message/position.ts';
import type { Appraisal, Look, Looking, LookReport, LookRequest } from '../driver.ts';
import type { GroupStore } from './group-store.ts';
import { boundsFor, placesFor } from './positions.ts';
import type { ReadPace } from './read-pace.ts';
import type { Session } from './session.ts';
import { StreamReader } from './stream-reader.ts';
import { shardsOf, streamNamed } from './streams.ts';

/** Reads by shard iterators, which nobody else sees: it costs nothing but a share of each shard's five reads a second. */
export class KinesisLook implements Look {
  readonly #session: Session;
  readonly #pace: ReadPace;
  readonly #store: GroupStore;

  constructor(session: Session, pace: ReadPace, store: GroupStore) {
    this.#session = session;
    this.#pace = pace;
    this.#store = store;
  }

  async appraise(channel: string, signal: AbortSignal): Promise<Appraisal> {
    const { consumers } = await streamNamed(this.#session, channel, signal);
    return {
      cost: 'free',
      waiting: null,
      consumers,
      deadLetterChannel: false,
      deliveryLimit: null,
      longestHoldMs: null,
    };
  }

  async open(request: LookRequest, signal: AbortSignal): Promise<Looking> {
    const { channel, partitions, from, until, follow } = request;
    if (follow && until !== null)
      throw new UsageError('following has no end', { hint: 'leave out --follow or --until' });
    const shards = await shardsOf(this.#session, channel, signal);
    const ofGroup = async (group: string) => this.#store.places(group, channel);
    const [begin, later] = splitFuture(from);
    const places = await placesFor(begin, shards, partitions, channel, ofGroup);
    const bounds = until === null ? new Map() : await boundsFor(until, shards, partitions, channel, ofGroup);
    const plan = { stream: channel, shards, places, bounds, children: partitions === null, follow };
    const reader = await StreamReader.open(this.#session, this.#pace, plan, signal);
    let looked = 0;
    const limit = request.limit ?? Infinity;
    async function* batches(): AsyncGenerator<readonly Message[]> {
      if (limit <= 0) return;
      for await (const batch of reader.batches()) {
        const due = later === null ? batch : batch.filter(({ timestamp }) => (timestamp ?? 0) >= later);
        const taken = looked + due.length > limit ? due.slice(0, limit - looked) : due;
        looked += taken.length;
        if (taken.length > 0) yield taken;
        if (looked >= limit) return;
      }
    }
    return {
      batches: batches(),
      expected: null,
      report: (): LookReport => ({ looked, hiddenMs: null, deliveryCount: null }),
    };
  }
}

/** A time that is not there yet, which AWS refuses: from the end, without what arrives before it. */
function splitFuture(from: Positions): [begin: Positions, later: number | null] {
  if (!('every' in from) || from.every.kind !== 'time' || from.every.time <= Date.now()) return [from, null];
  const end: Position = { kind: 'end', shift: 0n };
  return [{ every: end }, from.every.time];
}
