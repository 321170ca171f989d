import type { Api } from './api.ts';

export interface QuorumVoter {
  readonly node: number;
  readonly logEnd: bigint;
  /** Milliseconds since 1970; −1: unknown. */
  readonly caughtUpAt: number;
}

export interface Quorum {
  readonly errorCode: number;
  /** The active controller; −1: none. */
  readonly leader: number;
  readonly voters: readonly QuorumVoter[];
}

/** DescribeQuorum (KIP-595, key 55): the controllers of a KRaft cluster. */
export const describeQuorum: Api<null, Quorum> = {
  name: 'DescribeQuorum',
  key: 55,
  versions: { min: 0, max: 1 },
  flexibleFrom: 0,
  write(writer) {
    writer.list(['__cluster_metadata'], (_, topic) => {
      writer
        .text(topic)
        .list([0], (__, partition) => writer.int32(partition).tags())
        .tags();
    });
    writer.tags();
  },
  read(reader, version) {
    const errorCode = reader.int16();
    const replica = (): QuorumVoter => {
      const node = reader.int32();
      const logEnd = reader.int64();
      if (version >= 1) reader.int64(); // last fetch
      const caughtUpAt = version >= 1 ? Number(reader.int64()) : -1;
      reader.tags();
      return { node, logEnd, caughtUpAt };
    };
    const topics = reader.list(() => {
      reader.text();
      const partitions = reader.list((): Quorum => {
        reader.int32();
        const partitionError = reader.int16();
        const leader = reader.int32();
        reader.int32(); // epoch
        reader.int64(); // high watermark
        const voters = reader.list(replica);
        reader.list(replica); // observers: the brokers
        reader.tags();
        return { errorCode: errorCode === 0 ? partitionError : errorCode, leader, voters };
      });
      reader.tags();
      return partitions;
    });
    return topics.flat()[0] ?? { errorCode, leader: -1, voters: [] };
  },
};
