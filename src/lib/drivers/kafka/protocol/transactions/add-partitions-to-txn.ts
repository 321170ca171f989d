import type { Api } from '../api.ts';
import type { TransactionIdentity } from './transaction-identity.ts';

/**
 * AddPartitionsToTxn (protocol guide, key 24): what clients send before they write to a partition. Version 4 is for brokers; with
 * `transaction.version` 2 (KIP-890) brokers do it by themselves for Produce of version 12, and still take this one.
 */
export const addPartitionsToTxn: Api<
  TransactionIdentity & { readonly topic: string; readonly partitions: readonly number[] },
  { readonly errorCode: number }
> = {
  name: 'AddPartitionsToTxn',
  key: 24,
  versions: { min: 0, max: 3 },
  flexibleFrom: 3,
  write(writer, { transactionalId, producerId, epoch, topic, partitions }) {
    writer.text(transactionalId).int64(producerId).int16(epoch);
    writer.list([topic], (_, name) => {
      writer
        .text(name)
        .list(partitions, (__, partition) => writer.int32(partition))
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
    // All are refused where one is: the one with a reason of its own counts.
    const codes = topics.flat().filter((code) => code !== 0);
    const notAttempted = 55;
    return { errorCode: codes.find((code) => code !== notAttempted) ?? codes[0] ?? 0 };
  },
  errorCode: ({ errorCode }) => errorCode,
};
