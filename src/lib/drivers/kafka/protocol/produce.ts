import type { Api } from './api.ts';

export interface ProduceRequest {
  /** null without a transaction. */
  readonly transactionalId: string | null;
  /** −1: all in-sync replicas. 1: the leader alone. */
  readonly acks: -1 | 1;
  /** Milliseconds that the leader waits for the replicas. */
  readonly timeoutMs: number;
  readonly topic: string;
  /** One record batch for each partition. */
  readonly partitions: readonly { readonly partition: number; readonly batch: Buffer }[];
}

export interface ProducedPartition {
  readonly partition: number;
  readonly errorCode: number;
  /** Offset of the first record of the batch; −1: unknown (the batch was a duplicate of an old one). */
  readonly baseOffset: bigint;
  /** Records that made the broker refuse the batch, by their index in it (KIP-467). */
  readonly refused: readonly { readonly index: number; readonly reason: string | null }[];
  readonly errorMessage: string | null;
}

export interface ProduceAnswer {
  /** Milliseconds for which a quota holds this client back. */
  readonly throttleMs: number;
  readonly partitions: readonly ProducedPartition[];
}

/** Produce (protocol guide, key 0) to one topic. Version 8 names refused records; 9 has nothing more for us. */
export const produce: Api<ProduceRequest, ProduceAnswer> = {
  name: 'Produce',
  key: 0,
  versions: { min: 3, max: 8 },
  flexibleFrom: 9,
  write(writer, request) {
    writer.nullableText(request.transactionalId).int16(request.acks).int32(request.timeoutMs);
    writer.list([request], (_, { topic, partitions }) => {
      writer.text(topic).list(partitions, (__, { partition, batch }) => {
        writer.int32(partition).nullableBytes(batch);
      });
    });
  },
  read(reader, version) {
    const topics = reader.list(() => {
      reader.text();
      return reader.list((): ProducedPartition => {
        const partition = reader.int32();
        const errorCode = reader.int16();
        const baseOffset = reader.int64();
        reader.int64(); // append time
        if (version >= 5) reader.int64(); // log start
        const refused =
          version >= 8 ? reader.list(() => ({ index: reader.int32(), reason: reader.nullableText() })) : [];
        const errorMessage = version >= 8 ? reader.nullableText() : null;
        return { partition, errorCode, baseOffset, refused, errorMessage };
      });
    });
    return { throttleMs: reader.int32(), partitions: topics.flat() };
  },
};
