import type { Api } from '../api.ts';

/**
 * `Empty`, `Ongoing`, `PrepareCommit`, `PrepareAbort`, `CompleteCommit`, `CompleteAbort`…: from a `Prepare` on it is decided, with
 * a `Complete` the coordinator holds that every partition has its mark.
 */
export interface TransactionState {
  readonly errorCode: number;
  readonly state: string;
  /** After which the broker aborts what is open, as the last producer with this id asked. */
  readonly timeoutMs: number;
  /** Of the last producer with this id. */
  readonly producerId: bigint;
  readonly epoch: number;
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
      const timeoutMs = reader.int32();
      reader.int64(); // begun at
      const producerId = reader.int64();
      const epoch = reader.int16();
      reader.list(() => {
        reader.text();
        reader.list(() => reader.int32());
        reader.tags();
      });
      reader.tags();
      return { errorCode, state, timeoutMs, producerId, epoch };
    });
    return answer ?? { errorCode: 0, state: '', timeoutMs: 0, producerId: -1n, epoch: -1 };
  },
  errorCode: ({ errorCode }) => errorCode,
};
