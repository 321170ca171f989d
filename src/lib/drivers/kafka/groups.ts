import { FailedError, NotFoundError } from '../../errors.ts';
import { globMatches } from '../../message/glob.ts';
import type { GroupDescription, GroupMember, Groups, GroupSummary } from '../driver.ts';
import { committedOffsets } from './committed-offsets.ts';
import { allGroups, brokerText, describeAll, groupFailure, namedGroups } from './group-directory.ts';
import type { KnownGroup } from './group-directory.ts';
import { errorCodes } from './protocol/error-codes.ts';
import { deleteGroups } from './protocol/groups/delete-groups.ts';
import type { DescribedGroup, DescribedMember } from './protocol/groups/described-group.ts';
import type { Session } from './session.ts';
import { shellLine } from '../../shell-line.ts';

/** Consumer groups of every kind: classic, KIP-848, share (KIP-932), streams (KIP-1071). Joins none. */
export class KafkaGroups implements Groups {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async list(
    { match }: { readonly match: string | null },
    signal: AbortSignal,
  ): Promise<readonly GroupSummary[]> {
    const groups = (await allGroups(this.#session, signal)).groups.filter(({ group }) =>
      globMatches(match, group),
    );
    const { described } = await describeAll(this.#session, groups, signal);
    return groups
      .map((known) => summary(known, described.get(known.group)))
      .sort((one, other) => (one.group < other.group ? -1 : 1));
  }

  async describe(group: string, signal: AbortSignal): Promise<GroupDescription> {
    const known = await namedGroups(this.#session, [group], signal);
    const { described, silent } = await describeAll(this.#session, known, signal);
    const found = described.get(group);
    const [first] = known;
    if (first === undefined || found === undefined) {
      throw (
        silent.get(group) ??
        new FailedError(`the coordinator of group "${group}" said nothing about it`, { retriable: true })
      );
    }
    const offsets = await committedOffsets(this.#session, known, signal);
    const without = offsets.silent.get(group);
    const committed = (offsets.offsets.get(group) ?? []).map(({ topic }) => topic);
    const assigned = found.members.flatMap(({ assignment }) => assignment.map(({ topic }) => topic));
    return {
      ...summary(first, found),
      coordinator: brokerText(this.#session, first.coordinator),
      channels: [...new Set([...committed, ...assigned, ...found.subscribed])].sort(),
      memberList: found.members.map(memberOf),
      unknown: without === undefined ? [] : [`committed offsets: ${without.message}`],
    };
  }

  async delete(group: string, signal: AbortSignal): Promise<void> {
    await namedGroups(this.#session, [group], signal);
    const [outcome] = await this.#session.sendToCoordinator('group', group, deleteGroups, [group], {
      signal,
    });
    const code = outcome?.errorCode ?? -1;
    if (code === errorCodes.NON_EMPTY_GROUP) throw hasMembers(group, 'deleted');
    if (code === errorCodes.GROUP_ID_NOT_FOUND) throw new NotFoundError('group', group, this.#session.target);
    if (code !== 0) throw groupFailure(this.#session, 'delete', group, code, null);
  }
}

function summary(known: KnownGroup, described: DescribedGroup | undefined): GroupSummary {
  return {
    group: known.group,
    kind: known.kind,
    state: described?.state ?? known.state,
    members: described?.members.length ?? null,
  };
}

/** The static member's own name first, where it has one (KIP-345). */
export function memberId({ id, instance }: DescribedMember): string {
  return instance === null ? id : `${instance} (${id})`;
}

/** With what it was assigned; `inFlight` and `prefetch` are null, since Kafka has neither. */
export function memberOf(member: DescribedMember): GroupMember {
  const { client, host, assignment } = member;
  return {
    id: memberId(member),
    client,
    // The broker sends Java's text of an address: `/10.0.0.1`.
    host: host.replace(/^\//, ''),
    partitions: assignment.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ channel: topic, partition: String(partition) })),
    ),
    inFlight: null,
    prefetch: null,
  };
}

/** The error, with code `ACTIVE`, for a group that has to be empty. `done` ends the sentence: `deleted`, `set`. */
export function hasMembers(group: string, done: string): FailedError {
  return new FailedError(`the group "${group}" has members, so it cannot be ${done}`, {
    code: 'ACTIVE',
    hint: shellLine`stop its consumers first: mqctl groups describe ${group}`,
  });
}
