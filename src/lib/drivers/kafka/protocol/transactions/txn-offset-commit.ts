import type { Api } from '../api.ts';
import type { TransactionIdentity } from './transaction-identity.ts';

export interface TxnOffsetCommitRequest extends TransactionIdentity {
  readonly group: string;
  readonly topic: string;
  readonly partitions: readonly {
    readonly partition: number;
    readonly offset: bigint;
    readonly metadata: string | null;
  }[];
}

/**
 * TxnOffsetCommit (protocol guide, key 28), to the group's coordinator: holds once the transaction is committed. As an operator's,
 * not a member's: generation −1.
 */
export const txnOffsetCommit: Api<TxnOffsetCommitRequest, { readonly errorCode: number }> = {
  name: 'TxnOffsetCommit',
  key: 28,
  versions: { min: 0, max: 3 },
  flexibleFrom: 3,
  write(writer, { transactionalId, group, producerId, epoch, topic, partitions }, version) {
    writer.text(transactionalId).text(group).int64(producerId).int16(epoch);
    if (version >= 3) writer.int32(-1).text('').nullableText(null); // no member
    writer.list([topic], (_, name) => {
      writer
        .text(name)
        .list(partitions, (__, { partition, offset, metadata }) => {
          writer.int32(partition).int64(offset);
          if (version >= 2) writer.int32(-1); // leader epoch: unknown
          writer.nullableText(metadata).tags();
        })
        .tags();
    });
    writer.tags();
  },
  read(reader) {
    reader.int32();
    const topics = reader.list(() => {
      reader.text();
      const codes = reader.list(() => {
        reader.int32();
        const code = reader.int16();
        reader.tags();
        return code;
      });
      reader.tags();
      return codes;
    });
    return { errorCode: topics.flat().find((code) => code !== 0) ?? 0 };
  },
  errorCode: ({ errorCode }) => errorCode,
};
