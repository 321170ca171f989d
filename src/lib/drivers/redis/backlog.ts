import { NotFoundError } from '../../errors.ts';
import type { Backlog, GroupBacklog, PartitionBacklog, Redeliveries } from '../driver.ts';
import { consumersOf, isActive } from './activity.ts';
import { compareIds, firstId, idOf, idText, nextId, timeOf } from './entry-id.ts';
import type { EntryId } from './entry-id.ts';
import { groupState } from './groups.ts';
import type { Link } from './link.ts';
import { readPage } from './pages.ts';
import { pendingPages } from './pending.ts';
import { listOf, textOf } from './reply.ts';
import { allGroups, ofEach, readGroups, readStream } from './streams.ts';
import type { GroupFacts, StreamFacts } from './streams.ts';

/** So many of what each group has pending, the oldest, are enough for a share. */
const mostCounted = 10_000;

export class RedisBacklog implements Backlog {
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  async read(
    {
      groups,
      channels,
    }: { readonly groups: readonly string[] | null; readonly channels: readonly string[] | null },
    signal: AbortSignal,
  ): Promise<readonly GroupBacklog[]> {
    const all = await allGroups(this.#link, channels, signal);
    for (const group of groups ?? [])
      if (!all.some((one) => one.group === group)) throw new NotFoundError('group', group, this.#link.target);
    const wanted = all.filter(({ group }) => groups === null || groups.includes(group));
    const streams = [...new Set(wanted.map(({ stream }) => stream))];
    const facts = new Map(
      (await ofEach(streams, (stream) => readStream(this.#link, stream, signal))).map((one) => [
        one.stream,
        one,
      ]),
    );
    const results: GroupBacklog[] = [];
    for (const group of wanted) {
      const stream = facts.get(group.stream);
      if (stream !== undefined) results.push(await this.#backlogOf(group, stream, signal));
    }
    return results;
  }

  async redeliveries(channels: readonly string[], signal: AbortSignal): Promise<readonly Redeliveries[]> {
    const found: Redeliveries[] = [];
    for (const channel of channels) found.push(await this.#redeliveriesOf(channel, signal));
    return found;
  }

  async #redeliveriesOf(channel: string, signal: AbortSignal): Promise<Redeliveries> {
    let [delivered, again] = [0, 0];
    for (const { stream, group, pending } of await readGroups(this.#link, channel, signal)) {
      if (pending === 0) continue;
      let counted = 0;
      const range = { from: firstId, until: null, minIdleMs: 0 };
      for await (const page of pendingPages(this.#link, { stream, group }, range, signal)) {
        for (const { deliveries } of page) {
          delivered += deliveries;
          again += Math.max(0, deliveries - 1);
        }
        counted += page.length;
        if (counted >= mostCounted) break;
      }
    }
    return { channel, delivered, again, windowMs: null };
  }

  async #backlogOf(group: GroupFacts, stream: StreamFacts, signal: AbortSignal): Promise<GroupBacklog> {
    const consumers = await consumersOf(this.#link, [group], signal);
    const next = await nextOf(this.#link, group, signal);
    const oldestPending = group.pending === 0 ? null : await this.#firstPending(group, signal);
    const partition: PartitionBacklog = {
      partition: null,
      committed: idText(next.position),
      start: idText(stream.first ?? stream.end),
      end: idText(stream.end),
      waiting: group.lag,
      inFlight: group.pending,
      oldest: oldestOf(oldestPending, next.entry),
      owner: null,
      rateIn: null,
      rateOut: null,
      arrived: stream.added,
      lost: lostOf(group, stream),
      retentionMs: null,
    };
    return {
      group: group.group,
      channel: group.stream,
      kind: 'stream',
      state: groupState(consumers),
      members: consumers.filter(isActive).length,
      partitions: [partition],
      approximate: false,
      boundedBySize: false,
      notYetCounted: false,
      unknown: group.lag === null ? [lagUnknown(group)] : [],
      unreachable: [],
    };
  }

  async #firstPending({ stream, group }: GroupFacts, signal: AbortSignal): Promise<EntryId | null> {
    const [, first] = listOf(await this.#link.ask(stream, ['XPENDING', stream, group], signal));
    const text = textOf(first);
    return text === '' ? null : idOf(text);
  }
}

function lagUnknown({ stream, group }: GroupFacts): string {
  return `how far "${group}" is behind: Redis cannot count it in "${stream}", since entries were deleted there or the group was put in its middle`;
}

/** Where a group reads next: the first entry that it was not given, else what comes after the last one that it was. */
export async function nextOf(
  link: Link,
  { stream, lastDelivered }: GroupFacts,
  signal: AbortSignal | null,
): Promise<{ readonly position: EntryId; readonly entry: EntryId | null }> {
  const from = nextId(lastDelivered);
  const [entry] = await readPage(link, stream, { from, until: null, count: 1 }, signal);
  const id = entry === undefined ? null : idOf(entry.id);
  return { position: id ?? from, entry: id };
}

/** The time of an entry is a part of its id, given by the server as it was added. */
function oldestOf(pending: EntryId | null, next: EntryId | null): PartitionBacklog['oldest'] {
  const both = [pending, next].filter((id) => id !== null).sort(compareIds);
  const [first] = both;
  return first === undefined || compareIds(first, firstId) === 0
    ? null
    : { at: timeOf(first), clock: 'append' };
}

/** How many were trimmed before the group was given them: known only where none was deleted singly. */
function lostOf({ entriesRead }: GroupFacts, { added, length, greatestDeleted }: StreamFacts): number | null {
  if (entriesRead === null || added === null || greatestDeleted === null) return null;
  if (compareIds(greatestDeleted, firstId) !== 0) return null;
  return Math.max(0, added - length - entriesRead);
}
