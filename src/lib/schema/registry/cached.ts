import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorText } from '../../errors.ts';
import { readJsonFile, writeJsonFile } from '../../store/json-file.ts';
import { schemaFormats } from '../engine.ts';
import type { SchemaKey } from '../framing/framing.ts';
import type { CompatibilityMode } from '../mode.ts';
import { listOf, objectOf, textOf } from './json.ts';
import type { ReferenceTo, RegisterRequest, RegisteredSchema, SchemaRegistry } from './registry.ts';

/** What stands behind an id, or is a version, never changes: it is asked for once on this machine. */
export class CachedRegistry implements SchemaRegistry {
  readonly #registry: SchemaRegistry;
  readonly #folder: string;
  readonly #log: (line: string) => void;

  /** `identity` is what tells one registry from another. */
  constructor(
    registry: SchemaRegistry,
    identity: readonly string[],
    options: { readonly cacheFolder: string; readonly log: (line: string) => void },
  ) {
    this.#registry = registry;
    this.#folder = join(options.cacheFolder, 'schemas', hash(identity.join('\n')));
    this.#log = options.log;
  }

  get address(): string {
    return this.#registry.address;
  }

  get finds(): SchemaRegistry['finds'] {
    return this.#registry.finds;
  }

  byKey(key: SchemaKey, signal: AbortSignal): Promise<RegisteredSchema | null> {
    return this.#kept(`${key.by} ${key.value}`, () => this.#registry.byKey(key, signal));
  }

  subjects(signal: AbortSignal): Promise<readonly string[]> {
    return this.#registry.subjects(signal);
  }

  versions(subject: string, signal: AbortSignal): Promise<readonly string[] | null> {
    return this.#registry.versions(subject, signal);
  }

  version(subject: string, version: string, signal: AbortSignal): Promise<RegisteredSchema | null> {
    // A deleted subject may come again with other versions, so only ids are kept.
    return this.#registry.version(subject, version, signal);
  }

  mode(subject: string, signal: AbortSignal): Promise<CompatibilityMode | null> {
    return this.#registry.mode(subject, signal);
  }

  register(request: RegisterRequest, signal: AbortSignal): Promise<RegisteredSchema> {
    return this.#registry.register(request, signal);
  }

  async #kept(name: string, ask: () => Promise<RegisteredSchema | null>): Promise<RegisteredSchema | null> {
    const file = join(this.#folder, `${hash(name)}.json`);
    const kept = await readJsonFile(file).then(schemaFrom, () => null); // a damaged one is asked for again
    if (kept !== null) return kept;
    const schema = await ask();
    if (schema === null) return null; // it may be registered in a moment
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await writeJsonFile(file, schema);
    } catch (error) {
      this.#log(`the schema is not kept: ${errorText(error)}`);
    }
    return schema;
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

function schemaFrom(document: unknown): RegisteredSchema | null {
  const fields = objectOf(document);
  const text = textOf(fields['text']);
  const format = schemaFormats.find((known) => known === fields['format']) ?? null;
  if (text === null || format === null) return null;
  return {
    id: textOf(fields['id']),
    subject: textOf(fields['subject']),
    version: textOf(fields['version']),
    format,
    text,
    references: listOf(fields['references']).flatMap((value): ReferenceTo[] => {
      const reference = objectOf(value);
      const [name, subject, version] = ['name', 'subject', 'version'].map(
        (key) => textOf(reference[key]) ?? '',
      );
      return [{ name: name ?? '', subject: subject ?? '', version: version ?? '' }];
    }),
  };
}
