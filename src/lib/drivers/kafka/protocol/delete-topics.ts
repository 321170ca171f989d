import type { Api } from './api.ts';
import type { TopicOutcome } from './create-topics.ts';

/** DeleteTopics (protocol guide, key 20) of one topic, by its name. */
export const deleteTopics: Api<{ readonly topic: string; readonly timeoutMs: number }, TopicOutcome> = {
  name: 'DeleteTopics',
  key: 20,
  versions: { min: 1, max: 5 },
  flexibleFrom: 4,
  write(writer, { topic, timeoutMs }) {
    writer
      .list([topic], (_, name) => writer.text(name))
      .int32(timeoutMs)
      .tags();
  },
  read(reader, version) {
    reader.int32();
    const [outcome] = reader.list(() => {
      reader.text();
      const errorCode = reader.int16();
      const errorMessage = version >= 5 ? reader.nullableText() : null;
      reader.tags();
      return { errorCode, errorMessage };
    });
    return outcome ?? { errorCode: -1, errorMessage: null };
  },
  errorCode: ({ errorCode }) => errorCode,
};
