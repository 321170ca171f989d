/** Puts records by PutRecords, and again only those entries that AWS said it did not take. */
import { PutRecordsCommand, type PutRecordsResultEntry } from '@aws-sdk/client-kinesis';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorText } from '../../errors.ts';
import type { OutgoingMessage } from '../../message/message.ts';
import { isThrottled, wasNotSent, wasRefused } from '../aws/failures.ts';
import type { Outcome, Publisher } from '../driver.ts';
import { entryOf } from './entry.ts';
import type { Entry } from './entry.ts';
import type { Session } from './session.ts';
import { shardsOf, streamInput } from './streams.ts';
import type { Shard } from './streams.ts';

/** Limits of one request. A record that the stream allows beyond that goes alone. */
const requestEntries = 500;
const requestBytes = 5 * 1_024 * 1_024;
/** So far ahead it looks for entries of other keys. */
const lookAhead = 4_000;

const firstPauseMs = 100;
const longestPauseMs = 2_000;
/** An entry that was refused so often is given back as rejected: it may be tried again. */
const mostAttempts = 15;

/** What AWS says of an entry that it may take later. */
const takenLater = new Set([
  'ProvisionedThroughputExceededException',
  'InternalFailure',
  'KMSThrottlingException',
  'ServiceUnavailable',
]);

interface Waiting {
  readonly entry: Entry;
  readonly call: Call;
  readonly done: (outcome: Outcome) => void;
  attempts: number;
}

/** One call of `send`: it fails as a whole only while nothing of it was sent. */
interface Call {
  sent: boolean;
  readonly fail: (error: unknown) => void;
}

/**
 * Records of one key keep their order: AWS promises none within a request, and puts again what it refused behind what it
 * took. So a request holds each key once, and the next one of that key waits for its answer. Records whose key was made up
 * have no order to keep.
 */
export class KinesisPublisher implements Publisher {
  readonly #session: Session;
  readonly #stream: string;
  readonly #recordBytes: number;
  readonly #signal: AbortSignal;
  #waiting: Waiting[] = [];
  #working: Promise<void> | null = null;
  #shards: Promise<readonly Shard[]> | null = null;
  #blocked: string | null = null;

  constructor(session: Session, stream: string, recordBytes: number, signal: AbortSignal) {
    this.#session = session;
    this.#stream = stream;
    this.#recordBytes = recordBytes;
    this.#signal = signal;
  }

  get blocked(): string | null {
    return this.#blocked;
  }

  async send(messages: readonly OutgoingMessage[]): Promise<readonly Outcome[]> {
    this.#signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const call: Call = { sent: false, fail: reject };
      const outcomes = messages.map((message): Promise<Outcome> => {
        const entry = entryOf(message, this.#recordBytes);
        if ('refusal' in entry) return Promise.resolve(rejected(entry.refusal, false));
        return new Promise((done) => this.#waiting.push({ entry, call, done, attempts: 0 }));
      });
      Promise.all(outcomes).then(resolve, reject);
      this.#work();
    });
  }

  async commit(): Promise<void> {
    await Promise.resolve();
  }

  async abort(): Promise<void> {
    await Promise.resolve();
  }

  async close(): Promise<void> {
    await this.#working;
  }

  #work(): void {
    this.#working ??= this.#putAll().finally(() => {
      this.#working = null;
      if (this.#waiting.length > 0) this.#work();
    });
  }

  async #putAll(): Promise<void> {
    let pauseMs = firstPauseMs;
    while (this.#waiting.length > 0) {
      const batch = this.#nextBatch();
      try {
        const again = await this.#put(batch);
        if (again.length === 0) {
          this.#blocked = null;
          pauseMs = firstPauseMs;
          continue;
        }
        // Before what waits already: the order of a key.
        this.#waiting = [...again, ...this.#waiting];
        await sleep(pauseMs * (0.5 + Math.random() / 2), undefined, { signal: this.#signal });
        pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      } catch (error) {
        this.#giveUp(error);
      }
    }
  }

  /** The first ones, each key once, within the limits. */
  #nextBatch(): Waiting[] {
    const batch: Waiting[] = [];
    const keys = new Set<string>();
    const left: Waiting[] = [];
    let bytes = 0;
    let full = false;
    for (const [index, item] of this.#waiting.entries()) {
      if (full || index >= lookAhead) {
        left.push(...this.#waiting.slice(index));
        break;
      }
      const { key, keyGiven } = item.entry;
      if (keyGiven && keys.has(key)) left.push(item);
      else if (batch.length > 0 && bytes + item.entry.bytes > requestBytes) {
        full = true;
        left.push(item);
      } else {
        if (keyGiven) keys.add(key);
        bytes += item.entry.bytes;
        batch.push(item);
        full = batch.length === requestEntries;
      }
    }
    this.#waiting = left;
    return batch;
  }

  /** What has to be put again. Throws where AWS refused the whole request, or it never left. */
  async #put(batch: readonly Waiting[]): Promise<readonly Waiting[]> {
    const records: {
      readonly item: Waiting;
      readonly record: { PartitionKey: string; Data: Uint8Array; ExplicitHashKey?: string };
    }[] = [];
    for (const item of batch) {
      const hashKey = await this.#hashKeyOf(item.entry).catch((error: unknown) => {
        this.#waiting = [...batch, ...this.#waiting];
        throw error;
      });
      if (typeof hashKey === 'object' && hashKey !== null) item.done(rejected(hashKey.refusal, false));
      else
        records.push({
          item,
          record: {
            PartitionKey: item.entry.key,
            Data: item.entry.data,
            ...(hashKey === null ? {} : { ExplicitHashKey: hashKey }),
          },
        });
    }
    if (records.length === 0) return [];
    const sent = records.map(({ item }) => item);
    let answers: readonly PutRecordsResultEntry[];
    try {
      const answer = await this.#session.once(
        (client, options) =>
          client.send(
            new PutRecordsCommand({
              ...streamInput(this.#stream),
              Records: records.map(({ record }) => record),
            }),
            options,
          ),
        this.#signal,
      );
      answers = answer.Records ?? [];
    } catch (error) {
      if (isThrottled(error)) return this.#again(sent, errorText(error));
      if (wasRefused(error) || wasNotSent(error)) {
        this.#waiting = [...sent, ...this.#waiting];
        throw error;
      }
      // It may have arrived: to put it again could put it twice.
      for (const { call, done } of sent) {
        call.sent = true;
        done({ status: 'unknown', reason: errorText(this.#session.failure(error, this.#stream)) });
      }
      return [];
    }
    return this.#settle(sent, answers);
  }

  #settle(sent: readonly Waiting[], answers: readonly PutRecordsResultEntry[]): readonly Waiting[] {
    const again: Waiting[] = [];
    for (const [index, item] of sent.entries()) {
      const { SequenceNumber, ShardId, ErrorCode, ErrorMessage } = answers[index] ?? {};
      item.call.sent = true;
      if (SequenceNumber !== undefined && ErrorCode === undefined)
        item.done({ status: 'accepted', partition: ShardId ?? null, offset: SequenceNumber, id: null });
      else if (ErrorCode === undefined)
        item.done({ status: 'unknown', reason: 'the answer says nothing of this record' });
      else if (takenLater.has(ErrorCode)) again.push(...this.#again([item], ErrorMessage ?? ErrorCode));
      else item.done(rejected(ErrorMessage ?? ErrorCode, false));
    }
    return again;
  }

  #again(items: readonly Waiting[], words: string): readonly Waiting[] {
    this.#blocked = `a shard takes 1 MiB and 1,000 records a second: ${words}`;
    return items.filter((item) => {
      item.call.sent = true;
      item.attempts += 1;
      if (item.attempts < mostAttempts) return true;
      item.done(rejected(`refused ${String(item.attempts)} times: ${words}`, true));
      return false;
    });
  }

  /** Nothing goes any more: what was not sent says so. */
  #giveUp(error: unknown): void {
    const failure = this.#session.failure(error, this.#stream);
    for (const { call, done } of this.#waiting.splice(0))
      if (call.sent) done(rejected(`not sent: ${errorText(failure)}`, true));
      else call.fail(failure);
  }

  /** The shard that is named is hit by the first hash key of its range. */
  async #hashKeyOf({ hashKey, shard }: Entry): Promise<string | null | { readonly refusal: string }> {
    if (shard === null) return hashKey;
    this.#shards ??= shardsOf(this.#session, this.#stream, this.#signal);
    const found = (await this.#shards).find((one) => one.shard === shard);
    if (found === undefined) return { refusal: `the stream has no shard "${shard}"` };
    if (!found.closed) return String(found.firstHash);
    return { refusal: `the shard "${shard}" is closed: what came of it takes its records now` };
  }
}

function rejected(reason: string, retriable: boolean): Outcome {
  return { status: 'rejected', reason, retriable };
}
