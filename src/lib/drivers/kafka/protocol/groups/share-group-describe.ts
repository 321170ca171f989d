import type { Api } from '../api.ts';
import { assignment } from './consumer-group-describe.ts';
import type { DescribedGroup } from './described-group.ts';

/** ShareGroupDescribe (KIP-932, key 77). Version 0 was an early access that Kafka 4.1 removed. */
export const shareGroupDescribe: Api<readonly string[], readonly DescribedGroup[]> = {
  name: 'ShareGroupDescribe',
  key: 77,
  versions: { min: 1, max: 1 },
  flexibleFrom: 0,
  write(writer, groups) {
    writer
      .list(groups, (_, group) => writer.text(group))
      .boolean(false)
      .tags();
  },
  read(reader) {
    reader.int32();
    const groups = reader.list(() => {
      const errorCode = reader.int16();
      const errorMessage = reader.nullableText();
      const group = reader.text();
      const state = reader.text();
      reader.int32(); // group epoch
      reader.int32(); // assignment epoch
      reader.text(); // assignor
      const members = reader.list(() => {
        const id = reader.text();
        reader.nullableText(); // rack
        reader.int32(); // member epoch
        const client = reader.text();
        const host = reader.text();
        const subscribed = reader.list(() => reader.text());
        const assigned = assignment(reader);
        reader.tags();
        return { member: { id, instance: null, client, host, assignment: assigned }, subscribed };
      });
      reader.int32();
      reader.tags();
      return {
        errorCode,
        errorMessage,
        group,
        state,
        members: members.map(({ member }) => member),
        subscribed: [...new Set(members.flatMap(({ subscribed }) => subscribed))],
      };
    });
    reader.tags();
    return groups;
  },
};
