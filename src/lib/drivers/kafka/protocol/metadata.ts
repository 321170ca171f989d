import type { Api } from './api.ts';

export interface BrokerNode {
  readonly node: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

export interface PartitionMetadata {
  readonly errorCode: number;
  readonly partition: number;
  /** −1: it has none. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly inSync: readonly number[];
  readonly offline: readonly number[];
}

export interface TopicMetadata {
  readonly errorCode: number;
  readonly topic: string;
  /** null where the broker is older than topic ids. */
  readonly topicId: string | null;
  readonly internal: boolean;
  readonly partitions: readonly PartitionMetadata[];
}

export interface ClusterMetadata {
  readonly brokers: readonly BrokerNode[];
  readonly cluster: string | null;
  /** With KRaft: some broker that forwards to the controller. */
  readonly controller: number;
  readonly topics: readonly TopicMetadata[];
}

/** Metadata (protocol guide, key 3). `topics: null` asks for all; nothing is created by asking. */
export const metadata: Api<{ readonly topics: readonly string[] | null }, ClusterMetadata> = {
  name: 'Metadata',
  key: 3,
  // From version 4 on a question can say that a missing topic is not to be created: older ones would create it.
  versions: { min: 4, max: 12 },
  flexibleFrom: 9,
  write(writer, { topics }, version) {
    writer.list(topics, (_, topic) => {
      if (version >= 10) writer.uuid('A'.repeat(22));
      writer.nullableText(topic).tags();
    });
    writer.boolean(false);
    if (version >= 8 && version <= 10) writer.boolean(false);
    if (version >= 8) writer.boolean(false);
    writer.tags();
  },
  read(reader, version) {
    reader.int32();
    const brokers = reader.list(() => {
      const broker = {
        node: reader.int32(),
        host: reader.text(),
        port: reader.int32(),
        rack: reader.nullableText(),
      };
      reader.tags();
      return broker;
    });
    const cluster = reader.nullableText();
    const controller = reader.int32();
    const topics = reader.list(() => {
      const errorCode = reader.int16();
      const topic = reader.nullableText() ?? '';
      const topicId = version >= 10 ? reader.uuid() : null;
      const internal = reader.boolean();
      const partitions = reader.list(() => {
        const partition = {
          errorCode: reader.int16(),
          partition: reader.int32(),
          leader: reader.int32(),
          leaderEpoch: version >= 7 ? reader.int32() : -1,
          replicas: reader.list(() => reader.int32()),
          inSync: reader.list(() => reader.int32()),
          offline: version >= 5 ? reader.list(() => reader.int32()) : [],
        };
        reader.tags();
        return partition;
      });
      if (version >= 8) reader.int32();
      reader.tags();
      return { errorCode, topic, topicId, internal, partitions };
    });
    return { brokers, cluster, controller, topics };
  },
};
