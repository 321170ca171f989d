/** Schemas as the command line names them: a file, or a subject of the registry. */
import type { Schema, SchemaFormat } from './engine.ts';
import { engineOf, formatOfFile } from './engines.ts';
import { FailedError, UsageError } from '../errors.ts';
import type { SchemaKey } from './framing/framing.ts';
import type { SchemaRegistry } from './registry/registry.ts';
import { subjectSource } from './registry/schema-source.ts';
import { schemaFile } from './source-file.ts';

export interface NamedSchema {
  readonly schema: Schema;
  /** What frames carry; null for a file. */
  readonly key: SchemaKey | null;
}

/**
 * `subject:NAME` or `subject:NAME@VERSION` of the registry, else a file. `registry` is asked for only where it is needed.
 * Throws `UsageError`, `NotFoundError`.
 */
export async function namedSchema(
  text: string,
  format: SchemaFormat | null,
  registry: () => Promise<SchemaRegistry>,
  signal: AbortSignal,
): Promise<NamedSchema> {
  const [, subject, version] = /^subject:(.+?)(?:@([^@]+))?$/.exec(text) ?? [];
  if (subject === undefined) {
    if (text.startsWith('subject:')) throw new UsageError(`"${text}" names no subject`);
    const engine = await engineOf(formatOfFile(text, format));
    return { schema: engine.parse(await schemaFile(text)), key: null };
  }
  const opened = await registry();
  const found = await subjectSource(opened, subject, version ?? 'latest', signal);
  if (found.schema.format === null)
    throw new FailedError(`"${subject}" at ${opened.address} is of a format that is not known here`);
  const engine = await engineOf(found.schema.format);
  const { id } = found.schema;
  return { schema: engine.parse(found.source), key: id === null ? null : { by: 'id', value: id } };
}
