import { setTimeout as sleep } from 'node:timers/promises';
import { FailedError, MqctlError, UnreachableError } from '../../errors.ts';
import { protocolFailure } from './failures.ts';
import { errorCodes } from './protocol/error-codes.ts';
import { heartbeat } from './protocol/membership/heartbeat.ts';
import { joinGroup } from './protocol/membership/join-group.ts';
import type { JoinGroupAnswer } from './protocol/membership/join-group.ts';
import { leaveGroup } from './protocol/membership/leave-group.ts';
import type { Membership } from './protocol/membership/membership.ts';
import { syncGroup } from './protocol/membership/sync-group.ts';
import { MalformedError } from './protocol/primitives.ts';
import type { Session } from './session.ts';

export interface MemberOptions {
  readonly group: string;
  /** `consumer`, or one of our own. */
  readonly protocolType: string;
  /** The name of how it is assigned, and what this member says about itself. */
  readonly protocol: string;
  readonly metadata: Uint8Array;
  /** Asked of the leader: what each member gets. */
  readonly assign: (
    members: JoinGroupAnswer['members'],
    self: string,
  ) => Promise<ReadonlyMap<string, Uint8Array>>;
  /** After every generation's beginning. */
  readonly onAssigned: (assignment: Uint8Array) => void;
  /** The coordinator does not know this member any more: all that it was assigned may be somebody else's. */
  readonly onLost: (reason: string) => void;
}

/** Brokers allow from 6 s to 30 min by default. */
const sessionMs = 10_000;
const heartbeatMs = 1_000;
/** How long a rebalance may take: the others have so long to come back. */
const rebalanceMs = 30_000;
const pauseMs = 100;

const unknownMember: ReadonlySet<number> = new Set([
  errorCodes.UNKNOWN_MEMBER_ID,
  errorCodes.ILLEGAL_GENERATION,
  errorCodes.FENCED_INSTANCE_ID,
]);

let lanes = 0;

/** A member of a classic consumer group: joins, keeps alive, joins again after each rebalance, leaves. */
export class GroupMember {
  readonly #session: Session;
  readonly #options: MemberOptions;
  readonly #lane = `group-${String((lanes += 1))}`;
  readonly #stop = new AbortController();
  #membership: Membership;
  #life: Promise<void> = Promise.resolve();
  #failure: Error | null = null;

  private constructor(session: Session, options: MemberOptions) {
    this.#session = session;
    this.#options = options;
    this.#membership = { group: options.group, generation: -1, member: '' };
  }

  /** Resolves when it has its first assignment. Throws `DeniedError`, `FailedError`, `UnreachableError`. */
  static async join(session: Session, options: MemberOptions, signal: AbortSignal): Promise<GroupMember> {
    const member = new GroupMember(session, options);
    try {
      await member.#join(signal);
    } catch (thrown) {
      await member.leave();
      throw thrown;
    }
    member.#life = member.#live();
    return member;
  }

  get membership(): Membership {
    return this.#membership;
  }

  /** What ended it: then it is a member no more. */
  get failure(): Error | null {
    return this.#failure;
  }

  /** Idempotent. The others get at once what this one had. */
  async leave(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    await this.#life;
    const { group, member } = this.#membership;
    try {
      if (member !== '')
        await this.#session.sendToCoordinator(
          'group',
          group,
          leaveGroup,
          { group, member },
          { lane: this.#lane },
        );
    } catch (thrown) {
      // Its session ends by itself.
      this.#session.environment.log(`kafka group ${group}: could not leave: ${String(thrown)}`);
    } finally {
      this.#session.closeLane(this.#lane);
    }
  }

  async #live(): Promise<void> {
    const { signal } = this.#stop;
    let lastAnswer = Date.now();
    while (!signal.aborted) {
      try {
        await sleep(heartbeatMs, undefined, { signal });
        const { group } = this.#membership;
        const options = {
          lane: this.#lane,
          signal,
          timeoutMs: Math.min(sessionMs, this.#session.environment.timeoutMs),
        };
        const { errorCode } = await this.#session.sendToCoordinator(
          'group',
          group,
          heartbeat,
          this.#membership,
          options,
        );
        if (errorCode === errorCodes.REBALANCE_IN_PROGRESS) {
          await this.#join(signal);
        } else if (unknownMember.has(errorCode)) {
          this.#forgotten('the group went on without this member');
          await this.#join(signal);
        } else if (
          errorCode === errorCodes.NOT_COORDINATOR ||
          errorCode === errorCodes.COORDINATOR_NOT_AVAILABLE
        ) {
          this.#session.forgetCoordinator('group', group);
          continue;
        } else if (errorCode !== 0 && errorCode !== errorCodes.COORDINATOR_LOAD_IN_PROGRESS) {
          throw this.#refusal(errorCode);
        }
        lastAnswer = Date.now();
      } catch (thrown) {
        if (signal.aborted) return;
        if (Date.now() - lastAnswer > sessionMs) this.#forgotten('the coordinator did not answer');
        const waitable =
          thrown instanceof UnreachableError &&
          Date.now() - lastAnswer < sessionMs + this.#session.environment.timeoutMs;
        if (waitable) continue;
        this.#failure = thrown instanceof Error ? thrown : new Error(String(thrown));
        this.#options.onLost(thrown instanceof MqctlError ? thrown.message : String(thrown));
        return;
      }
    }
  }

  #forgotten(reason: string): void {
    if (this.#membership.member === '') return;
    this.#membership = { ...this.#membership, generation: -1, member: '' };
    this.#options.onLost(reason);
  }

  /** Joins until a generation is complete. */
  async #join(signal: AbortSignal): Promise<void> {
    const { group, protocolType, protocol, metadata } = this.#options;
    const timeoutMs = rebalanceMs + this.#session.environment.timeoutMs;
    const options = { lane: this.#lane, signal, timeoutMs };
    for (;;) {
      const joined = await this.#session.sendToCoordinator(
        'group',
        group,
        joinGroup,
        {
          group,
          sessionMs,
          rebalanceMs,
          member: this.#membership.member,
          protocolType,
          protocols: [{ name: protocol, metadata }],
        },
        options,
      );
      if (joined.errorCode === errorCodes.MEMBER_ID_REQUIRED) {
        this.#membership = { ...this.#membership, member: joined.member };
        continue;
      }
      if (unknownMember.has(joined.errorCode)) {
        this.#forgotten('the group went on without this member');
        continue;
      }
      if (joined.errorCode === errorCodes.REBALANCE_IN_PROGRESS) {
        await sleep(pauseMs, undefined, { signal });
        continue;
      }
      if (joined.errorCode !== 0) throw this.#refusal(joined.errorCode);
      this.#membership = { group, generation: joined.generation, member: joined.member };
      const leads = joined.leader === joined.member;
      const assignments = leads
        ? await this.#readable(() => this.#options.assign(joined.members, joined.member))
        : new Map<string, Uint8Array>();
      const synced = await this.#session.sendToCoordinator(
        'group',
        group,
        syncGroup,
        { ...this.#membership, assignments },
        options,
      );
      if (synced.errorCode === errorCodes.REBALANCE_IN_PROGRESS) continue;
      if (unknownMember.has(synced.errorCode)) {
        this.#forgotten('the group went on without this member');
        continue;
      }
      if (synced.errorCode !== 0) throw this.#refusal(synced.errorCode);
      await this.#readable(() => this.#options.onAssigned(synced.assignment));
      return;
    }
  }

  /** What other members say of themselves, and what the leader gave out, may be anything. */
  async #readable<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (thrown) {
      if (!(thrown instanceof MalformedError)) throw thrown;
      throw new FailedError(
        `what the members of group "${this.#options.group}" share cannot be read: ${thrown.message}`,
        { hint: 'stop them, or use another group', cause: thrown },
      );
    }
  }

  #refusal(code: number): MqctlError {
    const { group } = this.#options;
    if (code === errorCodes.INCONSISTENT_GROUP_PROTOCOL) {
      return new FailedError(`group "${group}" has members that share its partitions in another way`, {
        hint: 'stop them, or use another group',
      });
    }
    return protocolFailure(code, { doing: 'join', kind: 'group', name: group, where: this.#session.target });
  }
}
