import { FailedError } from '../../errors.ts';
import type { Message } from '../../message/message.ts';
import type { Appraisal, Look, Looking, LookReport, LookRequest } from '../driver.ts';
import type { Exhausted } from './channel-name.ts';
import { messageOf } from './entry-codec.ts';
import { compareIds, idOf, nextId } from './entry-id.ts';
import type { EntryId } from './entry-id.ts';
import type { Link } from './link.ts';
import { PageSize, readPage } from './pages.ts';
import { pause, pollMs } from './pause.ts';
import { countExhausted, exhaustedMessages, exhaustedPages } from './pending.ts';
import { exhaustedOf } from './place.ts';
import { idFor, noPartition, onlyPosition } from './position-resolver.ts';
import { readGroups, readStream, requireStream } from './streams.ts';
import type { StreamFacts } from './streams.ts';

interface Range {
  readonly from: EntryId;
  /** Exclusive; null: no end. */
  readonly until: EntryId | null;
}

export class RedisLook implements Look {
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  async appraise(channel: string, signal: AbortSignal): Promise<Appraisal> {
    const link = this.#link;
    const exhausted = await exhaustedOf(link, channel, signal);
    const stream = exhausted?.stream ?? channel;
    const [facts, groups] = await Promise.all([
      readStream(link, stream, signal),
      readGroups(link, stream, signal),
    ]);
    return {
      cost: 'free',
      waiting:
        exhausted === null ? facts.length : (await countExhausted(link, exhausted, facts, signal)).count,
      consumers: groups.reduce((sum, { consumers }) => sum + consumers, 0),
      deadLetterChannel: exhausted !== null,
      deliveryLimit: null,
      longestHoldMs: null,
    };
  }

  async open(request: LookRequest, signal: AbortSignal): Promise<Looking> {
    const { channel, partitions, from, until, follow } = request;
    const exhausted = await exhaustedOf(this.#link, channel, signal);
    const stream = exhausted?.stream ?? channel;
    const [partition] = partitions ?? [];
    const facts = await readStream(this.#link, stream, signal);
    if (partition !== undefined) throw noPartition(partition, stream);
    const place = (positions: LookRequest['from']): Promise<EntryId> =>
      idFor(this.#link, facts, onlyPosition(positions, stream), signal);
    const begin = await place(from);
    const said = until === null ? null : await place(until);
    const end = said === null ? (follow ? null : facts.end) : follow ? said : lesser(said, facts.end);
    const range = { from: begin, until: end };
    const expected = exhausted === null ? await expectedIn(facts, range, request) : null;
    return new RedisLooking(this.#link, { stream, exhausted, range, expected, request }, signal);
  }
}

function lesser(one: EntryId, other: EntryId): EntryId {
  return compareIds(one, other) < 0 ? one : other;
}

/** Redis counts a whole stream, not a part of one. */
async function expectedIn(facts: StreamFacts, range: Range, request: LookRequest): Promise<number | null> {
  if (request.follow) return null;
  const whole = facts.first === null || compareIds(range.from, facts.first) <= 0;
  if (!whole || range.until === null || compareIds(range.until, facts.end) < 0) return null;
  return Math.min(facts.length, request.limit ?? Infinity);
}

interface Scope {
  readonly stream: string;
  readonly exhausted: Exhausted | null;
  readonly range: Range;
  readonly expected: number | null;
  readonly request: LookRequest;
}

class RedisLooking implements Looking {
  readonly batches: AsyncIterable<readonly Message[]>;
  readonly expected: number | null;
  readonly #link: Link;
  readonly #scope: Scope;
  readonly #signal: AbortSignal;
  #looked = 0;

  constructor(link: Link, scope: Scope, signal: AbortSignal) {
    this.#link = link;
    this.#scope = scope;
    this.#signal = signal;
    this.expected = scope.expected;
    this.batches = this.#limited(scope.exhausted === null ? this.#entries() : this.#dead(scope.exhausted));
  }

  report(): LookReport {
    return { looked: this.#looked, hiddenMs: null, deliveryCount: null };
  }

  get #room(): number {
    return (this.#scope.request.limit ?? Infinity) - this.#looked;
  }

  async *#limited(batches: AsyncIterable<readonly Message[]>): AsyncGenerator<readonly Message[]> {
    if (this.#room <= 0) return;
    for await (const batch of batches) {
      const shown = batch.length > this.#room ? batch.slice(0, this.#room) : batch;
      this.#looked += shown.length;
      yield shown;
      if (this.#room <= 0) return;
    }
  }

  async *#entries(): AsyncGenerator<readonly Message[]> {
    const { stream, range, request } = this.#scope;
    const { names } = this.#link.address;
    const size = new PageSize();
    let { from } = range;
    while (range.until === null || compareIds(from, range.until) < 0) {
      const count = Math.min(size.entries, this.#room);
      const page = await readPage(this.#link, stream, { from, until: range.until, count }, this.#signal);
      const last = page.at(-1);
      if (last !== undefined) {
        from = nextId(idOf(last.id));
        size.learn(page);
        yield page.map((entry) => messageOf(entry, stream, names));
        continue;
      }
      if (!request.follow) return;
      // Also what tells a follower that the stream was deleted.
      const { end } = await readStream(this.#link, stream, this.#signal);
      if (range.until !== null && compareIds(end, range.until) >= 0) {
        const late = await readPage(this.#link, stream, { from, until: range.until, count: 1 }, this.#signal);
        if (late.length === 0) return;
        continue;
      }
      await pause(pollMs, this.#signal);
    }
  }

  async *#dead(exhausted: Exhausted): AsyncGenerator<readonly Message[]> {
    const { range, request } = this.#scope;
    const shown = new Set<string>();
    do {
      for await (const page of exhaustedPages(this.#link, exhausted, range, this.#signal)) {
        const fresh = request.follow ? page.filter(({ id }) => !shown.has(id)) : page;
        if (request.follow) for (const { id } of fresh) shown.add(id);
        const messages = await exhaustedMessages(this.#link, exhausted, fresh, this.#signal);
        if (messages.length > 0) yield messages;
      }
      if (!request.follow) return;
      await pause(pollMs * 10, this.#signal);
      await requireStream(this.#link, exhausted.stream, this.#signal);
      if (shown.size > mostRemembered) throw tooManyDead(exhausted);
    } while (request.follow);
  }
}

/** A follower remembers what it has shown: what is pending does not come in the order of its ids. */
const mostRemembered = 1_000_000;

function tooManyDead({ stream, group }: Exhausted): FailedError {
  return new FailedError(`more than a million dead letters of "${group}" in "${stream}" were shown`, {
    hint: 'redrive them, or follow again',
  });
}
