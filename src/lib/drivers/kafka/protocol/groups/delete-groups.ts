import type { Api } from '../api.ts';

export type DeleteGroupsAnswer = readonly { readonly group: string; readonly errorCode: number }[];

/** DeleteGroups (protocol guide, key 42): groups without members, of every type. */
export const deleteGroups: Api<readonly string[], DeleteGroupsAnswer> = {
  name: 'DeleteGroups',
  key: 42,
  versions: { min: 0, max: 2 },
  flexibleFrom: 2,
  write(writer, groups) {
    writer.list(groups, (_, group) => writer.text(group)).tags();
  },
  read(reader) {
    reader.int32();
    const results = reader.list(() => {
      const result = { group: reader.text(), errorCode: reader.int16() };
      reader.tags();
      return result;
    });
    reader.tags();
    return results;
  },
  // Asked for one group, its coordinator may have moved.
  errorCode: (results) => results[0]?.errorCode ?? 0,
};
