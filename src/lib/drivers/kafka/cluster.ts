import { errorText, MqctlError } from '../../errors.ts';
import type { Cluster, ClusterNode, ClusterStatus } from '../driver.ts';
import { eachInFlight } from './in-flight.ts';
import { describeQuorum } from './protocol/describe-quorum.ts';
import type { Quorum } from './protocol/describe-quorum.ts';
import type { PartitionMetadata, TopicMetadata } from './protocol/metadata.ts';
import { metadata } from './protocol/metadata.ts';
import type { Session } from './session.ts';
import { addressText } from '../../address-text.ts';

/** The first metadata version of each release (Kafka's `MetadataVersion`). */
const releases: readonly (readonly [level: number, release: string])[] = [
  [30, '4.3'],
  [28, '4.2'],
  [26, '4.1'],
  [22, '4.0'],
  [21, '3.9'],
  [20, '3.8'],
  [15, '3.7'],
  [12, '3.6'],
  [9, '3.5'],
  [8, '3.4'],
  [4, '3.3'],
];
/** A controller that is further behind than this does not follow. */
const behindMs = 30_000;

export class KafkaCluster implements Cluster {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async status(signal: AbortSignal): Promise<ClusterStatus> {
    const session = this.#session;
    const { brokers, cluster, topics, controller } = await session.metadata(null, signal);
    const features = await session.features(signal);
    const unknown: string[] = [];
    const problems: string[] = [];
    const quorum = await this.#quorum(unknown, signal);
    const active = quorum?.leader ?? controller;

    const nodes = await eachInFlight([...brokers], async (broker): Promise<ClusterNode> => {
      const running = await session.versionAt(broker.node, metadata, signal).then(
        () => true,
        (thrown: unknown) => {
          if (!(thrown instanceof MqctlError)) throw thrown;
          problems.push(`broker ${String(broker.node)} cannot be reached: ${errorText(thrown)}`);
          return false;
        },
      );
      const role = broker.node === active ? 'controller' : 'broker';
      return { node: String(broker.node), address: addressText(broker), version: null, role, running };
    });
    const live = new Set(brokers.map(({ node }) => node));
    for (const [node, partitions] of missingBrokers(topics, live)) {
      problems.push(`broker ${String(node)} is down: it has a copy of ${count(partitions, 'partition')}`);
      nodes.push({ node: String(node), address: null, version: null, role: 'broker', running: false });
    }
    problems.push(...partitionProblems(topics), ...quorumProblems(quorum));

    const partitions = topics.reduce((sum, topic) => sum + topic.partitions.length, 0);
    const level = features.get('metadata.version');
    const release = releases.find(([first]) => level !== undefined && level >= first)?.[1];
    if (release === undefined) unknown.push('version: the brokers do not tell theirs');
    return {
      system: 'Apache Kafka',
      version: release === undefined ? null : `${release} or later (metadata.version ${String(level)})`,
      cluster,
      nodes,
      problems,
      facts: {
        topics: String(topics.length),
        partitions: String(partitions),
        ...(quorum === null
          ? {}
          : {
              controllers: quorum.voters.map(({ node }) => node).join(', '),
              activeController: String(quorum.leader),
            }),
      },
      unknown,
    };
  }

  /** null before KRaft, or where this login may not ask. */
  async #quorum(unknown: string[], signal: AbortSignal): Promise<Quorum | null> {
    if ((await this.#session.versionAtAny(describeQuorum, signal)) === null) return null;
    const quorum = await this.#session.sendToAny(describeQuorum, null, { signal });
    if (quorum.errorCode === 0) return quorum;
    unknown.push('controllers: not allowed to describe the quorum');
    return null;
  }
}

/** Brokers that hold copies and are not among the living, with how many. */
function missingBrokers(
  topics: readonly TopicMetadata[],
  live: ReadonlySet<number>,
): ReadonlyMap<number, number> {
  const missing = new Map<number, number>();
  for (const { replicas } of topics.flatMap((topic) => topic.partitions)) {
    for (const node of replicas) if (!live.has(node)) missing.set(node, (missing.get(node) ?? 0) + 1);
  }
  return missing;
}

function partitionProblems(topics: readonly TopicMetadata[]): string[] {
  const named = (is: (partition: PartitionMetadata) => boolean): string[] =>
    topics.flatMap(({ topic, partitions }) =>
      partitions.filter(is).map(({ partition }) => `${topic}/${String(partition)}`),
    );
  const offline = named(({ leader }) => leader < 0);
  const underReplicated = named(
    ({ leader, replicas, inSync }) => leader >= 0 && inSync.length < replicas.length,
  );
  return [
    ...(offline.length === 0
      ? []
      : [`${count(offline.length, 'partition')} without a leader: ${someOf(offline)}`]),
    ...(underReplicated.length === 0
      ? []
      : [
          `${count(underReplicated.length, 'partition')} with copies that are behind: ${someOf(underReplicated)}`,
        ]),
  ];
}

function quorumProblems(quorum: Quorum | null): string[] {
  if (quorum === null) return [];
  if (quorum.leader < 0) return ['the controllers have no leader'];
  const newest = Math.max(...quorum.voters.map(({ caughtUpAt }) => caughtUpAt));
  return quorum.voters
    .filter(({ caughtUpAt }) => caughtUpAt >= 0 && newest - caughtUpAt > behindMs)
    .map(
      ({ node, caughtUpAt }) =>
        `controller ${String(node)} is ${String(Math.round((newest - caughtUpAt) / 1000))} s behind`,
    );
}

function someOf(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown}, …` : shown;
}

function count(number: number, what: string): string {
  return `${String(number)} ${what}${number === 1 ? '' : 's'}`;
}
