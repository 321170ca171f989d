import { ProtocolReader, ProtocolWriter } from '../primitives.ts';

/** Partitions by topic. */
export type Assignment = ReadonlyMap<string, readonly number[]>;

/** What a consumer wants, in version 0 of the consumer protocol ("ConsumerProtocolSubscription"), which all clients read. */
export function encodeSubscription(topics: readonly string[]): Uint8Array {
  return new ProtocolWriter()
    .int16(0)
    .array(topics, (writer, topic) => writer.string(topic))
    .nullableBytes(null)
    .finish();
}

/** Topics of a subscription of any version: later ones only add behind them. Throws `MalformedError`. */
export function decodeSubscription(bytes: Uint8Array): readonly string[] {
  const reader = new ProtocolReader(bytes);
  reader.int16();
  return reader.array(() => reader.string());
}

/** What a member is given, in version 0 of the consumer protocol ("ConsumerProtocolAssignment"), without user data. */
export function encodeAssignment(assignment: Assignment): Uint8Array {
  return new ProtocolWriter()
    .int16(0)
    .array([...assignment], (writer, [topic, partitions]) => {
      writer.string(topic).array(partitions, (_, partition) => writer.int32(partition));
    })
    .nullableBytes(null)
    .finish();
}

/** Throws `MalformedError`. An empty one is that of a member that gets nothing. */
export function decodeAssignment(bytes: Uint8Array): Assignment {
  if (bytes.length === 0) return new Map();
  const reader = new ProtocolReader(bytes);
  reader.int16();
  return new Map(reader.array(() => [reader.string(), reader.array(() => reader.int32())] as const));
}
