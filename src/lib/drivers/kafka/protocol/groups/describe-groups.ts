import type { Api } from '../api.ts';
import { MalformedError, ProtocolReader } from '../primitives.ts';
import type { AssignedTopic, DescribedGroup } from './described-group.ts';

/**
 * DescribeGroups (protocol guide, key 15): classic groups only. Any other, and a group that is not there, is answered
 * with the state `Dead`, from version 6 on with GROUP_ID_NOT_FOUND (KIP-1043).
 */
export const describeGroups: Api<readonly string[], readonly DescribedGroup[]> = {
  name: 'DescribeGroups',
  key: 15,
  versions: { min: 0, max: 6 },
  flexibleFrom: 5,
  write(writer, groups, version) {
    writer.list(groups, (_, group) => writer.text(group));
    if (version >= 3) writer.boolean(false);
    writer.tags();
  },
  read(reader, version) {
    if (version >= 1) reader.int32();
    const groups = reader.list(() => {
      const errorCode = reader.int16();
      const errorMessage = version >= 6 ? reader.nullableText() : null;
      const group = reader.text();
      const state = reader.text();
      const protocolType = reader.text();
      reader.text();
      const members = reader.list(() => {
        const id = reader.text();
        const instance = version >= 4 ? reader.nullableText() : null;
        const client = reader.text();
        const host = reader.text();
        const metadata = reader.nullableBlob();
        const assigned = reader.nullableBlob();
        reader.tags();
        // Other protocol types (Connect, schema registries) keep their own bytes here.
        const known = protocolType === 'consumer';
        return {
          member: { id, instance, client, host, assignment: known ? assignment(assigned) : [] },
          subscribed: known ? subscription(metadata) : [],
        };
      });
      if (version >= 3) reader.int32();
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

/** ConsumerProtocolAssignment: later versions only add fields at the end. Made by a client, so it may be anything. */
function assignment(bytes: Uint8Array | null): AssignedTopic[] {
  return fromClient(bytes, (reader) => {
    reader.int16();
    return reader.array(() => ({ topic: reader.string(), partitions: reader.array(() => reader.int32()) }));
  });
}

/** ConsumerProtocolSubscription. */
function subscription(bytes: Uint8Array | null): string[] {
  return fromClient(bytes, (reader) => {
    reader.int16();
    return reader.array(() => reader.string());
  });
}

function fromClient<Item>(bytes: Uint8Array | null, read: (reader: ProtocolReader) => Item[]): Item[] {
  if (bytes === null || bytes.length === 0) return [];
  try {
    return read(new ProtocolReader(bytes));
  } catch (error) {
    if (error instanceof MalformedError) return [];
    throw error;
  }
}
