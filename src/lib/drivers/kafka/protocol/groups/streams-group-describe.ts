import type { Api } from '../api.ts';
import type { ProtocolReader } from '../primitives.ts';
import type { AssignedTopic, DescribedGroup } from './described-group.ts';

/** StreamsGroupDescribe (KIP-1071, key 89). Tasks are told as the partitions of their source topics. */
export const streamsGroupDescribe: Api<readonly string[], readonly DescribedGroup[]> = {
  name: 'StreamsGroupDescribe',
  key: 89,
  versions: { min: 0, max: 0 },
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
      const sources = topology(reader);
      const members = reader.list(() => member(reader, sources));
      reader.int32();
      reader.tags();
      return {
        errorCode,
        errorMessage,
        group,
        state,
        members,
        subscribed: [...new Set([...sources.values()].flat())],
      };
    });
    reader.tags();
    return groups;
  },
};

/** The source topics of each subtopology. */
function topology(reader: ProtocolReader): ReadonlyMap<string, readonly string[]> {
  if (reader.int8() < 0) return new Map();
  reader.int32(); // epoch
  const sources = reader.list(() => {
    const id = reader.text();
    const topics = reader.list(() => reader.text());
    reader.list(() => reader.text()); // repartition sinks
    topicInfos(reader); // state changelogs
    const repartitioned = topicInfos(reader);
    reader.tags();
    return [id, [...topics, ...repartitioned]] as const;
  });
  reader.tags();
  return new Map(sources);
}

function topicInfos(reader: ProtocolReader): string[] {
  return reader.list(() => {
    const name = reader.text();
    reader.int32(); // partitions
    reader.int16(); // replicas
    pairs(reader);
    reader.tags();
    return name;
  });
}

function pairs(reader: ProtocolReader): void {
  reader.list(() => {
    reader.text();
    reader.text();
    reader.tags();
  });
}

function member(reader: ProtocolReader, sources: ReadonlyMap<string, readonly string[]>) {
  const id = reader.text();
  reader.int32(); // member epoch
  const instance = reader.nullableText();
  reader.nullableText(); // rack
  const client = reader.text();
  const host = reader.text();
  reader.int32(); // topology epoch
  reader.text(); // process
  if (reader.int8() >= 0) {
    // The endpoint for interactive queries.
    reader.text();
    reader.uint16();
    reader.tags();
  }
  pairs(reader); // client tags
  taskOffsets(reader);
  taskOffsets(reader);
  const assignment = activeTasks(reader, sources);
  activeTasks(reader, sources); // target
  reader.boolean(); // classic
  reader.tags();
  return { id, instance, client, host, assignment };
}

function taskOffsets(reader: ProtocolReader): void {
  reader.list(() => {
    reader.text();
    reader.int32();
    reader.int64();
    reader.tags();
  });
}

/** Standby and warm-up tasks read no source topics. */
function activeTasks(
  reader: ProtocolReader,
  sources: ReadonlyMap<string, readonly string[]>,
): AssignedTopic[] {
  const [active] = [tasks(reader), tasks(reader), tasks(reader)];
  reader.tags();
  return active.flatMap(({ subtopology, partitions }) =>
    (sources.get(subtopology) ?? []).map((topic) => ({ topic, partitions })),
  );
}

function tasks(reader: ProtocolReader): { subtopology: string; partitions: number[] }[] {
  return reader.list(() => {
    const task = { subtopology: reader.text(), partitions: reader.list(() => reader.int32()) };
    reader.tags();
    return task;
  });
}
