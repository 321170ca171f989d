/** Which engine a format has; each is loaded when the first schema of its format is met. */
import { extname } from 'node:path';
import { UsageError } from '../errors.ts';
import { schemaFormats, type FormatEngine, type SchemaFormat } from './engine.ts';

const engines: Readonly<Record<SchemaFormat, () => Promise<FormatEngine>>> = {
  avro: async () => (await import('./avro/engine.ts')).avroEngine,
  protobuf: async () => (await import('./protobuf/engine.ts')).protobufEngine,
  json: async () => (await import('./json/engine.ts')).jsonEngine,
};

const extensions: ReadonlyMap<string, SchemaFormat> = new Map([
  ['.avsc', 'avro'],
  ['.proto', 'protobuf'],
  ['.json', 'json'],
]);

/** Loads what knows this format, and no other. */
export async function engineOf(format: SchemaFormat): Promise<FormatEngine> {
  return engines[format]();
}

/** The format of a file by its name; `said` is what `--format` said, null where it said nothing. Throws `UsageError`. */
export function formatOfFile(name: string, said: SchemaFormat | null): SchemaFormat {
  const format = said ?? extensions.get(extname(name).toLowerCase());
  if (format !== undefined) return format;
  throw new UsageError(`the name "${name}" does not say of which format the schema is`, {
    hint: `say --format ${schemaFormats.join(', --format ')}`,
  });
}

/** How each format travels. */
interface Travel {
  /** What registries call it. */
  readonly type: string;
  readonly contentType: string;
  /** Whether a schema holds several messages, so that the frame of Confluent says which one it is. */
  readonly indexed: boolean;
  /** Whether the payload is JSON itself: nothing is encoded, and what can be decoded may still break the schema. */
  readonly payloadIsJson: boolean;
}

const travels: Readonly<Record<SchemaFormat, Travel>> = {
  avro: { type: 'AVRO', contentType: 'application/json', indexed: false, payloadIsJson: false },
  protobuf: { type: 'PROTOBUF', contentType: 'application/x-protobuf', indexed: true, payloadIsJson: false },
  json: { type: 'JSON', contentType: 'application/json', indexed: false, payloadIsJson: true },
};

/** How the schemas and payloads of this format travel. */
export function travelOf(format: SchemaFormat): Travel {
  return travels[format];
}

/** The format that registries call so; null: one that is not known here. */
export function formatOfRegistry(type: string): SchemaFormat | null {
  return schemaFormats.find((format) => travels[format].type === type) ?? null;
}
