import type { Api } from '../api.ts';

export interface ListedTransactions {
  readonly errorCode: number;
  readonly transactionalIds: readonly string[];
}

/**
 * ListTransactions (protocol guide, key 66; KIP-664): those of one coordinator that this login may describe. `pattern` (KIP-1152) is
 * for the whole id; below version 2 all are told.
 */
export const listTransactions: Api<{ readonly pattern: string }, ListedTransactions> = {
  name: 'ListTransactions',
  key: 66,
  versions: { min: 0, max: 2 },
  flexibleFrom: 0,
  write(writer, { pattern }, version) {
    writer.list([], () => undefined); // in any state
    writer.list([], () => undefined); // of any producer
    if (version >= 1) writer.int64(-1n); // open for any time
    if (version >= 2) writer.nullableText(pattern);
    writer.tags();
  },
  read(reader) {
    reader.int32();
    const errorCode = reader.int16();
    reader.list(() => reader.text()); // states that it does not know
    const transactionalIds = reader.list(() => {
      const transactionalId = reader.text();
      reader.int64(); // producer
      reader.text(); // state
      reader.tags();
      return transactionalId;
    });
    reader.tags();
    return { errorCode, transactionalIds };
  },
  errorCode: ({ errorCode }) => errorCode,
};
