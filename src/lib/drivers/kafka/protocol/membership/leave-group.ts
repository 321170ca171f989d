import type { Api } from '../api.ts';

/** LeaveGroup (protocol guide, key 13): a member itself, or an operator for it. */
export const leaveGroup: Api<
  { readonly group: string; readonly member: string },
  { readonly errorCode: number }
> = {
  name: 'LeaveGroup',
  key: 13,
  versions: { min: 1, max: 3 },
  flexibleFrom: 4,
  write(writer, { group, member }, version) {
    writer.text(group);
    if (version < 3) writer.text(member);
    else writer.list([member], (_, each) => writer.text(each).nullableText(null));
  },
  read(reader) {
    reader.int32();
    return { errorCode: reader.int16() };
  },
};
