import type { Claim, Claimed, Claiming, Look, LookReport, SettleOutcome } from '../drivers/driver.ts';
import { FailedError, PartialError } from '../errors.ts';
import type { Message } from '../message/message.ts';
import type { Positions } from '../message/position.ts';
import type { DecodeMessages } from './decode-messages.ts';
import { Ending, type EndedBy } from './ending.ts';

export interface ReadOptions {
  /** One after the other, or at once where it follows. */
  readonly channels: readonly string[];
  /** null: all. */
  readonly partitions: readonly string[] | null;
  readonly follow: boolean;
  /** How many that are kept end the reading; null: no limit. */
  readonly limit: number | null;
  /** What a schema makes of them, before the filters see them; null: nobody is asked. */
  readonly decode: DecodeMessages | null;
  readonly keep: (message: Message) => boolean;
  /** Resolves when they are written out for good. Called with one batch at a time. */
  readonly deliver: (messages: readonly Message[]) => Promise<void>;
  /** End after so many milliseconds; null: no such end. */
  readonly forMs: number | null;
  /** End when nothing came for so many milliseconds; null: no such end. */
  readonly idleMs: number | null;
}

export interface LookOptions extends ReadOptions {
  readonly from: Positions;
  /** Exclusive; null: the end as it is now, or none where it follows. */
  readonly until: Positions | null;
  readonly uncommitted: boolean;
  /** At most so many may be taken; null: a look is free here. */
  readonly takeAtMost: number | null;
  readonly onReport: (channel: string, report: LookReport) => void;
}

/** Why what was delivered is refused for good, in place of being settled. */
export interface Rejection {
  readonly reason: string;
}

export interface TakeOptions extends Omit<ReadOptions, 'deliver'> {
  /** Resolves when they are written out for good, so that they may be settled, or with why they are to be rejected. */
  readonly deliver: (messages: readonly Message[]) => Promise<Rejection | void>;
  /** null: from the channel itself. */
  readonly group: string | null;
  /** Where a group without a position begins. */
  readonly from: Positions | null;
  /** How many may be taken and not yet settled. */
  readonly window: number;
  /** How this system settles, as it declares. */
  readonly settle: 'each' | 'up-to';
  /** How long a claim lasts, as it declares: those that are being delivered are extended in time. null: with the connection. */
  readonly leaseMs: number | null;
  /** How many are delivered, then settled together. */
  readonly together: number;
}

export interface ReadResult {
  /** What came from the system. */
  readonly read: number;
  /** What the filters kept and was written out. */
  readonly matched: number;
  readonly endedBy: EndedBy;
}

export interface TakeResult extends ReadResult {
  readonly settled: number;
  /** Written out, but the claim was lost before it could be settled: it may come again. */
  readonly lost: number;
  readonly released: number;
}

/** Reads without taking: nothing is committed or acknowledged. */
export async function lookAt(look: Look, options: LookOptions, signal: AbortSignal): Promise<ReadResult> {
  const deliver = oneAtATime(options.deliver);
  return overChannels(options, signal, async (channel, ending) => {
    const { partitions, from, until, follow, uncommitted, takeAtMost: limit } = options;
    const looking = await look.open(
      { channel, partitions, from, until, follow, limit, uncommitted },
      ending.signal,
    );
    try {
      for await (const batch of looking.batches) {
        ending.count(batch.length);
        const kept = ending.admit(await keptMessages(batch, options, ending.room));
        if (kept.length > 0) await deliver(kept);
        if (ending.reached) break;
      }
    } finally {
      options.onReport(channel, looking.report());
    }
  });
}

/**
 * Takes messages and settles what was written out, and only that. What the filters drop is given back where messages are
 * settled one by one, and passed over where a position is committed. Throws `PartialError` when too many are held back.
 */
export async function take(claim: Claim, options: TakeOptions, signal: AbortSignal): Promise<TakeResult> {
  const deliver = oneAtATime(options.deliver);
  const tally = { settled: 0, lost: 0, released: 0 };
  const result = await overChannels(options, signal, async (channel, ending) => {
    const { group, from, follow, window, leaseMs } = options;
    const claiming = await claim.open(
      { channel, group, from, select: null, follow, window, leaseMs },
      ending.signal,
    );
    let heldBack = 0;
    try {
      for await (const batch of claiming.batches) {
        if (batch.kind !== 'claimed') continue; // what was lost before it was written out was not written out
        ending.count(batch.items.length);
        const inside = batch.items.filter(({ message }) => inScope(message, options.partitions));
        const matching = await keptItems(inside, options, ending.room);
        const admitted = matching.slice(0, ending.room);
        for (const part of parts(admitted, options.together)) {
          if (ending.signal.aborted) break; // what was not delivered is given back
          ending.admit(part.map(({ message }) => message));
          const work = async (): Promise<readonly SettleOutcome[]> => {
            const rejection = await deliver(part.map(({ message }) => message));
            const claims = part.map((item) => item.claim);
            return rejection === undefined ? claiming.settle(claims) : rejected(claiming, claims, rejection);
          };
          const outcomes = await ending.whileBusy(() =>
            whileExtending(claiming, admitted, claiming.leaseMs ?? leaseMs, work),
          );
          const done = outcomes.filter((outcome) => outcome === 'settled' || outcome === 'sent').length;
          tally.settled += done;
          tally.lost += outcomes.length - done;
        }
        heldBack += batch.items.length - admitted.length;
        if (ending.reached) break;
        if (options.settle === 'each' && heldBack >= window) {
          throw new PartialError(
            `${heldBack.toString()} messages that the filter drops are held back, which is all that may be`,
            {
              hint: 'they are given back now; look with the same filter, or raise --prefetch',
            },
          );
        }
      }
    } finally {
      await claiming.close(); // gives back what is held
    }
    if (options.settle === 'each') tally.released += heldBack;
  });
  return { ...result, ...tally };
}

/**
 * What the filters keep, decoded part by part and no further than there is room: a fetch may hold thousands where one is
 * wanted, and a schema that nobody sees need not be asked for.
 */
async function keptItems<Item extends { readonly message: Message }>(
  items: readonly Item[],
  { decode, keep }: Omit<ReadOptions, 'deliver'>,
  room: number,
): Promise<readonly Item[]> {
  if (decode === null) return items.filter(({ message }) => keep(message));
  const kept: Item[] = [];
  let together = room;
  for (let start = 0; start < items.length && kept.length < room; start += together, together *= 2) {
    const part = items.slice(start, start + together);
    const messages = await decode(part.map(({ message }) => message));
    const decoded = part.map((item, index) => ({ ...item, message: messages[index] ?? item.message }));
    kept.push(...decoded.filter(({ message }) => keep(message)));
  }
  return kept;
}

/** The same for messages that are looked at. */
async function keptMessages(
  messages: readonly Message[],
  options: ReadOptions,
  room: number,
): Promise<readonly Message[]> {
  if (options.decode === null) return messages.filter(options.keep);
  const items = await keptItems(
    messages.map((message) => ({ message })),
    options,
    room,
  );
  return items.map(({ message }) => message);
}

async function rejected(
  claiming: Claiming,
  claims: readonly string[],
  { reason }: Rejection,
): Promise<readonly SettleOutcome[]> {
  if (claiming.reject === undefined)
    throw new FailedError('what was given up cannot be rejected here, and comes again');
  return claiming.reject(claims, reason);
}

async function overChannels(
  options: Omit<ReadOptions, 'deliver'>,
  signal: AbortSignal,
  readOne: (channel: string, ending: Ending) => Promise<void>,
): Promise<ReadResult> {
  const ending = new Ending(options, signal);
  const guarded = async (channel: string): Promise<void> => {
    try {
      await readOne(channel, ending);
      if (ending.reached) ending.stopAll();
    } catch (error) {
      ending.explains(error);
    }
  };
  try {
    if (options.follow) await Promise.all(options.channels.map(guarded));
    else {
      for (const channel of options.channels) {
        if (ending.signal.aborted) break;
        await guarded(channel);
      }
    }
    return ending.result();
  } finally {
    ending.stopAll();
  }
}

function oneAtATime<Result>(
  deliver: (messages: readonly Message[]) => Promise<Result>,
): (messages: readonly Message[]) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (messages) => {
    const turn = last.then(() => deliver(messages));
    last = turn.catch(() => undefined); // the one who called hears of it
    return turn;
  };
}

function* parts<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}

/** Whoever works long on what it holds keeps it: asked for again three times within a lease. */
async function whileExtending<Result>(
  claiming: Claiming,
  held: readonly Claimed[],
  leaseMs: number | null,
  work: () => Promise<Result>,
): Promise<Result> {
  if (leaseMs === null) return work();
  const extending = setInterval(() => {
    // One that could not be extended is told when it is settled.
    claiming.extend(held.map(({ claim }) => claim)).catch(() => undefined);
  }, leaseMs / 3);
  try {
    return await work();
  } finally {
    clearInterval(extending);
  }
}

function inScope(message: Message, partitions: readonly string[] | null): boolean {
  return partitions === null || (message.partition !== null && partitions.includes(message.partition));
}
