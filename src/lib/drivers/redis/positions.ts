import { NotFoundError, errorText } from '../../errors.ts';
import type {
  CommittedPosition,
  GroupPositions,
  PlannedPosition,
  PositionChange,
  PositionOutcome,
  PositionPlan,
  PositionTarget,
} from '../driver.ts';
import {
  activeError,
  activeHint,
  activeReason,
  consumersOf,
  isActive,
  membersOf,
  waitingReaders,
} from './activity.ts';
import { nextOf } from './backlog.ts';
import { compareIds, idOf, idText, nextId, previousId, timeOf } from './entry-id.ts';
import type { EntryId } from './entry-id.ts';
import type { Link } from './link.ts';
import { PageSize, readPage } from './pages.ts';
import { idFor, onlyPosition } from './position-resolver.ts';
import { outcomeOf } from './publish.ts';
import { groupsNamed, readStream } from './streams.ts';
import type { GroupFacts, StreamFacts } from './streams.ts';

/** What is counted exactly; beyond it the plan says that it does not know. */
const mostCounted = 100_000;

/**
 * The position of a group is the next entry that it is given. What it was given and did not acknowledge stays pending, wherever
 * the position is put. How many it has read, which Redis counts, goes with the position as its metadata.
 */
export class RedisPositions implements GroupPositions {
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  async read(group: string, signal: AbortSignal): Promise<readonly CommittedPosition[]> {
    const facts = await groupsNamed(this.#link, group, signal);
    return Promise.all(
      facts.map(async (one): Promise<CommittedPosition> => {
        const stream = await readStream(this.#link, one.stream, signal);
        return {
          channel: one.stream,
          partition: null,
          committed: idText((await nextOf(this.#link, one, signal)).position),
          start: idText(stream.first ?? stream.end),
          end: idText(stream.end),
          metadata: one.entriesRead === null ? null : metadataOf(one.entriesRead),
        };
      }),
    );
  }

  async plan(
    { group, targets }: { readonly group: string; readonly targets: readonly PositionTarget[] },
    signal: AbortSignal,
  ): Promise<PositionPlan> {
    const facts = await groupsNamed(this.#link, group, signal);
    const positions: PlannedPosition[] = [];
    const notes: string[] = [];
    for (const { channel, to } of targets) {
      const stream = await readStream(this.#link, channel, signal);
      const own = facts.find((one) => one.stream === channel);
      if (own === undefined) throw new NotFoundError('group', group, `"${channel}", ${this.#link.target}`);
      const wanted = await idFor(this.#link, stream, onlyPosition(to, channel), signal);
      positions.push(await this.#planned(own, stream, wanted, signal));
      if (own.pending > 0)
        notes.push(
          `${String(own.pending)} of ${channel} that were given and not acknowledged stay pending: they are claimed, not read`,
        );
    }
    const active = (await consumersOf(this.#link, facts, signal)).filter(isActive);
    const waiting = active.length > 0 ? null : await waitingReaders(this.#link, signal);
    if (active.length === 0 && waiting !== 0)
      notes.push(
        waiting === null
          ? 'whether a consumer waits in XREADGROUP is unknown: this login may not use CLIENT LIST'
          : `${String(waiting)} connections wait in XREADGROUP, and Redis does not say for which group: see that none is of "${group}"`,
      );
    return {
      group,
      kind: 'stream',
      positions,
      refusal:
        active.length === 0
          ? null
          : {
              code: 'ACTIVE',
              reason: activeReason(group, active),
              hint: activeHint,
              members: membersOf(active),
            },
      undo: 'watermark',
      notes,
    };
  }

  async set(
    group: string,
    changes: readonly PositionChange[],
    signal: AbortSignal,
  ): Promise<readonly PositionOutcome[]> {
    const facts = await groupsNamed(this.#link, group, signal);
    const active = (await consumersOf(this.#link, facts, signal)).filter(isActive);
    if (active.length > 0) throw activeError(group, active);
    const outcomes: PositionOutcome[] = [];
    for (const change of changes) outcomes.push(await this.#set(group, change, signal));
    return outcomes;
  }

  async #set(
    group: string,
    { channel, position, metadata }: PositionChange,
    signal: AbortSignal,
  ): Promise<PositionOutcome> {
    if (position === null)
      return {
        status: 'refused',
        reason: 'a group of Redis has a position always: delete the group instead',
      };
    const id = idText(previousId(idOf(position)));
    const read = entriesReadIn(metadata);
    const words = ['XGROUP', 'SETID', channel, group, id, ...(read === null ? [] : ['ENTRIESREAD', read])];
    try {
      await this.#link.ask(channel, words, signal);
      return { status: 'set' };
    } catch (error) {
      signal.throwIfAborted();
      const outcome = outcomeOf(error);
      return outcome.status === 'unknown'
        ? { status: 'unknown', reason: outcome.reason }
        : { status: 'refused', reason: errorText(error) };
    }
  }

  async #planned(
    own: GroupFacts,
    stream: StreamFacts,
    wanted: EntryId,
    signal: AbortSignal,
  ): Promise<PlannedPosition> {
    const before = (await nextOf(this.#link, own, signal)).position;
    const start = stream.first ?? stream.end;
    const after = clamped(wanted, start, stream.end);
    const back = compareIds(after, before) < 0;
    const [from, until] = back ? [after, before] : [before, after];
    const between = await this.#between(own.stream, from, until, signal);
    return {
      channel: own.stream,
      partition: null,
      before: idText(before),
      metadata: own.entriesRead === null ? null : metadataOf(own.entriesRead),
      after: idText(after),
      asked: compareIds(after, wanted) === 0 ? null : idText(wanted),
      start: idText(start),
      end: idText(stream.end),
      effect: between.count === 0 ? 'none' : back ? 'again' : 'skipped',
      messages: between.count,
      firstAt: between.first,
      lastAt: between.last,
    };
  }

  async #between(
    stream: string,
    from: EntryId,
    until: EntryId,
    signal: AbortSignal,
  ): Promise<{ readonly count: number | null; readonly first: number | null; readonly last: number | null }> {
    const size = new PageSize();
    let [at, count] = [from, 0];
    let first: number | null = null;
    let last: number | null = null;
    while (compareIds(at, until) < 0) {
      const page = await readPage(this.#link, stream, { from: at, until, count: size.entries }, signal);
      const end = page.at(-1);
      if (end === undefined) break;
      first ??= timeOf(idOf(page[0]?.id ?? end.id));
      last = timeOf(idOf(end.id));
      count += page.length;
      at = nextId(idOf(end.id));
      size.learn(page);
      if (count >= mostCounted) return { count: null, first, last: timeOf(previousId(until)) };
    }
    return { count, first, last };
  }
}

function clamped(id: EntryId, least: EntryId, greatest: EntryId): EntryId {
  if (compareIds(id, least) < 0) return least;
  return compareIds(id, greatest) > 0 ? greatest : id;
}

const metadataName = 'entries-read:';

function metadataOf(entriesRead: number): string {
  return `${metadataName}${String(entriesRead)}`;
}

function entriesReadIn(metadata: string | null): string | null {
  const text = metadata?.startsWith(metadataName) === true ? metadata.slice(metadataName.length) : '';
  return /^\d{1,19}$/.test(text) ? text : null;
}
