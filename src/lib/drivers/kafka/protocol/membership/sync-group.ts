import type { Api } from '../api.ts';
import type { Membership } from './membership.ts';

export interface SyncGroupAnswer {
  readonly errorCode: number;
  readonly assignment: Uint8Array;
}

/** SyncGroup (protocol guide, key 14): the leader sends what each member gets, the others nothing. */
export const syncGroup: Api<
  Membership & { readonly assignments: ReadonlyMap<string, Uint8Array> },
  SyncGroupAnswer
> = {
  name: 'SyncGroup',
  key: 14,
  versions: { min: 1, max: 3 },
  flexibleFrom: 4,
  write(writer, { group, generation, member, assignments }, version) {
    writer.text(group).int32(generation).text(member);
    if (version >= 3) writer.nullableText(null); // static member
    writer.list([...assignments], (_, [each, assignment]) => writer.text(each).nullableBytes(assignment));
  },
  read(reader) {
    reader.int32();
    return { errorCode: reader.int16(), assignment: reader.nullableBytes() ?? new Uint8Array(0) };
  },
  errorCode: ({ errorCode }) => errorCode,
};
