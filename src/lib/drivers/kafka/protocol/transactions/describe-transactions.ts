import type { Api } from '../api.ts';

/**
 * `Empty`, `Ongoing`, `PrepareCommit`, `PrepareAbort`, `CompleteCommit`, `CompleteAbort`…: from a `Prepare` on it is decided, with
 * a `Complete` every partition has its mark.
 */
export interface TransactionState {
  readonly errorCode: number;
  readonly state: string;
}

/** DescribeTransactions (protocol guide, key 65; KIP-664), of one transactional id. */
export const describeTransactions: Api<string, TransactionState> = {
  name: 'DescribeTransactions',
  key: 65,
  versions: { min: 0, max: 0 },
  flexibleFrom: 0,
  write(writer, transactionalId) {
    writer.list([transactionalId], (_, id) => writer.text(id)).tags();
  },
  read(reader) {
    reader.int32();
    const [answer] = reader.list(() => {
      const errorCode = reader.int16();
      reader.text();
      const state = reader.text();
      reader.int32();
      reader.int64();
      reader.int64();
      reader.int16();
      reader.list(() => {
        reader.text();
        reader.list(() => reader.int32());
        reader.tags();
      });
      reader.tags();
      return { errorCode, state };
    });
    return answer ?? { errorCode: 0, state: '' };
  },
  errorCode: ({ errorCode }) => errorCode,
};
