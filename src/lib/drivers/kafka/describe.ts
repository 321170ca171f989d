import { errorText, MqctlError } from '../../errors.ts';
import type { ChannelDescription, PartitionDescription } from '../driver.ts';
import { summaryOf } from './channels.ts';
import { committedOffsets } from './committed-offsets.ts';
import { protocolFailure } from './failures.ts';
import { allGroups } from './group-directory.ts';
import { eachInFlight } from './in-flight.ts';
import { partitionBounds, placeKey } from './partition-bounds.ts';
import { describeConfigs } from './protocol/describe-configs.ts';
import { describeLogDirs } from './protocol/describe-log-dirs.ts';
import type { TopicMetadata } from './protocol/metadata.ts';
import type { Session } from './session.ts';

/** One topic. What this login may not see, or what does not answer, is in `unknown`. Throws `NotFoundError`. */
export async function describeTopic(
  session: Session,
  name: string,
  signal: AbortSignal,
): Promise<ChannelDescription> {
  const topic = await session.topic(name, signal);
  const unknown: string[] = [];
  const orUnknown = async <Value>(what: string, work: Promise<Value>): Promise<Value | null> => {
    try {
      return await work;
    } catch (thrown) {
      if (!(thrown instanceof MqctlError)) throw thrown;
      unknown.push(`${what}: ${errorText(thrown)}`);
      return null;
    }
  };
  const places = topic.partitions.map(({ partition }) => ({ topic: name, partition }));
  const [{ bounds }, settings, groups, bytes] = await Promise.all([
    partitionBounds(session, places, [topic], signal),
    orUnknown('settings', settingsOf(session, name, signal)),
    orUnknown('groups', groupsOf(session, name, signal)),
    orUnknown('size', sizeOf(session, topic, signal)),
  ]);
  const text = (offset: bigint | null | undefined): string | null =>
    (offset ?? null) === null ? null : String(offset);
  const partitionList = topic.partitions
    .toSorted((one, other) => one.partition - other.partition)
    .map(({ partition, leader, replicas, inSync }): PartitionDescription => {
      const bound = bounds.get(placeKey({ topic: name, partition }));
      if (bound?.problem) unknown.push(`offsets of partition ${String(partition)}: ${bound.problem}`);
      return {
        partition: String(partition),
        start: text(bound?.start),
        end: text(bound?.end),
        leader: leader < 0 ? null : String(leader),
        replicas: replicas.map(String),
        inSync: inSync.map(String),
      };
    });
  return {
    ...summaryOf(topic, bounds),
    bytes,
    partitionList,
    settings: settings ?? {},
    bindings: [],
    groups,
    deadLetter: null,
    deadLetterOf: [],
    unknown,
  };
}

/** Those that somebody set for this topic. */
async function settingsOf(
  session: Session,
  name: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const [answer] = await session.sendToAny(
    describeConfigs,
    { resource: 'topic', names: [name], settings: null },
    { signal },
  );
  if (answer === undefined || answer.errorCode !== 0) {
    const subject = { doing: 'read the settings of', kind: 'topic', name, where: session.target } as const;
    throw protocolFailure(answer?.errorCode ?? -1, subject, answer?.errorMessage ?? null);
  }
  return Object.fromEntries(
    answer.settings
      .filter(({ ofTopic }) => ofTopic)
      .map(({ name: setting, value }) => [setting, value ?? '(secret)']),
  );
}

/** Those that have committed an offset of it. */
async function groupsOf(session: Session, name: string, signal: AbortSignal): Promise<readonly string[]> {
  const { groups } = await allGroups(session, signal);
  const { offsets } = await committedOffsets(session, groups, signal);
  return [...offsets]
    .filter(([, places]) => places.some(({ topic, committed }) => topic === name && committed !== null))
    .map(([group]) => group)
    .sort();
}

/** Bytes on the leaders' disks: one copy of what is stored. */
async function sizeOf(session: Session, topic: TopicMetadata, signal: AbortSignal): Promise<number> {
  const leaders = Map.groupBy(
    topic.partitions.filter(({ leader }) => leader >= 0),
    ({ leader }) => leader,
  );
  const sizes = await eachInFlight([...leaders], async ([leader, list]) => {
    const request = { topics: [{ topic: topic.topic, partitions: list.map(({ partition }) => partition) }] };
    const dirs = await session.send(leader, describeLogDirs, request, { signal });
    const failure = dirs.find(({ errorCode }) => errorCode !== 0);
    // Without the right to describe the cluster the list is empty and says so with no code (before version 3).
    if (failure !== undefined || dirs.length === 0) {
      const clusterAuthorizationFailed = 31;
      const subject = {
        doing: 'read the log directories of',
        kind: 'cluster',
        name: session.target,
      } as const;
      throw protocolFailure(failure?.errorCode ?? clusterAuthorizationFailed, {
        ...subject,
        where: session.target,
      });
    }
    return dirs
      .flatMap(({ replicas }) => replicas)
      .filter(({ future }) => !future)
      .reduce((sum, { bytes }) => sum + Number(bytes), 0);
  });
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}
