import { globMatches } from '../../message/glob.ts';
import type { GroupDescription, Groups, GroupSummary } from '../driver.ts';
import { activeError, consumersOf, isActive, membersOf } from './activity.ts';
import type { GroupConsumer } from './activity.ts';
import type { Link } from './link.ts';
import { allGroups, groupsNamed } from './streams.ts';

/** A group is of one stream; groups of the same name on several streams are shown as one, as programs use them. */
export class RedisGroups implements Groups {
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  async list(
    { match }: { readonly match: string | null },
    signal: AbortSignal,
  ): Promise<readonly GroupSummary[]> {
    const all = (await allGroups(this.#link, null, signal)).filter(({ group }) => globMatches(match, group));
    const consumers = new Map<string, readonly GroupConsumer[]>();
    const byName = Map.groupBy(all, ({ group }) => group);
    for (const [group, facts] of byName) consumers.set(group, await consumersOf(this.#link, facts, signal));
    return [...byName.keys()].sort().map((group) => summaryOf(group, consumers.get(group) ?? []));
  }

  async describe(group: string, signal: AbortSignal): Promise<GroupDescription> {
    const facts = await groupsNamed(this.#link, group, signal);
    const consumers = await consumersOf(this.#link, facts, signal);
    return {
      ...summaryOf(group, consumers),
      coordinator: null,
      channels: facts.map(({ stream }) => stream),
      memberList: membersOf(consumers),
      unknown: consumers
        .filter((one) => !isActive(one))
        .map(
          ({ consumer, idleMs, pending, stream }) =>
            `whether ${consumer} still runs: it asked for nothing of ${stream} for ${String(Math.round(idleMs / 1_000))} s, and holds ${String(pending)}`,
        ),
    };
  }

  async delete(group: string, signal: AbortSignal): Promise<void> {
    const facts = await groupsNamed(this.#link, group, signal);
    const active = (await consumersOf(this.#link, facts, signal)).filter(isActive);
    if (active.length > 0) throw activeError(group, active);
    for (const { stream } of facts)
      await this.#link.ask(stream, ['XGROUP', 'DESTROY', stream, group], signal);
  }
}

/** `active`, `idle` where none of its consumers asked for anything of late, `empty` where it has none. */
export function groupState(consumers: readonly GroupConsumer[]): string {
  if (consumers.some(isActive)) return 'active';
  return consumers.length === 0 ? 'empty' : 'idle';
}

function summaryOf(group: string, consumers: readonly GroupConsumer[]): GroupSummary {
  return {
    group,
    kind: 'stream',
    state: groupState(consumers),
    members: new Set(consumers.filter(isActive).map(({ consumer }) => consumer)).size,
  };
}
