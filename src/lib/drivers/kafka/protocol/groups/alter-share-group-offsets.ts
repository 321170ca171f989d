import type { Api } from '../api.ts';

export interface ShareOffsetsOutcome {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly outcomes: readonly {
    readonly topic: string;
    /** null: all partitions of the topic. */
    readonly partition: number | null;
    readonly errorCode: number;
    readonly errorMessage: string | null;
  }[];
}

/** AlterShareGroupOffsets (KIP-932, key 91): where a share group without members begins to read. */
export const alterShareGroupOffsets: Api<
  {
    readonly group: string;
    readonly topics: readonly {
      readonly topic: string;
      readonly partitions: readonly { readonly partition: number; readonly start: bigint }[];
    }[];
  },
  ShareOffsetsOutcome
> = {
  name: 'AlterShareGroupOffsets',
  key: 91,
  versions: { min: 0, max: 0 },
  flexibleFrom: 0,
  write(writer, { group, topics }) {
    writer.text(group);
    writer.list(topics, (_, { topic, partitions }) => {
      writer.text(topic);
      writer.list(partitions, (__, { partition, start }) => writer.int32(partition).int64(start).tags());
      writer.tags();
    });
    writer.tags();
  },
  read(reader) {
    reader.int32();
    const errorCode = reader.int16();
    const errorMessage = reader.nullableText();
    const outcomes = reader.list(() => {
      const topic = reader.text();
      reader.uuid();
      const partitions = reader.list(() => {
        const partition = reader.int32();
        const outcome = {
          topic,
          partition,
          errorCode: reader.int16(),
          errorMessage: reader.nullableText(),
        };
        reader.tags();
        return outcome;
      });
      reader.tags();
      return partitions;
    });
    reader.tags();
    return { errorCode, errorMessage, outcomes: outcomes.flat() };
  },
  errorCode: ({ errorCode }) => errorCode,
};

/** DeleteShareGroupOffsets (KIP-932, key 92): forgets whole topics. */
export const deleteShareGroupOffsets: Api<
  { readonly group: string; readonly topics: readonly string[] },
  ShareOffsetsOutcome
> = {
  name: 'DeleteShareGroupOffsets',
  key: 92,
  versions: { min: 0, max: 0 },
  flexibleFrom: 0,
  write(writer, { group, topics }) {
    writer.text(group);
    writer.list(topics, (_, topic) => writer.text(topic).tags());
    writer.tags();
  },
  read(reader) {
    reader.int32();
    const errorCode = reader.int16();
    const errorMessage = reader.nullableText();
    const outcomes = reader.list(() => {
      const topic = reader.text();
      reader.uuid();
      const outcome = {
        topic,
        partition: null,
        errorCode: reader.int16(),
        errorMessage: reader.nullableText(),
      };
      reader.tags();
      return outcome;
    });
    reader.tags();
    return { errorCode, errorMessage, outcomes };
  },
  errorCode: ({ errorCode }) => errorCode,
};
