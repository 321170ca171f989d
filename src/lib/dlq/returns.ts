/** Watches a dead-letter channel for what comes back after it was redriven. */
import type { Driver, GroupBacklog, Look, LookRequest } from '../drivers/driver.ts';
import type { Message } from '../message/message.ts';
import type { Position, Positions } from '../message/position.ts';
import type { Clock } from './clock.ts';
import type { Departed } from './departed.ts';

export interface Came {
  /** Those that this redrive sent. */
  readonly ordinals: readonly number[];
  /** So many others came in meanwhile. */
  readonly strangers: number;
  /** So many came of which nobody can say which they are: they may have come back. */
  readonly unidentified: number;
}

export interface Returns {
  check(signal: AbortSignal): Promise<Came>;
  /** Which those are that could not be told, once this run holds nothing: it may have held them itself. Only after a `check`. */
  tellApart(signal: AbortSignal): Promise<readonly number[]>;
  /** So many were taken out of the channel by this run itself. */
  removed(count: number): void;
  /** What cannot be watched, as a sentence; null where everything can. */
  readonly blind: string | null;
}

const none: Came = { ordinals: [], strangers: 0, unidentified: 0 };

/** Where looking is free: everything after the plan's end is read. */
export class ReturnsByLook implements Returns {
  readonly blind = null;
  readonly #driver: Driver;
  readonly #look: Look;
  readonly #channel: string;
  readonly #departed: Departed;
  #ends: Readonly<Record<string, string>>;

  constructor(
    driver: Driver,
    look: Look,
    channel: string,
    departed: Departed,
    ends: Readonly<Record<string, string>>,
  ) {
    this.#driver = driver;
    this.#look = look;
    this.#channel = channel;
    this.#departed = departed;
    this.#ends = ends;
  }

  async check(signal: AbortSignal): Promise<Came> {
    const next = await channelEnds(this.#driver, this.#channel, signal);
    const looking = await this.#look.open(everythingOf(this.#channel, positionsOf(this.#ends), null), signal);
    const ordinals = new Set<number>();
    let strangers = 0;
    for await (const batch of looking.batches) {
      for (const message of batch) {
        const ordinal = this.#departed.ordinalOf(message);
        if (ordinal === null) strangers += 1;
        else ordinals.add(ordinal);
      }
    }
    this.#ends = next;
    return { ordinals: ascending(ordinals), strangers, unidentified: 0 };
  }

  async tellApart(): Promise<readonly number[]> {
    return []; // nothing was left untold
  }

  removed(): void {
    // What was removed lies before the end.
  }
}

/** RabbitMQ counts every five seconds unless told otherwise: what is still too many after that is. */
const settlingChecks = 8;
/** What is new has no count until then. */
const firstCountChecks = 13;
const settlingMs = 1_000;

/** More are not read to find a few: each costs something. */
const mostRead = 10_000;
/** So often, in one run. */
const mostLooks = 5;

export interface DepthParts {
  readonly driver: Driver;
  readonly look: Look;
  readonly channel: string;
  readonly clock: Clock;
  readonly departed: Departed;
  /** How many of the plan lie there at the beginning. */
  readonly awaited: number;
  readonly isAwaited: (message: Message) => boolean;
}

/**
 * Where a look costs something: by how many are there, against how many should be. Only when more came than should, what
 * waits there is read once, to tell what came back from what came in.
 */
export class ReturnsByDepth implements Returns {
  readonly #parts: DepthParts;
  #expected: number | null;
  /** Others that lie there, as far as known. */
  #others: number;
  #looks = 0;
  #untold = 0;

  private constructor(parts: DepthParts, expected: number | null) {
    this.#parts = parts;
    this.#expected = expected;
    this.#others = Math.max(0, (expected ?? 0) - parts.awaited);
  }

  static async start(parts: DepthParts, signal: AbortSignal): Promise<ReturnsByDepth> {
    const { driver, channel, clock } = parts;
    let own = await backlogOf(driver, channel, signal);
    for (let check = 1; own?.notYetCounted === true && check < firstCountChecks; check += 1) {
      await clock.sleep(settlingMs, signal);
      if (signal.aborted) break;
      own = await backlogOf(driver, channel, signal);
    }
    return new ReturnsByDepth(parts, depthIn(own));
  }

  get blind(): string | null {
    return this.#expected === null
      ? `how many wait in "${this.#parts.channel}" is unknown, so nobody sees what comes back`
      : null;
  }

  async check(signal: AbortSignal): Promise<Came> {
    const { driver, channel, clock } = this.#parts;
    // A broker's counts lag behind what was acknowledged: only what stays too many is.
    for (let check = 0; this.#expected !== null && check < settlingChecks; check += 1) {
      const depth = await depthOf(driver, channel, signal);
      if (depth === null || depth <= this.#expected) return none;
      if (check + 1 < settlingChecks) {
        await clock.sleep(settlingMs, signal);
        if (signal.aborted) return none;
        continue;
      }
      const came = depth - this.#expected;
      this.#expected = depth;
      return this.#identify(came, signal);
    }
    return none;
  }

  async tellApart(signal: AbortSignal): Promise<readonly number[]> {
    const { look, channel, clock } = this.#parts;
    const wanted = this.#untold;
    if (wanted === 0) return [];
    this.#untold = 0;
    // What was held is given back in its own time.
    for (let check = 0; check < settlingChecks; check += 1) {
      const { waiting } = await look.appraise(channel, signal);
      if (waiting === null || waiting >= wanted || signal.aborted) break;
      await clock.sleep(settlingMs, signal);
    }
    return (await this.#identify(wanted, signal)).ordinals;
  }

  removed(count: number): void {
    if (this.#expected !== null) this.#expected -= count;
  }

  async #identify(came: number, signal: AbortSignal): Promise<Came> {
    const found = await this.#read(came, signal);
    this.#untold += found.unidentified;
    return found;
  }

  async #read(came: number, signal: AbortSignal): Promise<Came> {
    const { look, channel, departed, isAwaited } = this.#parts;
    const { waiting } = await look.appraise(channel, signal);
    if (waiting === null || waiting > mostRead || this.#looks >= mostLooks)
      return { ordinals: [], strangers: 0, unidentified: came };
    this.#looks += 1;
    const from: Positions = { every: { kind: 'start', shift: 0n } };
    const looking = await look.open(everythingOf(channel, from, Math.max(1, waiting)), signal);
    const ordinals = new Set<number>();
    let others = 0;
    for await (const batch of looking.batches) {
      for (const message of batch) {
        if (isAwaited(message)) continue;
        const ordinal = departed.ordinalOf(message);
        if (ordinal === null) others += 1;
        else ordinals.add(ordinal);
      }
    }
    // Some may be in somebody's hands, where nobody can read them: only if all of them were seen they are surely others.
    const rest = Math.max(0, came - ordinals.size);
    if (others !== this.#others + rest)
      return { ordinals: ascending(ordinals), strangers: 0, unidentified: rest };
    this.#others = others;
    return { ordinals: ascending(ordinals), strangers: rest, unidentified: 0 };
  }
}

function ascending(ordinals: ReadonlySet<number>): readonly number[] {
  return [...ordinals].sort((one, other) => one - other);
}

function everythingOf(channel: string, from: Positions, limit: number | null): LookRequest {
  return { channel, from, until: null, follow: false, partitions: null, limit, uncommitted: false };
}

async function depthOf(driver: Driver, channel: string, signal: AbortSignal): Promise<number | null> {
  return depthIn(await backlogOf(driver, channel, signal));
}

async function backlogOf(driver: Driver, channel: string, signal: AbortSignal): Promise<GroupBacklog | null> {
  const backlog = await driver.backlog?.read({ groups: null, channels: [channel] }, signal);
  return backlog?.find((entry) => entry.channel === channel && entry.group === null) ?? null;
}

/**
 * Waiting and taken together: what is taken is still there. Where only our own part of that is known it may be too few by what
 * others hold, and what came back is counted all the same. null where the system does not say.
 */
function depthIn(own: GroupBacklog | null): number | null {
  if (own === null || own.partitions.length === 0) return null;
  let depth = 0;
  for (const { waiting, inFlight, heldHere } of own.partitions) {
    const taken = inFlight ?? heldHere ?? null;
    if (waiting === null || taken === null) return null;
    depth += waiting + taken;
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
