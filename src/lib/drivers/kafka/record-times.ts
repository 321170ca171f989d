import { MqctlError } from '../../errors.ts';
import { chunks, eachInFlight } from './in-flight.ts';
import { placeKey } from './partition-bounds.ts';
import type { PartitionPlace } from './partition-bounds.ts';
import { loadCodec } from './protocol/compression.ts';
import { errorName } from './protocol/error-codes.ts';
import { fetchMany } from './protocol/fetch.ts';
import type { FetchedPartition } from './protocol/fetch.ts';
import { MalformedError } from './protocol/primitives.ts';
import { recordBatches } from './protocol/record-batch.ts';
import type { RecordBatch } from './protocol/record-batch.ts';
import { decodeRecords } from './protocol/record-decoder.ts';
import type { Session } from './session.ts';

export interface RecordTime {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Who set it: the producer, or the broker when it appended (`message.timestamp.type`). */
  readonly clock: 'create' | 'append';
  /** Its batch belongs to a transaction: offsets here are more than records. */
  readonly transactional: boolean;
}

export interface RecordTimes {
  /** By `recordKey`. */
  readonly times: ReadonlyMap<string, RecordTime | null>;
  /** By `placeKey`. */
  readonly problems: ReadonlyMap<string, string>;
}

export interface RecordPlace extends PartitionPlace {
  readonly offset: bigint;
}

interface Asked {
  readonly key: string;
  readonly place: RecordPlace;
  /** Where to fetch now: moves on over batches that hold nothing for readers. */
  readonly from: number;
  /** Bytes to ask for. A broker sends whole batches only: one that is larger comes back as nothing. */
  readonly bytes: number;
}

/** Nearly all batches of slow topics fit the first; the largest that brokers take by default the third. */
const firstBytes = 4 * 1024;
const growth = 16;
/** Of all partitions in one answer. */
const answerBytes = 8 * 1024 * 1024;
/** Batches without a record for readers are passed over this often. */
const rounds = 12;

/** For the answer of `recordTimes`. */
export function recordKey({ topic, partition, offset }: RecordPlace): string {
  return `${placeKey({ topic, partition })}@${String(offset)}`;
}

/**
 * The time of the first record at or after an offset, for many partitions: small fetches, many partitions in each, by
 * leader. What cannot be read (no leader, no answer, not allowed, gone) is null, and in `problems` by its place, with the reason.
 * Reads what transactions have not committed too: it asks for times, not for messages.
 */
export async function recordTimes(
  session: Session,
  places: readonly RecordPlace[],
  leaders: ReadonlyMap<string, number>,
  signal: AbortSignal,
): Promise<RecordTimes> {
  const times = new Map<string, RecordTime | null>();
  const problems = new Map<string, string>();
  let waiting = new Map(
    places.map((place) => {
      const key = recordKey(place);
      return [key, { key, place, from: Number(place.offset), bytes: firstBytes }] as const;
    }),
  );
  for (let round = 0; round < rounds && waiting.size > 0; round++) {
    const again = new Map<string, Asked>();
    await eachInFlight(requests([...waiting.values()], leaders), async ({ leader, asked }) => {
      const fetched = await fetchAll(session, leader, asked, signal);
      for (const each of asked) {
        const key = placeKey(each.place);
        if (typeof fetched === 'string') {
          problems.set(key, fetched);
          continue;
        }
        const partition = fetched.get(key);
        if (partition !== undefined && partition.errorCode !== 0)
          problems.set(key, errorName(partition.errorCode));
        const found = partition === undefined ? null : await firstRecord(each, partition);
        if (found !== null && 'from' in found) again.set(each.key, found);
        else times.set(each.key, found);
      }
    });
    waiting = again;
  }
  for (const key of waiting.keys()) times.set(key, null);
  return { times, problems };
}

/** Each request names a partition once, and no more partitions than its answer has room for. */
function requests(
  waiting: readonly Asked[],
  leaders: ReadonlyMap<string, number>,
): { leader: number; asked: Asked[] }[] {
  const parts: { leader: number; asked: Asked[] }[] = [];
  for (const [leader, ofLeader] of Map.groupBy(waiting, ({ place }) => leaders.get(placeKey(place)) ?? -1)) {
    if (leader < 0) continue;
    // Groups that stand at different offsets of one partition: the second of them goes into a second request.
    const turns: Asked[][] = [];
    for (const samePlace of Map.groupBy(ofLeader, ({ place }) => placeKey(place)).values())
      for (const [turn, asked] of samePlace.entries()) (turns[turn] ??= []).push(asked);
    for (const turn of turns) {
      for (const [bytes, sameSize] of Map.groupBy(turn, (asked) => asked.bytes)) {
        const size = Math.max(1, Math.floor(answerBytes / bytes));
        for (const asked of chunks(sameSize, size)) parts.push({ leader, asked });
      }
    }
  }
  return parts;
}

/** What came, by partition; a text says why nothing did: the times are then unknown. */
async function fetchAll(
  session: Session,
  leader: number,
  asked: readonly Asked[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, FetchedPartition> | string> {
  const topics = [...Map.groupBy(asked, ({ place }) => place.topic)].map(([topic, partitions]) => ({
    topic,
    partitions: partitions.map(({ place, from, bytes }) => ({
      partition: place.partition,
      offset: from,
      maxBytes: bytes,
    })),
  }));
  try {
    const request = { topics, maxWaitMs: 0, maxBytes: answerBytes, readCommitted: false };
    const { partitions } = await session.send(leader, fetchMany, request, { signal });
    return new Map(partitions.map((partition) => [placeKey(partition), partition]));
  } catch (error) {
    if (!(error instanceof MqctlError)) throw error;
    return error.message;
  }
}

/** The time of the first record, where to ask next, or null where there is nothing to be known. */
async function firstRecord(asked: Asked, fetched: FetchedPartition): Promise<RecordTime | Asked | null> {
  if (fetched.errorCode !== 0 || asked.from >= fetched.highWatermark) return null;
  let next = asked.from;
  try {
    for (const batch of recordBatches(fetched.records)) {
      const at = batch.control ? null : await recordTime(batch, asked.from);
      if (at !== null) {
        return { at, clock: batch.appendTime ? 'append' : 'create', transactional: batch.transactional };
      }
      next = Math.max(next, batch.lastOffset + 1);
    }
  } catch (error) {
    if (error instanceof MalformedError) return null;
    throw error;
  }
  if (next > asked.from) return { ...asked, from: next };
  // Asked for alone, even the largest batch comes whole.
  return asked.bytes >= answerBytes ? null : { ...asked, bytes: Math.min(asked.bytes * growth, answerBytes) };
}

/** Of the first record at or after `from`; null where the batch has none, or its producer set no time. */
async function recordTime(batch: RecordBatch, from: number): Promise<number | null> {
  if (batch.lastOffset < from || batch.recordCount === 0) return null;
  const codec = await loadCodec(batch.compression);
  const records = codec === null ? batch.records : codec.decompress(batch.records);
  const [first] = decodeRecords(records, batch, from, Infinity, (_, timestamp) => timestamp);
  if (first === undefined || first < 0) return null;
  return batch.appendTime ? batch.maxTimestamp : first;
}
