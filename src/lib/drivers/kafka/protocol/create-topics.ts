import type { Api } from './api.ts';

export interface CreateTopicRequest {
  readonly topic: string;
  /** −1: the broker's default, this one too (KIP-464). */
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly settings: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

export interface TopicOutcome {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

/** CreateTopics (protocol guide, key 19) of one topic. */
export const createTopics: Api<CreateTopicRequest, TopicOutcome> = {
  name: 'CreateTopics',
  key: 19,
  versions: { min: 4, max: 7 },
  flexibleFrom: 5,
  write(writer, request) {
    writer.list([request], (_, { topic, partitions, replicationFactor, settings }) => {
      writer.text(topic).int32(partitions).int16(replicationFactor);
      writer.list([], () => undefined); // assignments: the broker's
      writer.list(Object.entries(settings), (__, [name, value]) => {
        writer.text(name).nullableText(value).tags();
      });
      writer.tags();
    });
    writer.int32(request.timeoutMs).boolean(false).tags();
  },
  read(reader, version) {
    reader.int32();
    const [outcome] = reader.list(() => {
      reader.text();
      if (version >= 7) reader.uuid();
      const result = { errorCode: reader.int16(), errorMessage: reader.nullableText() };
      if (version >= 5) {
        reader.int32(); // partitions
        reader.int16(); // replication factor
        reader.list(() => {
          reader.text();
          reader.nullableText();
          reader.boolean();
          reader.int8();
          reader.boolean();
          reader.tags();
        });
        reader.tags();
      }
      return result;
    });
    return outcome ?? { errorCode: -1, errorMessage: null };
  },
  errorCode: ({ errorCode }) => errorCode,
};
