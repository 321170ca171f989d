import type { Api } from './api.ts';

export type DescribeProducersRequest = readonly {
  readonly topic: string;
  readonly partitions: readonly number[];
}[];

export type DescribeProducersAnswer = readonly {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  /** Who wrote there of late, and was not forgotten yet. */
  readonly producers: readonly {
    readonly producerId: bigint;
    /** Of the coordinator that ended its last transaction here; −1: it had none. */
    readonly coordinatorEpoch: number;
    /** Where its open transaction begins; −1: it has none. */
    readonly openSince: bigint;
  }[];
}[];

/** DescribeProducers (protocol guide, key 61; KIP-664): to the leader of each partition. */
export const describeProducers: Api<DescribeProducersRequest, DescribeProducersAnswer> = {
  name: 'DescribeProducers',
  key: 61,
  versions: { min: 0, max: 0 },
  flexibleFrom: 0,
  write(writer, topics) {
    writer.list(topics, (_, { topic, partitions }) => {
      writer.text(topic);
      writer.list(partitions, (__, partition) => writer.int32(partition));
      writer.tags();
    });
    writer.tags();
  },
  read(reader) {
    reader.int32();
    const topics = reader.list(() => {
      const topic = reader.text();
      const partitions = reader.list(() => {
        const partition = reader.int32();
        const errorCode = reader.int16();
        reader.nullableText();
        const producers = reader.list(() => {
          const producerId = reader.int64();
          reader.int32(); // epoch
          reader.int32(); // last sequence number
          reader.int64(); // last time
          const producer = { producerId, coordinatorEpoch: reader.int32(), openSince: reader.int64() };
          reader.tags();
          return producer;
        });
        reader.tags();
        return { topic, partition, errorCode, producers };
      });
      reader.tags();
      return partitions;
    });
    reader.tags();
    return topics.flat();
  },
};
