/** Watches a dead-letter channel for what comes back after it was redriven. */
import type { Driver, Look } from '../drivers/driver.ts';
import type { Position, Positions } from '../message/position.ts';
import type { Clock } from './clock.ts';
import { readMark } from './mark.ts';

export interface Came {
  /** Known by their mark. */
  readonly ordinals: readonly number[];
  /** So many came that cannot be looked at: they may be others. */
  readonly unidentified: number;
}

export interface Returns {
  check(signal: AbortSignal): Promise<Came>;
  /** So many were taken out of the channel by this run itself. */
  removed(count: number): void;
  /** What cannot be watched, as a sentence; null where everything can. */
  readonly blind: string | null;
}

const none: Came = { ordinals: [], unidentified: 0 };

/** Where looking is free: everything after the plan's end is read, and known by its mark. */
export class ReturnsByLook implements Returns {
  readonly blind = null;
  readonly #driver: Driver;
  readonly #look: Look;
  readonly #channel: string;
  readonly #planId: string;
  #ends: Readonly<Record<string, string>>;

  constructor(
    driver: Driver,
    look: Look,
    channel: string,
    planId: string,
    ends: Readonly<Record<string, string>>,
  ) {
    this.#driver = driver;
    this.#look = look;
    this.#channel = channel;
    this.#planId = planId;
    this.#ends = ends;
  }

  async check(signal: AbortSignal): Promise<Came> {
    const next = await channelEnds(this.#driver, this.#channel, signal);
    const looking = await this.#look.open(
      {
        channel: this.#channel,
        from: positionsOf(this.#ends),
        until: null,
        follow: false,
        partitions: null,
        limit: null,
        uncommitted: false,
      },
      signal,
    );
    const ordinals = new Set<number>();
    for await (const batch of looking.batches) {
      for (const { headers } of batch) {
        const mark = readMark(headers);
        if (mark !== null && mark.plan === this.#planId) ordinals.add(mark.ordinal);
      }
    }
    this.#ends = next;
    return { ordinals: [...ordinals].sort((one, other) => one - other), unidentified: 0 };
  }

  removed(): void {
    // What was removed lies before the end.
  }
}

const settlingChecks = 5;
const settlingMs = 1_000;

/** Where a look costs something: by how many are there, against how many should be. */
export class ReturnsByDepth implements Returns {
  readonly #driver: Driver;
  readonly #channel: string;
  readonly #clock: Clock;
  #expected: number | null;

  private constructor(driver: Driver, channel: string, clock: Clock, expected: number | null) {
    this.#driver = driver;
    this.#channel = channel;
    this.#clock = clock;
    this.#expected = expected;
  }

  static async start(
    driver: Driver,
    channel: string,
    clock: Clock,
    signal: AbortSignal,
  ): Promise<ReturnsByDepth> {
    return new ReturnsByDepth(driver, channel, clock, await depthOf(driver, channel, signal));
  }

  get blind(): string | null {
    return this.#expected === null
      ? `how many wait in "${this.#channel}" is unknown, so nobody sees what comes back`
      : null;
  }

  async check(signal: AbortSignal): Promise<Came> {
    // A broker's counts lag behind what was acknowledged: only what stays too many is.
    for (let check = 0; this.#expected !== null && check < settlingChecks; check += 1) {
      const depth = await depthOf(this.#driver, this.#channel, signal);
      if (depth === null || depth <= this.#expected) return none;
      if (check + 1 < settlingChecks) {
        await this.#clock.sleep(settlingMs, signal);
        if (signal.aborted) return none;
        continue;
      }
      const unidentified = depth - this.#expected;
      this.#expected = depth;
      return { ordinals: [], unidentified };
    }
    return none;
  }

  removed(count: number): void {
    if (this.#expected !== null) this.#expected -= count;
  }
}

/** Waiting and taken together: what is taken is still there. null where the system does not say. */
async function depthOf(driver: Driver, channel: string, signal: AbortSignal): Promise<number | null> {
  const backlog = await driver.backlog?.read({ groups: null, channels: [channel] }, signal);
  const own = backlog?.find((entry) => entry.channel === channel && entry.group === null);
  if (own === undefined || own.partitions.length === 0) return null;
  let depth = 0;
  for (const { waiting, inFlight } of own.partitions) {
    if (waiting === null || inFlight === null) return null;
    depth += waiting + inFlight;
  }
  return depth;
}

/** The end of each partition now; empty where the channel has none. */
export async function channelEnds(
  driver: Driver,
  channel: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const { partitionList } = await driver.describe(channel, signal);
  return Object.fromEntries(
    partitionList.flatMap(({ partition, end }) => (end === null ? [] : [[partition, end] as const])),
  );
}

function positionsOf(ends: Readonly<Record<string, string>>): Positions {
  const byPartition = new Map<string, Position>();
  for (const [partition, offset] of Object.entries(ends))
    byPartition.set(partition, { kind: 'offset', offset });
  return byPartition.size === 0 ? { every: { kind: 'start', shift: 0n } } : { byPartition };
}
