import type { Api } from './api.ts';

/** What can be asked for beside a time in milliseconds since 1970 (protocol guide, ListOffsets). */
export const offsetMarks = {
  latest: -1n,
  earliest: -2n,
  /** Since version 7 (KIP-734). */
  maxTimestamp: -3n,
} as const;

export interface ListOffsetsRequest {
  /** Then the end is the last stable offset: what an open transaction has written lies behind it. */
  readonly readCommitted: boolean;
  readonly topics: readonly {
    readonly topic: string;
    /** Each partition once: the broker answers a second mention with an error. */
    readonly partitions: readonly { readonly partition: number; readonly at: bigint }[];
  }[];
}

export type ListOffsetsAnswer = readonly {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  /** Of the record that was found; −1 for a mark. */
  readonly timestamp: bigint;
  /** −1: no record has that time or a later one. */
  readonly offset: bigint;
}[];

/** ListOffsets (protocol guide, key 2): to the leader of each partition. */
export const listOffsets: Api<ListOffsetsRequest, ListOffsetsAnswer> = {
  name: 'ListOffsets',
  key: 2,
  versions: { min: 2, max: 9 },
  flexibleFrom: 6,
  write(writer, { readCommitted, topics }, version) {
    writer.int32(-1); // no replica
    writer.int8(readCommitted ? 1 : 0);
    writer.list(topics, (_, { topic, partitions }) => {
      writer.text(topic);
      writer.list(partitions, (__, { partition, at }) => {
        writer.int32(partition);
        if (version >= 4) writer.int32(-1); // leader epoch: unknown
        writer.int64(at).tags();
      });
      writer.tags();
    });
    writer.tags();
  },
  read(reader, version) {
    reader.int32();
    const topics = reader.list(() => {
      const topic = reader.text();
      const partitions = reader.list(() => {
        const partition = reader.int32();
        const errorCode = reader.int16();
        const timestamp = reader.int64();
        const offset = reader.int64();
        if (version >= 4) reader.int32(); // leader epoch
        reader.tags();
        return { topic, partition, errorCode, timestamp, offset };
      });
      reader.tags();
      return partitions;
    });
    reader.tags();
    return topics.flat();
  },
};
