import type { Outcome, Publish, PublishRequest } from '../drivers/driver.ts';
import { FailedError, errorText } from '../errors.ts';
import type { NumberedMessage } from '../message/numbered-message.ts';

export interface ProduceFailure {
  readonly line: number;
  readonly status: 'rejected' | 'unknown';
  readonly reason: string;
  readonly retriable: boolean;
}

export interface ProduceResult {
  /** Accepted by the broker; 0 where a transaction was not committed. */
  readonly produced: number;
  /** Of these, what the system knew as a duplicate, so that it kept nothing of it. */
  readonly suppressed: number;
  readonly failed: number;
  /** No answer came: they may be there or not. Counted in `failed`, too. */
  readonly unknown: number;
  /** The first ones; `failed` counts them all. */
  readonly failures: readonly ProduceFailure[];
  /** Read but never sent, after the connection was lost or the run was ended. What was not read is not counted. */
  readonly unsent: number;
  /** The last line that was sent: what comes after it was not; null where none was. */
  readonly sentTo: number | null;
  /** Why the rest was not sent; null where nothing broke. */
  readonly broken: Error | null;
}

export interface ProduceOptions {
  readonly request: PublishRequest;
  /** Nothing more is sent when nothing was accepted for so many milliseconds, although it may be tried again. */
  readonly patienceMs: number;
  /** Messages a second; null: as fast as they are accepted. */
  readonly ratePerSecond: number | null;
  readonly onProgress: (accepted: number) => void;
  readonly onBlocked: (reason: string) => void;
  readonly onFailure: (failure: ProduceFailure) => void;
}

// Small and many: what a batch holds dies young, and large ones gain nothing.
const batchMessages = 1_000;
const batchBytes = 128 * 1024;
const batchesInFlight = 8;
const failuresKept = 100;

/**
 * Publishes everything that `chunks` yield, in order, a bounded number of batches in flight. Every message ends as
 * accepted, rejected or unknown; in a transaction all of them or none.
 */
export async function produce(
  publish: Publish,
  chunks: AsyncIterable<readonly NumberedMessage[]>,
  options: ProduceOptions,
  signal: AbortSignal,
): Promise<ProduceResult> {
  const publisher = await publish.open(options.request, signal);
  const transactional = options.request.delivery === 'transactional';
  const tally = new Tally(options);
  let finished = false;
  try {
    const inFlight = new Set<Promise<void>>();
    for await (const batch of paced(inBatches(chunks, signal), options.ratePerSecond, signal)) {
      if (signal.aborted || tally.broken !== null || (transactional && tally.failed > 0)) {
        tally.unsent += batch.length;
        break;
      }
      if (publisher.blocked !== null) options.onBlocked(publisher.blocked);
      const sentAt = performance.now();
      tally.sentTo = batch.at(-1)?.line ?? tally.sentTo;
      const sending = publisher
        .send(batch.map(({ message }) => message))
        .then(
          (outcomes) => tally.add(batch, outcomes, sentAt),
          (error: unknown) => {
            tally.broken ??= error instanceof Error ? error : new FailedError(errorText(error));
            tally.unsent += batch.length;
          },
        )
        .finally(() => inFlight.delete(sending));
      inFlight.add(sending);
      if (inFlight.size >= batchesInFlight) await Promise.race(inFlight);
    }
    await Promise.all(inFlight);
    if (transactional) await endTransaction(publisher, tally, signal.aborted || tally.broken !== null);
    finished = true;
    if (tally.broken !== null && tally.produced === 0 && tally.failed === 0) throw tally.broken;
    return tally.result();
  } finally {
    if (!finished && transactional) await publisher.abort().catch(() => undefined); // the first error is the one to tell
    await publisher.close();
  }
}

async function endTransaction(
  publisher: { commit(): Promise<void>; abort(): Promise<void> },
  tally: Tally,
  ended: boolean,
): Promise<void> {
  if (!ended && tally.failed === 0) return publisher.commit();
  await publisher.abort();
  tally.undo();
}

class Tally {
  /** Why a batch could not be sent at all: nothing more is tried after it. */
  broken: Error | null = null;
  produced = 0;
  suppressed = 0;
  failed = 0;
  unknown = 0;
  unsent = 0;
  sentTo: number | null = null;
  /** When the first batch was sent after which nothing was accepted any more; null while something is. */
  #failingSince: number | null = null;
  readonly #failures: ProduceFailure[] = [];
  readonly #options: ProduceOptions;

  constructor(options: ProduceOptions) {
    this.#options = options;
  }

  add(batch: readonly NumberedMessage[], outcomes: readonly Outcome[], sentAt: number): void {
    if (outcomes.length !== batch.length)
      throw new FailedError(
        `the driver answered for ${outcomes.length.toString()} of ${batch.length.toString()} messages`,
      );
    let accepted = 0;
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === 'accepted') {
        accepted += 1;
        if (outcome.suppressed === true) this.suppressed += 1;
      } else
        this.#fail({
          line: batch[index]?.line ?? 0,
          status: outcome.status,
          reason: outcome.reason,
          retriable: outcome.status === 'rejected' && outcome.retriable,
        });
    }
    this.produced += accepted;
    this.#options.onProgress(accepted);
    this.#checkPatience(outcomes, sentAt);
  }

  /** A broker that is away would else be tried for every line of an endless input. */
  #checkPatience(outcomes: readonly Outcome[], sentAt: number): void {
    const last = outcomes.at(-1);
    const away = outcomes.every(
      (outcome) => outcome.status === 'unknown' || (outcome.status === 'rejected' && outcome.retriable),
    );
    if (!away || last === undefined || last.status === 'accepted') {
      this.#failingSince = null;
      return;
    }
    this.#failingSince ??= sentAt;
    if (performance.now() - this.#failingSince >= this.#options.patienceMs)
      this.broken ??= new FailedError(`gave up, since nothing was accepted any more: ${last.reason}`);
  }

  /** The transaction was aborted: nothing of it is there. */
  undo(): void {
    this.unsent += this.produced;
    this.produced = 0;
  }

  result(): ProduceResult {
    const { produced, suppressed, failed, unknown, unsent, sentTo, broken } = this;
    return { produced, suppressed, failed, unknown, unsent, sentTo, broken, failures: this.#failures };
  }

  #fail(failure: ProduceFailure): void {
    this.failed += 1;
    if (failure.status === 'unknown') this.unknown += 1;
    if (this.#failures.length < failuresKept) this.#failures.push(failure);
    this.#options.onFailure(failure);
  }
}

/** Cuts what came in together to what may be sent together; nothing waits for a fuller batch. */
async function* inBatches(
  chunks: AsyncIterable<readonly NumberedMessage[]>,
  signal: AbortSignal,
): AsyncGenerator<readonly NumberedMessage[]> {
  try {
    for await (const chunk of chunks) yield* cut(chunk);
  } catch (error) {
    if (!signal.aborted) throw error; // an input that was waited for ends here when the run is ended
  }
}

function* cut(chunk: readonly NumberedMessage[]): Generator<readonly NumberedMessage[]> {
  let start = 0;
  let bytes = 0;
  for (const [index, { message }] of chunk.entries()) {
    bytes += (message.value?.length ?? 0) + (message.key?.length ?? 0);
    if (index + 1 - start >= batchMessages || bytes >= batchBytes) {
      yield chunk.slice(start, index + 1);
      [start, bytes] = [index + 1, 0];
    }
  }
  if (start < chunk.length) yield chunk.slice(start);
}

async function* paced(
  batches: AsyncIterable<readonly NumberedMessage[]>,
  ratePerSecond: number | null,
  signal: AbortSignal,
): AsyncGenerator<readonly NumberedMessage[]> {
  if (ratePerSecond === null) {
    yield* batches;
    return;
  }
  const { RateLimiter } = await import('limiter');
  const limiter = new RateLimiter({ tokensPerInterval: ratePerSecond, interval: 'second' });
  for await (const batch of batches) {
    for (const message of batch) {
      await limiter.removeTokens(1);
      if (signal.aborted) return;
      yield [message];
    }
  }
}
