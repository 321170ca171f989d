import type { Api } from '../api.ts';
import type { Membership } from './membership.ts';

/** Heartbeat (protocol guide, key 12). */
export const heartbeat: Api<Membership, { readonly errorCode: number }> = {
  name: 'Heartbeat',
  key: 12,
  versions: { min: 1, max: 3 },
  flexibleFrom: 4,
  write(writer, { group, generation, member }, version) {
    writer.text(group).int32(generation).text(member);
    if (version >= 3) writer.nullableText(null); // static member
  },
  read(reader) {
    reader.int32();
    return { errorCode: reader.int16() };
  },
};
