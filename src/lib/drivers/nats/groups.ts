/** Consumers as groups. NATS counts who asks for messages, and does not say who they are. */
import type { ConsumerInfo } from '@nats-io/jetstream';
import { FailedError } from '../../errors.ts';
import { globMatches } from '../../message/glob.ts';
import type { GroupMember, Groups, GroupSummary } from '../driver.ts';
import { allConsumers, consumerNamed, isPush, membersOf } from './consumers.ts';
import type { Session } from './session.ts';
import { shellLine } from '../../shell-line.ts';

/**
 * Describing and deleting throw `NotFoundError`, `UsageError` where several streams have a consumer of that name; deleting throws
 * `FailedError` with code `ACTIVE` where somebody asks for messages just now.
 */
export function groups(session: Session): Groups {
  return {
    async list({ match }, signal) {
      const all = await allConsumers(session, signal);
      return all
        .filter(({ group }) => globMatches(match, group))
        .map(({ group, consumer }) => summaryOf(group, consumer));
    },
    async describe(group, signal) {
      const consumer = await consumerNamed(session, group, null, signal);
      return {
        ...summaryOf(group, consumer),
        coordinator: consumer.cluster?.leader ?? null,
        channels: [consumer.stream_name],
        memberList: memberList(consumer),
        unknown: ['who its members are: NATS only counts the requests that wait for messages'],
      };
    },
    async delete(group, signal) {
      const consumer = await consumerNamed(session, group, null, signal);
      refuseMembers(group, consumer, 'deleted');
      await session.ask(
        `consumer "${group}"`,
        ({ consumers }) => consumers.delete(consumer.stream_name, consumer.name),
        signal,
      );
    },
  };
}

/** `pull` or `push`. */
export function kindOf({ config }: ConsumerInfo): string {
  return isPush(config) ? 'push' : 'pull';
}

/** `paused`, `active` where somebody asks for messages just now, else `empty`. */
export function stateOf(consumer: ConsumerInfo): string {
  if (consumer.paused === true) return 'paused';
  return membersOf(consumer) > 0 ? 'active' : 'empty';
}

function summaryOf(group: string, consumer: ConsumerInfo): GroupSummary {
  return { group, kind: kindOf(consumer), state: stateOf(consumer), members: membersOf(consumer) };
}

/** As many as `membersOf` counts, with numbers for names. */
export function memberList(consumer: ConsumerInfo): readonly GroupMember[] {
  const what = isPush(consumer.config) ? 'subscription' : 'waiting request';
  return Array.from({ length: membersOf(consumer) }, (_, at) => ({
    id: `${what} ${String(at + 1)}`,
    client: null,
    host: null,
    partitions: [{ channel: consumer.stream_name, partition: null }],
    inFlight: null,
    prefetch: null,
  }));
}

/** Throws `FailedError` with code `ACTIVE` where somebody asks for messages just now. */
export function refuseMembers(group: string, consumer: ConsumerInfo, done: string): void {
  const members = membersOf(consumer);
  if (members === 0) return;
  throw new FailedError(
    `the consumer "${group}" is read by ${members === 1 ? 'somebody' : `${String(members)} requests`}, so it cannot be ${done}`,
    { code: 'ACTIVE', hint: shellLine`stop whoever reads: mqctl groups describe ${group}` },
  );
}
