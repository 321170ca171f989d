import { FailedError } from '../../errors.ts';
import { globMatches } from '../../message/glob.ts';
import type { GroupDescription, GroupMember, GroupSummary, Groups } from '../driver.ts';
import type { GroupStore, Standing } from './group-store.ts';

/** mqctl's own groups, as this machine keeps them: Kinesis knows none. */
export class KinesisGroups implements Groups {
  readonly #store: GroupStore;

  constructor(store: GroupStore) {
    this.#store = store;
  }

  async list({ match }: { readonly match: string | null }): Promise<readonly GroupSummary[]> {
    const byGroup = Map.groupBy(await this.#store.all(), ({ group }) => group);
    const found: GroupSummary[] = [];
    for (const [group, standings] of byGroup)
      if (globMatches(match, group)) found.push(summary(group, await this.#members(standings)));
    return found;
  }

  async describe(group: string): Promise<GroupDescription> {
    const standings = await this.#standings(group);
    const memberList = await this.#members(standings);
    return {
      ...summary(group, memberList),
      coordinator: null,
      channels: standings.map(({ stream }) => stream),
      memberList,
      unknown: [],
    };
  }

  async delete(group: string): Promise<void> {
    const standings = await this.#standings(group);
    const [member] = await this.#members(standings);
    if (member !== undefined)
      throw new FailedError(`the group "${group}" is read for: ${member.id}`, {
        code: 'ACTIVE',
        hint: 'stop it first',
      });
    for (const { stream } of standings) await this.#store.forget(group, stream);
  }

  async #standings(group: string): Promise<readonly Standing[]> {
    const standings = (await this.#store.all()).filter((standing) => standing.group === group);
    if (standings.length === 0) throw this.#store.missing(group);
    return standings;
  }

  async #members(standings: readonly Standing[]): Promise<readonly GroupMember[]> {
    const found: GroupMember[] = [];
    for (const standing of standings) {
      const member = await this.#store.member(standing);
      if (member !== null) found.push(member);
    }
    return found;
  }
}

function summary(group: string, members: readonly GroupMember[]): GroupSummary {
  return { group, kind: 'mqctl', state: members.length === 0 ? 'empty' : 'active', members: members.length };
}
