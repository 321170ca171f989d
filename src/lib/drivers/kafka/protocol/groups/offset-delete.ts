import type { Api } from '../api.ts';

export interface OffsetDeleteRequest {
  readonly group: string;
  readonly topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[];
}

export interface OffsetDeleteAnswer {
  readonly errorCode: number;
  readonly outcomes: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly errorCode: number;
  }[];
}

/** OffsetDelete (KIP-496, key 47): forgets what a group has committed in some partitions. */
export const offsetDelete: Api<OffsetDeleteRequest, OffsetDeleteAnswer> = {
  name: 'OffsetDelete',
  key: 47,
  versions: { min: 0, max: 0 },
  flexibleFrom: 1,
  write(writer, { group, topics }) {
    writer.text(group).list(topics, (_, { topic, partitions }) => {
      writer.text(topic).list(partitions, (__, partition) => writer.int32(partition));
    });
  },
  read(reader) {
    const errorCode = reader.int16();
    reader.int32();
    const outcomes = reader.list(() => {
      const topic = reader.text();
      return reader.list(() => ({ topic, partition: reader.int32(), errorCode: reader.int16() }));
    });
    return { errorCode, outcomes: outcomes.flat() };
  },
  errorCode: ({ errorCode }) => errorCode,
};
