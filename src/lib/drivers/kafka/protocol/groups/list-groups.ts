import type { Api } from '../api.ts';

export interface ListedGroup {
  readonly group: string;
  /** `consumer`, `connect`, `share`, …; empty where offsets were committed without a group protocol. */
  readonly protocolType: string;
  /** null before version 4. */
  readonly state: string | null;
  /** `classic`, `consumer`, `share`, `streams`; null before version 5. */
  readonly type: string | null;
}

export interface ListGroupsAnswer {
  readonly errorCode: number;
  readonly groups: readonly ListedGroup[];
}

/**
 * ListGroups (protocol guide, key 16): those that the asked broker coordinates. States since version 4 (KIP-518), types
 * since version 5 (KIP-848). Empty filters ask for all.
 */
export const listGroups: Api<null, ListGroupsAnswer> = {
  name: 'ListGroups',
  key: 16,
  versions: { min: 0, max: 5 },
  flexibleFrom: 3,
  write(writer, _request, version) {
    if (version >= 4) writer.list([], () => undefined);
    if (version >= 5) writer.list([], () => undefined);
    writer.tags();
  },
  read(reader, version) {
    if (version >= 1) reader.int32();
    const errorCode = reader.int16();
    const groups = reader.list(() => {
      const group = {
        group: reader.text(),
        protocolType: reader.text(),
        state: version >= 4 ? reader.text() : null,
        type: version >= 5 ? reader.text() : null,
      };
      reader.tags();
      return group;
    });
    reader.tags();
    return { errorCode, groups };
  },
};
