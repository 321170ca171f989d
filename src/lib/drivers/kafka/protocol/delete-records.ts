import type { Api } from './api.ts';

export interface DeleteRecordsRequest {
  readonly topic: string;
  /** What lies before the offset goes. */
  readonly partitions: readonly { readonly partition: number; readonly before: number }[];
  readonly timeoutMs: number;
}

/** DeleteRecords (protocol guide, key 21): to the leader of the partitions. */
export const deleteRecords: Api<
  DeleteRecordsRequest,
  readonly { readonly partition: number; readonly errorCode: number }[]
> = {
  name: 'DeleteRecords',
  key: 21,
  versions: { min: 0, max: 2 },
  flexibleFrom: 2,
  write(writer, request) {
    writer.list([request], (_, { topic, partitions }) => {
      writer
        .text(topic)
        .list(partitions, (__, { partition, before }) => writer.int32(partition).int64(BigInt(before)).tags())
        .tags();
    });
    writer.int32(request.timeoutMs).tags();
  },
  read(reader) {
    reader.int32();
    const topics = reader.list(() => {
      reader.text();
      const partitions = reader.list(() => {
        const partition = reader.int32();
        reader.int64(); // the new start
        const errorCode = reader.int16();
        reader.tags();
        return { partition, errorCode };
      });
      reader.tags();
      return partitions;
    });
    return topics.flat();
  },
};
