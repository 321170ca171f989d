/** What waits in queues. A queue is its own group: those who receive from it share it. */
import type { Backlog, GroupBacklog } from '../../driver.ts';
import { attributesIfThere, depthOf, queuesMatching } from './channels.ts';
import { isFifo } from './queue-name.ts';
import type { Attributes, Session } from './session.ts';

/** So many named queues are asked about at once, each with one request. */
const concurrent = 16;

/** Approximate, as SQS counts; what is delayed counts as waiting. Throws `NotFoundError` for a named queue that is missing. */
export function backlog(session: Session): Backlog {
  return {
    async read({ groups, channels }, signal) {
      const names = namedQueues(groups, channels);
      const found: GroupBacklog[] = [];
      if (names === null) {
        for await (const chunk of queuesMatching(session, null, signal)) {
          const some = await Promise.all(
            chunk.map(async (queue) => {
              const attributes = await attributesIfThere(session, queue, signal);
              return attributes === null ? null : queueBacklog(queue, attributes);
            }),
          );
          found.push(...some.filter((one) => one !== null));
        }
        return found;
      }
      const read = async (queue: string) => queueBacklog(queue, await session.attributes(queue, signal));
      for (let at = 0; at < names.length; at += concurrent)
        found.push(...(await Promise.all(names.slice(at, at + concurrent).map(read))));
      return found;
    },
  };
}

/** Groups and channels are the same here; named as both, it must be in both. */
function namedQueues(
  groups: readonly string[] | null,
  channels: readonly string[] | null,
): readonly string[] | null {
  if (groups === null || channels === null) {
    const names = groups ?? channels;
    return names === null ? null : [...new Set(names)];
  }
  return [...new Set(groups)].filter((name) => channels.includes(name));
}

function queueBacklog(queue: string, attributes: Attributes): GroupBacklog {
  const { waiting, inFlight, delayed } = depthOf(attributes);
  const retention = attributes['MessageRetentionPeriod'];
  return {
    group: null,
    channel: queue,
    kind: isFifo(queue) ? 'fifo' : 'standard',
    state: null,
    members: null,
    partitions: [
      {
        partition: null,
        committed: null,
        start: null,
        end: null,
        waiting: waiting + delayed,
        inFlight,
        oldest: null,
        owner: null,
        rateIn: null,
        rateOut: null,
        lost: null,
        retentionMs: retention === undefined ? null : Number(retention) * 1_000,
      },
    ],
    approximate: true,
    boundedBySize: false,
    notYetCounted: false,
    unknown: [
      'oldest, rates: SQS tells them to CloudWatch alone (ApproximateAgeOfOldestMessage, NumberOfMessages…)',
    ],
    unreachable: [],
  };
}
