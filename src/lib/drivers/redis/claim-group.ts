/**
 * Claiming for a group, as a consumer of it. First what is pending and nobody touches (XAUTOCLAIM), then what is new
 * (XREADGROUP). What is given back is as if it was never given, where the group's position can go back before it; else it
 * stays pending, idle, for whoever claims it.
 */
import { randomUUID } from 'node:crypto';
import { FailedError, errorText } from '../../errors.ts';
import type { Message } from '../../message/message.ts';
import type { ClaimBatch, Claimed, Claiming, ClaimRequest, SettleOutcome } from '../driver.ts';
import { messageOf } from './entry-codec.ts';
import { compareIds, firstId, idOf, idText, previousId } from './entry-id.ts';
import type { Link, Script } from './link.ts';
import { PageSize } from './pages.ts';
import { pause, pollMs } from './pause.ts';
import { pendingOf } from './pending.ts';
import { idFor, onlyPosition } from './position-resolver.ts';
import { entriesOf, listOf, numberOrNull, textOf } from './reply.ts';
import type { Entry, Reply } from './reply.ts';
import { acknowledge, giveBack, setIdle } from './scripts.ts';
import { parkingConsumer, readStream } from './streams.ts';

/** So many ids go into one script, which stops the server for that long. */
const perScript = 500;
/** What was given back counts as idle for so long: longer than anyone waits before claiming. */
const parkedIdleMs = 3_600_000;
/** How often who waits looks for what others left pending. */
const pendingEveryMs = 1_000;

/** Makes the group where it is not there. Throws `NotFoundError`, `FailedError` for a key of another type. */
export async function claimForGroup(
  link: Link,
  group: string,
  request: ClaimRequest,
  signal: AbortSignal,
): Promise<Claiming> {
  await makeGroup(link, group, request, signal);
  return new GroupClaiming(link, group, request, signal);
}

/** A group that is not there begins where it was told to, else at the start: nothing is passed over silently. */
async function makeGroup(
  link: Link,
  group: string,
  { channel, from }: ClaimRequest,
  signal: AbortSignal,
): Promise<void> {
  const facts = await readStream(link, channel, signal);
  const begin = from === null ? firstId : await idFor(link, facts, onlyPosition(from, channel), signal);
  try {
    await link.ask(channel, ['XGROUP', 'CREATE', channel, group, idText(previousId(begin))], signal);
  } catch (error) {
    if (!/BUSYGROUP|already exists/i.test(errorText(error))) throw error;
  }
}

interface Held {
  /** It was given for the first time, by this very claim. */
  readonly fresh: boolean;
}

class GroupClaiming implements Claiming {
  readonly batches: AsyncIterable<ClaimBatch>;
  readonly #link: Link;
  readonly #stream: string;
  readonly #group: string;
  readonly #request: ClaimRequest;
  readonly #signal: AbortSignal;
  readonly #consumer = `mqctl-${randomUUID()}`;
  readonly #held = new Map<string, Held>();
  readonly #size = new PageSize();
  #pendingFrom = idText(firstId);
  #pendingAt = 0;
  #closed = false;

  constructor(link: Link, group: string, request: ClaimRequest, signal: AbortSignal) {
    this.#link = link;
    this.#stream = request.channel;
    this.#group = group;
    this.#request = request;
    this.#signal = signal;
    this.batches = this.#next();
  }

  async settle(claims: readonly string[]): Promise<readonly SettleOutcome[]> {
    const outcomes: SettleOutcome[] = [];
    for (const some of parts(claims)) {
      const reply = listOf(await this.#run(acknowledge, some));
      for (const [index, claim] of some.entries()) {
        outcomes.push(numberOrNull(reply[index]) === 1 ? 'settled' : 'lost');
        this.#held.delete(claim);
      }
    }
    return outcomes;
  }

  async release(claims: readonly string[]): Promise<void> {
    await this.#giveBack(claims, false);
  }

  async extend(claims: readonly string[]): Promise<void> {
    for (const some of parts(claims)) await this.#run(setIdle, [String(this.#idleAtFirst), ...some]);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#giveBack([...this.#held.keys()], true);
  }

  // -------------------------------------------------------------------------------------------------------------------

  get #room(): number {
    return this.#request.window - this.#held.size;
  }

  /** A lease that is shorter than what others wait for counts as idle from the first. */
  get #idleAtFirst(): number {
    const { minIdleMs } = this.#link.address;
    return Math.max(0, minIdleMs - (this.#request.leaseMs ?? minIdleMs));
  }

  #run(script: Script, words: readonly string[]): Promise<Reply> {
    return this.#link.run(script, [this.#stream, this.#group, this.#consumer, ...words], null);
  }

  /** In order of ids, the last ones first into the script: so that the position can go back step by step. */
  async #giveBack(claims: readonly string[], leave: boolean): Promise<void> {
    const sorted = claims
      .filter((claim) => this.#held.has(claim))
      .sort((one, other) => compareIds(idOf(one), idOf(other)));
    const chunks = [...parts(sorted)].reverse();
    if (leave && chunks.length === 0) chunks.push([]);
    for (const [index, some] of chunks.entries()) {
      const fresh = some.filter((claim) => this.#held.get(claim)?.fresh === true);
      const other = some.filter((claim) => this.#held.get(claim)?.fresh !== true);
      const last = leave && index === chunks.length - 1 ? '1' : '0';
      const words = [parkingConsumer, String(parkedIdleMs), last, String(fresh.length), ...fresh, ...other];
      try {
        await this.#run(giveBack, words);
      } catch (error) {
        // The stream or the group was deleted: nobody is waited for.
        if (!(error instanceof FailedError) || !/no such key|NOGROUP/i.test(errorText(error))) throw error;
      }
      for (const claim of some) this.#held.delete(claim);
    }
  }

  async *#next(): AsyncGenerator<ClaimBatch> {
    while (!this.#closed) {
      if (this.#room <= 0) {
        await pause(pollMs / 2, this.#signal);
        continue;
      }
      this.#signal.throwIfAborted();
      const left = await this.#leftPending();
      if (left.missing.length > 0) yield { kind: 'missing', references: left.missing };
      if (left.items.length > 0) {
        yield { kind: 'claimed', items: left.items };
        continue;
      }
      const items = await this.#readNew();
      if (items.length > 0) yield { kind: 'claimed', items };
      else if (!left.all) continue;
      else if (!this.#request.follow) return;
      else await pause(pollMs, this.#signal);
    }
  }

  /** What others were given and do not touch. `all`: there is nothing more of it just now. */
  async #leftPending(): Promise<{
    readonly items: readonly Claimed[];
    readonly missing: readonly { partition: null; offset: string; id: string }[];
    readonly all: boolean;
  }> {
    const begins = this.#pendingFrom === idText(firstId);
    if (begins && Date.now() - this.#pendingAt < pendingEveryMs) return { items: [], missing: [], all: true };
    if (begins) this.#pendingAt = Date.now();
    const count = Math.min(this.#room, this.#size.entries);
    const words = [String(this.#link.address.minIdleMs), this.#pendingFrom, 'COUNT', String(count)];
    const [next, claimed, deleted] = listOf(
      await this.#link.ask(
        this.#stream,
        ['XAUTOCLAIM', this.#stream, this.#group, this.#consumer, ...words],
        null,
      ),
    );
    this.#pendingFrom = textOf(next);
    const entries = entriesOf(claimed);
    return {
      items: await this.#taken(entries, false),
      // Redis 7 names those that are pending and were deleted from the stream; they are pending no longer.
      missing: listOf(deleted).map((id) => ({ partition: null, offset: textOf(id), id: textOf(id) })),
      all: this.#pendingFrom === idText(firstId),
    };
  }

  async #readNew(): Promise<readonly Claimed[]> {
    const count = String(Math.min(this.#room, this.#size.entries));
    const reply = await this.#link.ask(
      this.#stream,
      ['XREADGROUP', 'GROUP', this.#group, this.#consumer, 'COUNT', count, 'STREAMS', this.#stream, '>'],
      null,
    );
    const [, entries] = listOf(listOf(reply)[0]);
    return this.#taken(entriesOf(entries), true);
  }

  async #taken(entries: readonly Entry[], fresh: boolean): Promise<readonly Claimed[]> {
    const ids = entries.map(({ id }) => id);
    for (const id of ids) this.#held.set(id, { fresh });
    if (ids.length === 0) return [];
    this.#size.learn(entries);
    if (this.#idleAtFirst > 0) await this.extend(ids);
    const counts = fresh ? new Map<string, number>() : await this.#counts(ids);
    return entries.map((entry) => ({ claim: entry.id, message: this.#message(entry, counts) }));
  }

  #message(entry: Entry, counts: ReadonlyMap<string, number>): Message {
    const message = messageOf(entry, this.#stream, this.#link.address.names);
    const count = counts.get(entry.id) ?? 1;
    // Given for the first time as far as the group remembers: after its position went back it does not.
    return { ...message, delivery: { count, redelivered: count > 1 ? true : null } };
  }

  async #counts(ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const range = [ids[0] ?? '-', ids.at(-1) ?? '+', String(this.#held.size), this.#consumer];
    const reply = await this.#link.ask(this.#stream, ['XPENDING', this.#stream, this.#group, ...range], null);
    return new Map(pendingOf(reply).map(({ id, deliveries }) => [id, deliveries]));
  }
}

function* parts(ids: readonly string[]): Generator<readonly string[]> {
  for (let start = 0; start < ids.length; start += perScript) yield ids.slice(start, start + perScript);
}
