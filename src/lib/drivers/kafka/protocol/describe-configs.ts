import type { Api } from './api.ts';

/** Types of resources that have settings (protocol guide, DescribeConfigs; groups since KIP-848). */
export const configResources = { topic: 2, broker: 4, group: 32 } as const;
export type ConfigResource = keyof typeof configResources;

/** ConfigSource of Kafka's admin client: a topic's own setting, as against what it gets from above. */
const dynamicTopicConfig = 1;

export interface DescribeConfigsRequest {
  readonly resource: ConfigResource;
  readonly names: readonly string[];
  /** null: all settings. */
  readonly settings: readonly string[] | null;
}

export interface Setting {
  readonly name: string;
  /** null where the broker keeps it secret. */
  readonly value: string | null;
  readonly readOnly: boolean;
  /** Set for this topic, not inherited. */
  readonly ofTopic: boolean;
  readonly source: number;
}

export type DescribeConfigsAnswer = readonly {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly name: string;
  readonly settings: readonly Setting[];
}[];

/** DescribeConfigs (protocol guide, key 32): of topics and groups any broker knows, of a broker it alone. */
export const describeConfigs: Api<DescribeConfigsRequest, DescribeConfigsAnswer> = {
  name: 'DescribeConfigs',
  key: 32,
  versions: { min: 1, max: 4 },
  flexibleFrom: 4,
  write(writer, { resource, names, settings }, version) {
    writer.list(names, (_, name) => {
      writer.int8(configResources[resource]).text(name);
      writer.list(settings, (__, setting) => writer.text(setting));
      writer.tags();
    });
    writer.boolean(false); // synonyms
    if (version >= 3) writer.boolean(false); // documentation
    writer.tags();
  },
  read(reader, version) {
    reader.int32();
    const results = reader.list(() => {
      const errorCode = reader.int16();
      const errorMessage = reader.nullableText();
      reader.int8(); // resource type
      const name = reader.text();
      const settings = reader.list(() => {
        const setting = reader.text();
        const value = reader.nullableText();
        const readOnly = reader.boolean();
        const source = reader.int8();
        reader.boolean(); // sensitive: then the value is null
        reader.list(() => {
          // A synonym: not asked for.
          reader.text();
          reader.nullableText();
          reader.int8();
          reader.tags();
        });
        if (version >= 3) {
          reader.int8(); // type
          reader.nullableText(); // documentation
        }
        reader.tags();
        return { name: setting, value, readOnly, source, ofTopic: source === dynamicTopicConfig };
      });
      reader.tags();
      return { errorCode, errorMessage, name, settings };
    });
    reader.tags();
    return results;
  },
};
