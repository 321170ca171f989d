import type { Api } from './api.ts';
import { configResources } from './describe-configs.ts';
import type { TopicOutcome } from './create-topics.ts';

/** ConfigOperation of KIP-339. */
const operations = { set: 0, delete: 1 } as const;

export interface AlterTopicConfigsRequest {
  readonly topic: string;
  /** null takes the topic's own value away, so that it inherits one again. */
  readonly changes: readonly { readonly name: string; readonly value: string | null }[];
  /** The broker checks and changes nothing. */
  readonly validateOnly: boolean;
}

/** IncrementalAlterConfigs (KIP-339, key 44) of one topic: all changes or none. */
export const alterTopicConfigs: Api<AlterTopicConfigsRequest, TopicOutcome> = {
  name: 'IncrementalAlterConfigs',
  key: 44,
  versions: { min: 0, max: 1 },
  flexibleFrom: 1,
  write(writer, { topic, changes, validateOnly }) {
    writer.list([topic], (_, name) => {
      writer.int8(configResources.topic).text(name);
      writer.list(changes, (__, change) => {
        writer
          .text(change.name)
          .int8(change.value === null ? operations.delete : operations.set)
          .nullableText(change.value)
          .tags();
      });
      writer.tags();
    });
    writer.boolean(validateOnly).tags();
  },
  read(reader) {
    reader.int32();
    const [outcome] = reader.list(() => {
      const errorCode = reader.int16();
      const errorMessage = reader.nullableText();
      reader.int8(); // resource type
      reader.text();
      reader.tags();
      return { errorCode, errorMessage };
    });
    reader.tags();
    return outcome ?? { errorCode: -1, errorMessage: null };
  },
  errorCode: ({ errorCode }) => errorCode,
};
