import type { Api } from '../api.ts';
import type { TransactionIdentity } from './transaction-identity.ts';

/** EndTxn (protocol guide, key 26). From version 5 on the producer's epoch changes with each (KIP-890): not used. */
export const endTxn: Api<TransactionIdentity & { readonly commit: boolean }, { readonly errorCode: number }> =
  {
    name: 'EndTxn',
    key: 26,
    versions: { min: 0, max: 3 },
    flexibleFrom: 3,
    write(writer, { transactionalId, producerId, epoch, commit }) {
      writer.text(transactionalId).int64(producerId).int16(epoch).boolean(commit).tags();
    },
    read(reader) {
      reader.int32();
      return { errorCode: reader.int16() };
    },
    errorCode: ({ errorCode }) => errorCode,
  };
