import type { Api } from '../api.ts';
import type { TransactionIdentity } from './transaction-identity.ts';

/** AddOffsetsToTxn (protocol guide, key 25): the transaction will commit offsets of this group. */
export const addOffsetsToTxn: Api<
  TransactionIdentity & { readonly group: string },
  { readonly errorCode: number }
> = {
  name: 'AddOffsetsToTxn',
  key: 25,
  versions: { min: 0, max: 3 },
  flexibleFrom: 3,
  write(writer, { transactionalId, producerId, epoch, group }) {
    writer.text(transactionalId).int64(producerId).int16(epoch).text(group).tags();
  },
  read(reader) {
    reader.int32();
    return { errorCode: reader.int16() };
  },
  errorCode: ({ errorCode }) => errorCode,
};
