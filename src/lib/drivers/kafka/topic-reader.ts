import { setTimeout as sleep } from 'node:timers/promises';
import { FailedError, UnreachableError } from '../../errors.ts';
import type { Message } from '../../message/message.ts';
import { protocolFailure } from './failures.ts';
import { readPart } from './partition-reader.ts';
import type { ReadPart } from './partition-reader.ts';
import { errorCodes, isRetriable } from './protocol/error-codes.ts';
import { fetch } from './protocol/fetch.ts';
import type { FetchAnswer } from './protocol/fetch.ts';
import type { Session } from './session.ts';

export interface ReadRange {
  readonly topic: string;
  /** By partition: the first offset, and the one to stop before (Infinity: never). */
  readonly ranges: ReadonlyMap<number, { readonly from: number; readonly until: number }>;
  readonly committedOnly: boolean;
  /** Bytes of one partition in one answer; default a megabyte. */
  readonly partitionBytes?: number;
}

/** Bytes that one answer may have: two answers for each broker are in memory at most, one read and one on its way. */
const answerBytes = 4 * 1024 * 1024;
const usualPartitionBytes = 1024 * 1024;
/** How long a broker holds an answer back while nothing is new. */
const maxWaitMs = 500;
const pauseMs = 100;

interface Answered {
  readonly leader: number;
  readonly result: { readonly answer: FetchAnswer } | { readonly failure: unknown };
}

let lanes = 0;

/**
 * Reads partitions from their leaders, several brokers at once, without a group: each partition in order. The next answer is on its way while the last one is used. A leader that moves or goes away is
 * looked for until the time-out passes without an answer from it.
 */
export class TopicReader {
  readonly #session: Session;
  readonly #range: ReadRange;
  readonly #signal: AbortSignal;
  readonly #lane: string;
  readonly #ownLane: boolean;
  /** Where each partition goes on; in the order in which the brokers are asked, so that none starves. */
  readonly #places: Map<number, number>;
  #leaders: ReadonlyMap<number, number> = new Map();
  #failingSince: number | null = null;

  /** `lane`: the caller's, who closes it. */
  constructor(session: Session, range: ReadRange, signal: AbortSignal, lane: string | null = null) {
    this.#session = session;
    this.#range = range;
    this.#signal = signal;
    this.#ownLane = lane === null;
    this.#lane = lane ?? `fetch-${String((lanes += 1))}`;
    this.#places = new Map(
      [...range.ranges]
        .filter(([, { from, until }]) => from < until)
        .map(([partition, { from }]) => [partition, from]),
    );
  }

  /** Throws `UnreachableError`, `DeniedError`, `FailedError`, or the signal's reason. */
  async *batches(): AsyncGenerator<Message[]> {
    const pending = new Map<number, Promise<Answered>>();
    try {
      if (this.#places.size > 0) await this.#findLeaders();
      this.#ask(pending);
      while (this.#places.size > 0) {
        if (pending.size === 0) {
          await this.#searchAgain();
          this.#ask(pending);
          continue;
        }
        const { leader, result } = await Promise.race(pending.values());
        pending.delete(leader);
        const parts = 'answer' in result ? this.#take(result.answer) : this.#failed(result.failure);
        this.#ask(pending);
        for (const part of parts) yield* part.messages();
      }
    } finally {
      if (this.#ownLane) this.#session.closeLane(this.#lane);
    }
  }

  /** Sends a request to each leader that has none under way. */
  #ask(pending: Map<number, Promise<Answered>>): void {
    const byLeader = Map.groupBy(this.#places, ([partition]) => this.#leaders.get(partition) ?? -1);
    for (const [leader, places] of byLeader) {
      if (leader < 0 || pending.has(leader)) continue;
      const maxBytes = this.#range.partitionBytes ?? usualPartitionBytes;
      const request = {
        topic: this.#range.topic,
        partitions: places.map(([partition, offset]) => ({ partition, offset, maxBytes })),
        maxWaitMs,
        maxBytes: answerBytes,
        readCommitted: this.#range.committedOnly,
      };
      const timeoutMs = this.#session.environment.timeoutMs + maxWaitMs;
      const options = { lane: this.#lane, timeoutMs, signal: this.#signal };
      pending.set(
        leader,
        this.#session.send(leader, fetch, request, options).then(
          (answer) => ({ leader, result: { answer } }),
          (failure: unknown) => ({ leader, result: { failure } }),
        ),
      );
    }
  }

  #take(answer: FetchAnswer): ReadPart[] {
    if (answer.errorCode !== 0) throw this.#refusal(answer.errorCode);
    const parts: ReadPart[] = [];
    let stuck: FailedError | null = null;
    const empty = answer.partitions.every(({ records }) => records.length === 0);
    for (const fetched of answer.partitions) {
      const { partition, errorCode } = fetched;
      const from = this.#places.get(partition);
      const until = this.#range.ranges.get(partition)?.until ?? 0;
      if (from === undefined) continue;
      if (errorCode === errorCodes.OFFSET_OUT_OF_RANGE) {
        this.#outOfRange(partition, from, fetched.logStart, until);
      } else if (errorCode !== 0) {
        if (!isRetriable(errorCode)) throw this.#refusal(errorCode);
        this.#failed(this.#refusal(errorCode));
        this.#lose(partition);
      } else {
        this.#failingSince = null;
        const part = readPart(this.#range.topic, fetched, {
          from,
          until,
          committedOnly: this.#range.committedOnly,
        });
        if (part.next > from) {
          parts.push(part);
          // Behind the others now: an answer is filled in the order of the request.
          this.#places.delete(partition);
          if (part.next < until) this.#places.set(partition, part.next);
        } else if (fetched.records.length > 0) {
          stuck ??= this.#stuck(partition, from);
        } else if (empty && fetched.lastStableOffset >= until) {
          // A compacted end: offsets were given, and nothing of them is left.
          this.#places.delete(partition);
        }
      }
    }
    // The first batch of an answer is whole, however large: with none it would be asked for without end.
    if (stuck !== null && parts.length === 0) throw stuck;
    return parts;
  }

  #stuck(partition: number, from: number): FailedError {
    return new FailedError(
      `cannot read topic "${this.#range.topic}", partition ${String(partition)}, from offset ${String(from)}: the broker gives no whole batch that goes on behind it`,
      { hint: `read on behind it with --from ${String(partition)}:OFFSET` },
    );
  }

  /** Retention has taken what was to be read: go on with what is there. */
  #outOfRange(partition: number, from: number, logStart: number, until: number): void {
    if (logStart <= from) throw this.#refusal(errorCodes.OFFSET_OUT_OF_RANGE);
    this.#session.environment.log(
      `kafka topic ${this.#range.topic} partition ${String(partition)}: offsets ${String(from)} to ${String(logStart)} are gone`,
    );
    if (logStart < until) this.#places.set(partition, logStart);
    else this.#places.delete(partition);
  }

  /** What can be asked again is, until the time-out has passed. */
  #failed(failure: unknown): ReadPart[] {
    this.#signal.throwIfAborted();
    const retriable =
      failure instanceof UnreachableError ||
      (failure instanceof Error && 'retriable' in failure && failure.retriable === true);
    this.#failingSince ??= Date.now();
    if (!retriable || Date.now() - this.#failingSince > this.#session.environment.timeoutMs) throw failure;
    this.#leaders = new Map();
    return [];
  }

  #lose(partition: number): void {
    this.#leaders = new Map([...this.#leaders].filter(([each]) => each !== partition));
  }

  async #searchAgain(): Promise<void> {
    await sleep(pauseMs, undefined, { signal: this.#signal });
    try {
      await this.#findLeaders();
    } catch (failure) {
      this.#failed(failure);
    }
  }

  async #findLeaders(): Promise<void> {
    const topic = await this.#session.topic(this.#range.topic, this.#signal);
    this.#leaders = new Map(topic.partitions.map(({ partition, leader }) => [partition, leader]));
  }

  #refusal(code: number): Error {
    return protocolFailure(code, {
      doing: 'read',
      kind: 'topic',
      name: this.#range.topic,
      where: this.#session.target,
    });
  }
}
