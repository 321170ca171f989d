import type { Api } from '../api.ts';
import type { ProtocolReader } from '../primitives.ts';

export interface FetchedOffset {
  readonly topic: string;
  readonly partition: number;
  /** Next to read; −1: nothing committed. */
  readonly committed: bigint;
  readonly metadata: string | null;
  readonly errorCode: number;
}

export interface GroupOffsets {
  /** null before version 8: the one that was asked. */
  readonly group: string | null;
  readonly errorCode: number;
  readonly offsets: readonly FetchedOffset[];
}

/**
 * OffsetFetch (protocol guide, key 9): all that the groups have committed. Below version 8 it takes one group only; to
 * version 9 it names topics, later ones have ids instead.
 *
 * Not asked to be stable: what an open transaction is about to commit is not committed yet, and shall not hold us up.
 */
export const offsetFetch: Api<readonly string[], readonly GroupOffsets[]> = {
  name: 'OffsetFetch',
  key: 9,
  versions: { min: 2, max: 9 },
  flexibleFrom: 6,
  write(writer, groups, version) {
    if (version < 8) {
      writer.text(groups[0] ?? '').list(null, () => undefined);
    } else {
      writer.list(groups, (_, group) => {
        writer.text(group);
        if (version >= 9) writer.nullableText(null).int32(-1);
        writer.list(null, () => undefined).tags();
      });
    }
    if (version >= 7) writer.boolean(false);
    writer.tags();
  },
  read: groupsOf,
};

export interface StableOffsetRequest {
  readonly group: string;
  readonly topic: string;
  readonly partitions: readonly number[];
}

/**
 * The same of some partitions, asked to be stable (KIP-447): where a transaction is about to commit, it has error code
 * UNSTABLE_OFFSET_COMMIT. Of partitions that are not named nothing is said of that where nothing is committed yet.
 */
export const stableOffsetFetch: Api<StableOffsetRequest, readonly GroupOffsets[]> = {
  name: 'OffsetFetch',
  key: 9,
  versions: { min: 7, max: 9 },
  flexibleFrom: 6,
  write(writer, { group, topic, partitions }, version) {
    const named = (): void => {
      writer.list([topic], (_, name) => {
        writer
          .text(name)
          .list(partitions, (__, partition) => writer.int32(partition))
          .tags();
      });
    };
    if (version < 8) {
      writer.text(group);
      named();
    } else {
      writer.list([group], (_, name) => {
        writer.text(name);
        if (version >= 9) writer.nullableText(null).int32(-1);
        named();
        writer.tags();
      });
    }
    writer.boolean(true).tags();
  },
  read: groupsOf,
};

function groupsOf(reader: ProtocolReader, version: number): GroupOffsets[] {
  if (version >= 3) reader.int32();
  if (version < 8) {
    const offsets = topics(reader, version);
    const errorCode = reader.int16();
    return [{ group: null, errorCode, offsets }];
  }
  return reader.list(() => {
    const group = reader.text();
    const offsets = topics(reader, version);
    const errorCode = reader.int16();
    reader.tags();
    return { group, errorCode, offsets };
  });
}

function topics(reader: ProtocolReader, version: number): FetchedOffset[] {
  const offsets = reader.list(() => {
    const topic = reader.text();
    const partitions = reader.list(() => {
      const partition = reader.int32();
      const committed = reader.int64();
      if (version >= 5) reader.int32(); // leader epoch
      const metadata = reader.nullableText();
      const errorCode = reader.int16();
      reader.tags();
      return { topic, partition, committed, metadata, errorCode };
    });
    reader.tags();
    return partitions;
  });
  return offsets.flat();
}
