import type { Api } from './api.ts';

export interface FetchPlace {
  readonly partition: number;
  readonly offset: number;
  /** Bytes of this partition at most, save one batch that is larger. */
  readonly maxBytes: number;
}

interface FetchOptions {
  /** Milliseconds that the broker may wait for the first byte. */
  readonly maxWaitMs: number;
  readonly maxBytes: number;
  /** Nothing of open transactions, and the aborted ones are named. */
  readonly readCommitted: boolean;
}

export interface FetchRequest extends FetchOptions {
  readonly topic: string;
  readonly partitions: readonly FetchPlace[];
}

export interface FetchManyRequest extends FetchOptions {
  /** Served front to back until `maxBytes` are full: each topic and partition once. */
  readonly topics: readonly { readonly topic: string; readonly partitions: readonly FetchPlace[] }[];
}

export interface FetchedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: number;
  /** Before it no transaction is open. */
  readonly lastStableOffset: number;
  readonly logStart: number;
  readonly aborted: readonly { readonly producerId: bigint; readonly firstOffset: number }[];
  /** Record batches, the last of them perhaps cut: a view of the answer. */
  readonly records: Buffer;
}

export interface FetchAnswer {
  readonly errorCode: number;
  readonly partitions: readonly FetchedPartition[];
}

/** Fetch (protocol guide, key 1), without a fetch session (KIP-227). Later versions have topic ids instead of names. */
export const fetchMany: Api<FetchManyRequest, FetchAnswer> = {
  name: 'Fetch',
  key: 1,
  versions: { min: 4, max: 11 },
  flexibleFrom: 12,
  write(writer, request, version) {
    writer.int32(-1); // no replica
    writer.int32(request.maxWaitMs).int32(1).int32(request.maxBytes);
    writer.int8(request.readCommitted ? 1 : 0);
    if (version >= 7) writer.int32(0).int32(-1); // no session
    writer.list(request.topics, (_, { topic, partitions }) => {
      writer.text(topic).list(partitions, (__, { partition, offset, maxBytes }) => {
        writer.int32(partition);
        if (version >= 9) writer.int32(-1); // leader epoch: unknown
        writer.int64(BigInt(offset));
        if (version >= 5) writer.int64(-1n); // a follower's log start
        writer.int32(maxBytes);
      });
    });
    if (version >= 7) writer.list([], () => undefined);
    if (version >= 11) writer.text(''); // rack
  },
  read(reader, version) {
    reader.int32();
    const errorCode = version >= 7 ? reader.int16() : 0;
    if (version >= 7) reader.int32();
    const topics = reader.list(() => {
      const topic = reader.text();
      return reader.list((): FetchedPartition => {
        const partition = reader.int32();
        const partitionError = reader.int16();
        const highWatermark = Number(reader.int64());
        const lastStableOffset = Number(reader.int64());
        const logStart = version >= 5 ? Number(reader.int64()) : -1;
        const aborted = reader.list(() => ({
          producerId: reader.int64(),
          firstOffset: Number(reader.int64()),
        }));
        if (version >= 11) reader.int32(); // preferred replica
        const records = reader.nullableBlob() ?? new Uint8Array(0);
        return {
          topic,
          partition,
          errorCode: partitionError,
          highWatermark,
          lastStableOffset,
          logStart,
          aborted,
          records: Buffer.from(records.buffer, records.byteOffset, records.length),
        };
      });
    });
    return { errorCode, partitions: topics.flat() };
  },
};

/** The same of one topic. */
export const fetch: Api<FetchRequest, FetchAnswer> = {
  ...fetchMany,
  write(writer, request, version) {
    fetchMany.write(writer, { ...request, topics: [request] }, version);
  },
};
