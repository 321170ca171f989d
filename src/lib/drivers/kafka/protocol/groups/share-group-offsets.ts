import type { Api } from '../api.ts';

export interface ShareGroupOffsets {
  readonly group: string;
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly partitions: readonly {
    readonly topic: string;
    readonly partition: number;
    /** All before it is done with; −1: the group has not begun here. */
    readonly start: bigint;
    /** −1: the broker does not say (before KIP-1226). */
    readonly lag: bigint;
    readonly errorCode: number;
  }[];
}

/** DescribeShareGroupOffsets (KIP-932, key 90), all topics of each group; `lag` since version 1 (KIP-1226). */
export const describeShareGroupOffsets: Api<readonly string[], readonly ShareGroupOffsets[]> = {
  name: 'DescribeShareGroupOffsets',
  key: 90,
  versions: { min: 0, max: 1 },
  flexibleFrom: 0,
  write(writer, groups) {
    writer.list(groups, (_, group) => {
      writer
        .text(group)
        .list(null, () => undefined)
        .tags();
    });
    writer.tags();
  },
  read(reader, version) {
    reader.int32();
    const groups = reader.list(() => {
      const group = reader.text();
      const topics = reader.list(() => {
        const topic = reader.text();
        reader.uuid();
        const partitions = reader.list(() => {
          const partition = reader.int32();
          const start = reader.int64();
          reader.int32(); // leader epoch
          const lag = version >= 1 ? reader.int64() : -1n;
          const errorCode = reader.int16();
          reader.nullableText();
          reader.tags();
          return { topic, partition, start, lag, errorCode };
        });
        reader.tags();
        return partitions;
      });
      const errorCode = reader.int16();
      const errorMessage = reader.nullableText();
      reader.tags();
      return { group, errorCode, errorMessage, partitions: topics.flat() };
    });
    reader.tags();
    return groups;
  },
};
