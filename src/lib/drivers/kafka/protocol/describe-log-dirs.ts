import type { Api } from './api.ts';

export interface ReplicaSize {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: bigint;
  /** A copy that is being moved to another disk: not counted twice. */
  readonly future: boolean;
}

export interface LogDir {
  readonly errorCode: number;
  readonly path: string;
  readonly replicas: readonly ReplicaSize[];
}

/** DescribeLogDirs (protocol guide, key 35): the disks of the broker that is asked. `topics` null: all. */
export const describeLogDirs: Api<
  { readonly topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[] | null },
  readonly LogDir[]
> = {
  name: 'DescribeLogDirs',
  key: 35,
  versions: { min: 1, max: 4 },
  flexibleFrom: 2,
  write(writer, { topics }) {
    writer.list(topics, (_, { topic, partitions }) => {
      writer
        .text(topic)
        .list(partitions, (__, partition) => writer.int32(partition))
        .tags();
    });
    writer.tags();
  },
  read(reader, version) {
    reader.int32();
    if (version >= 3) reader.int16();
    return reader.list((): LogDir => {
      const errorCode = reader.int16();
      const path = reader.text();
      const topics = reader.list(() => {
        const topic = reader.text();
        const partitions = reader.list(() => {
          const partition = reader.int32();
          const bytes = reader.int64();
          reader.int64(); // lag behind the high watermark
          const future = reader.boolean();
          reader.tags();
          return { topic, partition, bytes, future };
        });
        reader.tags();
        return partitions;
      });
      if (version >= 4) {
        reader.int64(); // bytes of the disk
        reader.int64(); // free bytes
      }
      reader.tags();
      return { errorCode, path, replicas: topics.flat() };
    });
  },
};
