import type { Api } from '../api.ts';
import type { ProtocolReader } from '../primitives.ts';
import type { AssignedTopic, DescribedGroup } from './described-group.ts';

/** ConsumerGroupDescribe (KIP-848, key 69): groups whose assignment the broker makes. */
export const consumerGroupDescribe: Api<readonly string[], readonly DescribedGroup[]> = {
  name: 'ConsumerGroupDescribe',
  key: 69,
  versions: { min: 0, max: 1 },
  flexibleFrom: 0,
  write(writer, groups) {
    writer
      .list(groups, (_, group) => writer.text(group))
      .boolean(false)
      .tags();
  },
  read(reader, version) {
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
        const instance = reader.nullableText();
        reader.nullableText(); // rack
        reader.int32(); // member epoch
        const client = reader.text();
        const host = reader.text();
        const subscribed = reader.list(() => reader.text());
        reader.nullableText(); // subscribed by regular expression
        const assigned = assignment(reader);
        assignment(reader); // target
        if (version >= 1) reader.int8(); // member type (KIP-1099)
        reader.tags();
        return { member: { id, instance, client, host, assignment: assigned }, subscribed };
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

/** The `Assignment` structure, as consumer and share groups have it. */
export function assignment(reader: ProtocolReader): AssignedTopic[] {
  const topics = reader.list(() => {
    reader.uuid();
    const topic = { topic: reader.text(), partitions: reader.list(() => reader.int32()) };
    reader.tags();
    return topic;
  });
  reader.tags();
  return topics;
}
