/** Reads one shard from a place on, at the pace that AWS allows. */
import { GetRecordsCommand, GetShardIteratorCommand } from '@aws-sdk/client-kinesis';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Message } from '../../message/message.ts';
import { awsErrorNames, isThrottled } from '../aws/failures.ts';
import { iteratorInput } from './place.ts';
import type { Place } from './place.ts';
import type { ReadPace } from './read-pace.ts';
import type { Session } from './session.ts';
import { streamInput } from './streams.ts';

export interface ShardAnswer {
  readonly messages: readonly Message[];
  /** Milliseconds from the last of these, or from where it stands, to the newest record; 0: nothing is behind it. */
  readonly behindMs: number;
  /** The shard is closed and read to its end. */
  readonly ended: boolean;
}

/** An iterator lives five minutes: one that is nearly as old is made anew. */
const iteratorMs = 4 * 60_000;
const firstPauseMs = 250;
const longestPauseMs = 4_000;
/** Throttled for so long without one answer, it is told. A large answer is paid for by five seconds of none. */
const throttledMs = 60_000;

export interface ShardOf {
  readonly session: Session;
  readonly pace: ReadPace;
  readonly stream: string;
  readonly shard: string;
}

export class ShardReader {
  readonly #of: ShardOf;
  readonly #signal: AbortSignal;
  /** Where the next answer begins, should the iterator be too old. */
  #place: Exclude<Place, { kind: 'done' }>;
  #iterator: string | null = null;
  #iteratorAt = 0;

  constructor(of: ShardOf, place: Exclude<Place, { kind: 'done' }>, signal: AbortSignal) {
    this.#of = of;
    this.#place = place;
    this.#signal = signal;
  }

  get shard(): string {
    return this.#of.shard;
  }

  /** Takes hold of its place: what comes after it now will be read. Throws `FailedError` for a place that is not there. */
  async hold(): Promise<void> {
    const { session, stream, shard } = this.#of;
    const now = Date.now();
    const { ShardIterator } = await session.ask(
      (client, options) =>
        client.send(
          new GetShardIteratorCommand({
            ...streamInput(stream),
            ShardId: shard,
            ...iteratorInput(this.#place),
          }),
          options,
        ),
      this.#signal,
      stream,
    );
    this.#iterator = ShardIterator ?? null;
    this.#iteratorAt = performance.now();
    // An end that was held is this moment, should the iterator die before it is read.
    if (this.#place.kind === 'end') this.#place = { kind: 'time', at: now };
  }

  /** The next answer, of at most `limit` records; there may be none in it although more is behind. */
  async next(limit: number): Promise<ShardAnswer> {
    const { session, pace, stream, shard } = this.#of;
    const since = performance.now();
    let pauseMs = firstPauseMs;
    for (;;) {
      if (this.#iterator === null || performance.now() - this.#iteratorAt > iteratorMs) await this.hold();
      const iterator = this.#iterator;
      if (iterator === null) return { messages: [], behindMs: 0, ended: true };
      await pace.turn(stream, shard, this.#signal);
      try {
        const answer = await session.once(
          (client, options) =>
            client.send(new GetRecordsCommand({ ShardIterator: iterator, Limit: limit }), options),
          this.#signal,
        );
        const messages = (answer.Records ?? []).map((record) => messageFrom(record, stream, shard));
        const last = messages.at(-1)?.offset;
        if (last !== undefined && last !== null) this.#place = { kind: 'after', sequence: last };
        this.#iterator = answer.NextShardIterator ?? null;
        this.#iteratorAt = performance.now();
        const ended = this.#iterator === null;
        return { messages, behindMs: answer.MillisBehindLatest ?? 0, ended };
      } catch (error) {
        if (awsErrorNames(error).includes('ExpiredIteratorException')) {
          this.#iterator = null;
          continue;
        }
        if (!isThrottled(error) || performance.now() - since > throttledMs)
          throw session.failure(error, stream);
        session.environment.log(`kinesis ${stream} ${shard}: throttled, waiting`);
        await sleep(pauseMs * (0.5 + Math.random() / 2), undefined, { signal: this.#signal });
        pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      }
    }
  }
}

interface AnsweredRecord {
  readonly SequenceNumber?: string | undefined;
  readonly PartitionKey?: string | undefined;
  readonly Data?: Uint8Array | undefined;
  readonly ApproximateArrivalTimestamp?: Date | undefined;
}

const encoder = new TextEncoder();

function messageFrom(record: AnsweredRecord, channel: string, partition: string): Message {
  const { SequenceNumber, PartitionKey, Data, ApproximateArrivalTimestamp } = record;
  return {
    channel,
    partition,
    offset: SequenceNumber ?? null,
    id: null,
    key: PartitionKey === undefined ? null : encoder.encode(PartitionKey),
    value: Data ?? new Uint8Array(),
    headers: [],
    properties: {},
    timestamp: ApproximateArrivalTimestamp?.getTime() ?? null,
    timestampType: ApproximateArrivalTimestamp === undefined ? null : 'append',
    delivery: { count: null, redelivered: null },
    deadLetter: null,
  };
}
