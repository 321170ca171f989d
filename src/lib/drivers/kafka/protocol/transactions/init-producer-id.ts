import type { Api } from '../api.ts';

export interface InitProducerIdRequest {
  readonly transactionalId: string | null;
  readonly timeoutMs: number;
  /** Who had the id until now: refused where somebody else has it by now (KIP-360). Absent: whoever it was. */
  readonly current?: { readonly producerId: bigint; readonly epoch: number };
}

export interface ProducerIdentity {
  readonly errorCode: number;
  readonly producerId: bigint;
  readonly epoch: number;
}

/**
 * InitProducerId (protocol guide, key 22). With a transactional id it fences whoever had it before, and ends their open
 * transaction.
 */
export const initProducerId: Api<InitProducerIdRequest, ProducerIdentity> = {
  name: 'InitProducerId',
  key: 22,
  versions: { min: 0, max: 4 },
  flexibleFrom: 2,
  write(writer, { transactionalId, timeoutMs, current }, version) {
    writer.nullableText(transactionalId).int32(timeoutMs);
    if (version >= 3) writer.int64(current?.producerId ?? -1n).int16(current?.epoch ?? -1);
    writer.tags();
  },
  read(reader) {
    reader.int32();
    return { errorCode: reader.int16(), producerId: reader.int64(), epoch: reader.int16() };
  },
  errorCode: ({ errorCode }) => errorCode,
};
