/**
 * Watches dead-letter channels: how many come, and causes that were not there before. Where a look is free, every arrival
 * is read as it comes. Where it costs something, the depth is asked for, and only a few messages are ever looked at.
 */
import type { LookReport } from '../drivers/driver.ts';
import { NotFoundError } from '../errors.ts';
import { costlyLookLimit } from '../operations/look-price.ts';
import type { Clock } from './clock.ts';
import { depthOf } from './find.ts';
import { inspectDeadLetters, Inspector, type Inspected } from './inspect.ts';
import { isFree, lookOf, type DeadLetterSource } from './source.ts';

export interface WatchRequest {
  readonly channels: readonly string[];
  readonly intervalMs: number;
  /** Whether a look that costs something may be done at all. */
  readonly mayLook: boolean;
}

export type WatchEvent =
  | {
      readonly event: 'interval';
      readonly channel: string;
      /** Since the last one; where only the depth is known, by how much it grew. */
      readonly arrived: number;
      readonly ratePerMinute: number;
      /** Unresolved; null: unknown. */
      readonly depth: number | null;
    }
  | { readonly event: 'new-cause'; readonly channel: string; readonly inspected: Inspected }
  /** What a look cost, or why nothing is looked at. */
  | {
      readonly event: 'looked';
      readonly channel: string;
      readonly report: LookReport;
      readonly waiting: number;
    }
  | { readonly event: 'note'; readonly channel: string; readonly text: string }
  /** It is not there, or not any more; the others are watched on. */
  | { readonly event: 'missing'; readonly channel: string; readonly text: string };

export type OnWatchEvent = (event: WatchEvent) => Promise<void>;

/** So many of the latest ones tell which causes are known already. */
const historyRead = 1_000n;
/** More causes are not remembered. */
const mostCauses = 10_000;
/** A broker drops a message, or moves it, after so many deliveries (20 by default in RabbitMQ): looks stay far below. */
const mostDeliveries = 5;

/**
 * Goes on until the signal aborts, then resolves with the channels that were not there. Throws what the driver throws;
 * `NotFoundError` as soon as none of the channels is there.
 */
export async function watchDeadLetters(
  source: DeadLetterSource,
  request: WatchRequest,
  clock: Clock,
  onEvent: OnWatchEvent,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const missing: string[] = [];
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const tell = oneAtATime(onEvent);
  await Promise.all(
    request.channels.map(async (channel) => {
      try {
        const { cost } = await lookOf(source).appraise(channel, either);
        const watch = { source, channel, request, clock, tell };
        await (isFree(cost) ? followArrivals(watch, either) : watchDepth(watch, either));
      } catch (error) {
        if (either.aborted) return;
        if (error instanceof NotFoundError && missing.push(channel) < request.channels.length) {
          await tell({ event: 'missing', channel, text: error.message });
          return;
        }
        failed.abort();
        throw error;
      }
    }),
  );
  return missing;
}

interface Watch {
  readonly source: DeadLetterSource;
  readonly channel: string;
  readonly request: WatchRequest;
  readonly clock: Clock;
  readonly tell: OnWatchEvent;
}

/** Ends with the first of its two parts that fails: of a channel that is gone nothing more is told. */
async function followArrivals(watch: Watch, stop: AbortSignal): Promise<void> {
  const failed = new AbortController();
  try {
    await tellArrivals(watch, AbortSignal.any([stop, failed.signal]));
  } finally {
    failed.abort();
  }
}

async function tellArrivals(watch: Watch, signal: AbortSignal): Promise<void> {
  const { source, channel, tell } = watch;
  // Opened first: what comes while the history is read is in both, and new all the same.
  const looking = await lookOf(source).open(
    {
      channel,
      from: { every: { kind: 'end', shift: 0n } },
      until: null,
      follow: true,
      partitions: null,
      limit: null,
      uncommitted: false,
    },
    signal,
  );
  const known = await knownCauses(watch, signal);
  const inspector = new Inspector(source.driver.deadLetters);
  let arrived = 0;
  const intervals = everyInterval(watch, signal, async (elapsedMs) => {
    const came = arrived;
    arrived = 0;
    const depth = await depthOf(source, channel, signal);
    await tell({
      event: 'interval',
      channel,
      arrived: came,
      ratePerMinute: perMinute(came, elapsedMs),
      depth,
    });
  });
  const arrivals = (async () => {
    for await (const batch of looking.batches) {
      for (const message of batch) {
        arrived += 1;
        const inspected = inspector.read(message, false);
        // The history may have met it already.
        if (known.meet(inspected) || known.isFirst(inspected))
          await tell({ event: 'new-cause', channel, inspected });
      }
      if (signal.aborted) break;
    }
  })();
  await Promise.all([intervals, arrivals]);
}

async function watchDepth(watch: Watch, signal: AbortSignal): Promise<void> {
  const { source, channel, request, tell } = watch;
  let before = await depthOf(source, channel, signal);
  let mayLook = request.mayLook;
  if (!mayLook)
    await tell({ event: 'note', channel, text: 'looking costs something: only its depth is watched' });
  const known = new KnownCauses();
  const look = async (depth: number | null, tellNew: boolean): Promise<void> => {
    if (!mayLook || depth === null || depth === 0) return;
    if (depth > costlyLookLimit) {
      const text = `more than ${costlyLookLimit.toString()} wait, and looking costs something: new causes are not looked for any more`;
      await tell({ event: 'note', channel, text });
      mayLook = false;
      return;
    }
    const { waiting, consumers, deadLetterChannel } = await lookOf(source).appraise(channel, signal);
    if (!deadLetterChannel && (consumers ?? 0) > 0) return; // they are working on it
    const { report } = await inspectDeadLetters(
      source,
      { channel, keep: () => true, causes: null, limit: null, takeAtMost: costlyLookLimit, all: true },
      async (batch) => {
        for (const inspected of batch)
          if (known.meet(inspected) && tellNew) await tell({ event: 'new-cause', channel, inspected });
      },
      signal,
    );
    await tell({ event: 'looked', channel, report, waiting: waiting ?? depth });
    if ((report.deliveryCount ?? 0) < mostDeliveries) return;
    mayLook = false;
    const text = `they were delivered ${mostDeliveries.toString()} times: not looked at any more, since a broker may drop what is delivered too often`;
    await tell({ event: 'note', channel, text });
  };
  await look(before, false);
  await everyInterval(watch, signal, async (elapsedMs) => {
    const depth = await depthOf(source, channel, signal);
    const arrived = Math.max(0, (depth ?? 0) - (before ?? 0));
    before = depth;
    await tell({ event: 'interval', channel, arrived, ratePerMinute: perMinute(arrived, elapsedMs), depth });
    if (arrived > 0) await look(depth, true);
  });
}

async function everyInterval(
  { clock, request }: Watch,
  signal: AbortSignal,
  each: (elapsedMs: number) => Promise<void>,
): Promise<void> {
  let last = clock.now();
  for (;;) {
    await clock.sleep(request.intervalMs, signal);
    if (signal.aborted) return;
    const now = clock.now();
    await each(now - last);
    last = now;
  }
}

async function knownCauses({ source, channel }: Watch, signal: AbortSignal): Promise<KnownCauses> {
  const known = new KnownCauses();
  await inspectDeadLetters(
    source,
    {
      channel,
      range: { from: { every: { kind: 'end', shift: -historyRead } }, until: null },
      keep: () => true,
      causes: null,
      limit: null,
      takeAtMost: null,
      all: true,
    },
    async (batch) => {
      for (const inspected of batch) known.meet(inspected);
    },
    signal,
  );
  return known;
}

class KnownCauses {
  /** By cause, the name of the first one that was met. */
  readonly #first = new Map<string, string>();

  /** Whether nothing of its cause was met before. */
  meet({ fingerprint: { id }, name }: Inspected): boolean {
    if (this.#first.has(id)) return false;
    if (this.#first.size < mostCauses) this.#first.set(id, name);
    return true;
  }

  /** Whether it is the very one that was met first of its cause. True once. */
  isFirst({ fingerprint: { id }, name }: Inspected): boolean {
    if (this.#first.get(id) !== name) return false;
    this.#first.set(id, '');
    return true;
  }
}

function perMinute(count: number, elapsedMs: number): number {
  return elapsedMs <= 0 ? 0 : (count / elapsedMs) * 60_000;
}

function oneAtATime(onEvent: OnWatchEvent): OnWatchEvent {
  let last = Promise.resolve();
  return (event) => {
    const turn = last.then(() => onEvent(event));
    last = turn.catch(() => undefined); // the one who called hears of it
    return turn;
  };
}
