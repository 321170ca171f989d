import { FailedError } from '../../errors.ts';
import type { HeldLease, Lease, LeaseHolder } from '../driver.ts';
import { GroupMember } from './group-member.ts';
import { describeGroups } from './protocol/groups/describe-groups.ts';
import { leaveGroup } from './protocol/membership/leave-group.ts';
import type { Session } from './session.ts';

/** What the leader tells everybody: who holds the lease, and as which member. */
interface Notice {
  readonly holder: LeaseHolder;
  readonly member: string;
}

/**
 * One operator for each dead-letter topic, held at the broker: the leader of the group `mqctl-lease.<topic>`, which is its first
 * member. It ends with its holder's session, ten seconds after the last heartbeat at the latest. Whoever comes second is
 * told by the leader who holds it.
 */
export class KafkaLease implements Lease {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async acquire(
    channel: string,
    holder: LeaseHolder,
    takeOver: boolean,
    signal: AbortSignal,
  ): Promise<HeldLease> {
    const group = `mqctl-lease.${channel}`;
    const lost = new AbortController();
    const told: { notice: Notice | null } = { notice: null };
    if (takeOver) await this.#dismissMembers(group, signal);
    let assigned = Promise.withResolvers<void>();
    const member = await GroupMember.join(
      this.#session,
      {
        group,
        protocolType: 'mqctl-lease',
        protocol: 'one',
        metadata: new Uint8Array(0),
        assign: async (members, leader) => {
          const text = Buffer.from(JSON.stringify({ holder, member: leader } satisfies Notice));
          return new Map(members.map((each) => [each.member, text]));
        },
        onAssigned: (assignment) => {
          told.notice = parseNotice(assignment);
          assigned.resolve();
        },
        onLost: () => {
          lost.abort();
        },
      },
      signal,
    );
    const holds = (): boolean => told.notice?.member === member.membership.member;
    const other = told.notice;
    if (!holds() && takeOver && other !== null) {
      assigned = Promise.withResolvers<void>();
      await this.#dismiss(group, other.member, signal);
      // The rebalance makes the next one the leader.
      const overdue = setTimeout(() => assigned.resolve(), this.#session.environment.timeoutMs);
      await assigned.promise;
      clearTimeout(overdue);
    }
    if (!holds()) {
      await member.leave();
      throw heldBy(channel, told.notice);
    }
    return {
      lost: lost.signal,
      release: () => member.leave(),
    };
  }

  /** A killed holder would be waited for until its session ends: joining asks every member to answer. */
  async #dismissMembers(group: string, signal: AbortSignal): Promise<void> {
    const described = await this.#session.sendToCoordinator('group', group, describeGroups, [group], {
      signal,
    });
    for (const { id } of described.flatMap(({ members }) => members)) await this.#dismiss(group, id, signal);
  }

  async #dismiss(group: string, member: string, signal: AbortSignal): Promise<void> {
    await this.#session.sendToCoordinator('group', group, leaveGroup, { group, member }, { signal });
  }
}

function heldBy(channel: string, notice: Notice | null): FailedError {
  const who =
    notice === null
      ? 'somebody else'
      : `${notice.holder.who} on ${notice.holder.host} since ${new Date(notice.holder.since).toISOString()}`;
  return new FailedError(`the dead letters of "${channel}" are being worked on by ${who}`, {
    code: 'HELD',
    hint: 'wait until that run ends, or take over knowingly',
  });
}

/** Null when it is not one of ours. */
function parseNotice(bytes: Uint8Array): Notice | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return null;
  }
  if (!isRecord(parsed) || !isRecord(parsed['holder']) || typeof parsed['member'] !== 'string') return null;
  const { who, host, since } = parsed['holder'];
  if (typeof who !== 'string' || typeof host !== 'string' || typeof since !== 'number') return null;
  if (!Number.isFinite(since) || Math.abs(since) > 8.64e15) return null;
  return { holder: { who, host, since }, member: parsed['member'] };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
