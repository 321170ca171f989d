import { ProtocolReader } from '../primitives.ts';

export interface StoredCommit {
  readonly group: string;
  readonly channel: string;
  readonly partition: number;
  /** Milliseconds since 1970, by the coordinator's clock. */
  readonly at: number;
}

/** Versions of the key that are of a committed offset; others are of a group's own state. */
const offsetKeys: ReadonlySet<number> = new Set([0, 1]);
const flexibleSince = 4;

/**
 * A record of `__consumer_offsets` (OffsetCommitKey, OffsetCommitValue of Kafka's coordinator messages); null for what is no
 * commit, a forgotten one, or of a version that is not known. Throws `MalformedError`.
 */
export function readCommit(key: Uint8Array | null, value: Uint8Array | null): StoredCommit | null {
  if (key === null || value === null || key.length < 2 || value.length < 2) return null;
  const keyReader = new ProtocolReader(key, false);
  if (!offsetKeys.has(keyReader.int16())) return null;
  const group = keyReader.text();
  const channel = keyReader.text();
  const partition = keyReader.int32();
  const version = new ProtocolReader(value, false).int16();
  if (version < 0 || version > flexibleSince) return null;
  const reader = new ProtocolReader(value, version >= flexibleSince);
  reader.int16();
  reader.int64(); // the offset
  if (version >= 3) reader.int32(); // leader epoch
  reader.nullableText(); // metadata
  return { group, channel, partition, at: Number(reader.int64()) };
}
