import type { Api } from '../api.ts';
import type { Membership } from '../membership/membership.ts';

export interface OffsetCommitRequest {
  readonly group: string;
  /** null: an operator, which the coordinator takes for a group without members only. */
  readonly member?: Membership | null;
  /**
   * Milliseconds after which the broker may forget them, −1 for its own setting. Only versions 2 to 4 carry it: a number
   * here holds the request to those.
   */
  readonly retentionMs: number;
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly offset: bigint;
      readonly metadata: string | null;
    }[];
  }[];
}

export type OffsetCommitAnswer = readonly {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
}[];

/** OffsetCommit (protocol guide, key 8): a member's, or an operator's with generation −1 and an empty member id. */
export const offsetCommit: Api<OffsetCommitRequest, OffsetCommitAnswer> = commitIn({ min: 2, max: 9 });

/** The same in the versions that carry a retention time (before KIP-211). */
export const offsetCommitWithRetention: Api<OffsetCommitRequest, OffsetCommitAnswer> = commitIn({
  min: 2,
  max: 4,
});

function commitIn(versions: {
  readonly min: number;
  readonly max: number;
}): Api<OffsetCommitRequest, OffsetCommitAnswer> {
  return {
    name: 'OffsetCommit',
    key: 8,
    versions,
    flexibleFrom: 8,
    write(writer, { group, member, retentionMs, topics }, version) {
      writer
        .text(group)
        .int32(member?.generation ?? -1)
        .text(member?.member ?? '');
      if (version >= 7) writer.nullableText(null); // static member
      if (version <= 4) writer.int64(BigInt(retentionMs));
      writer.list(topics, (_, { topic, partitions }) => {
        writer.text(topic);
        writer.list(partitions, (__, { partition, offset, metadata }) => {
          writer.int32(partition).int64(offset);
          if (version >= 6) writer.int32(-1); // leader epoch: unknown
          writer.nullableText(metadata).tags();
        });
        writer.tags();
      });
      writer.tags();
    },
    read(reader, version) {
      if (version >= 3) reader.int32();
      const topics = reader.list(() => {
        const topic = reader.text();
        const partitions = reader.list(() => {
          const outcome = { topic, partition: reader.int32(), errorCode: reader.int16() };
          reader.tags();
          return outcome;
        });
        reader.tags();
        return partitions;
      });
      reader.tags();
      return topics.flat();
    },
  };
}
