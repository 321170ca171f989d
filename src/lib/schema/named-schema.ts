/** Schemas as the command line names them: a file, one of a git revision, or a subject of the registry. */
import type { Schema, SchemaFormat, SchemaSource } from './engine.ts';
import { engineOf, formatOfFile } from './engines.ts';
import { FailedError, UsageError } from '../errors.ts';
import type { SchemaKey } from './framing/framing.ts';
import type { SchemaRegistry } from './registry/registry.ts';
import { subjectSource } from './registry/schema-source.ts';
import { schemaFile, schemaOfRevision } from './source-file.ts';

export interface NamedSchema {
  readonly schema: Schema;
  /** What frames may carry; none for a file. */
  readonly keys: readonly SchemaKey[];
}

/** Of which kind a schema is by its name on the command line. */
export function kindOf(text: string): 'subject' | 'revision' | 'file' {
  if (text.startsWith('subject:')) return 'subject';
  return text.startsWith('git:') ? 'revision' : 'file';
}

/** `subject:NAME` or `subject:NAME@VERSION`; a version that is not said is null. Throws `UsageError`. */
export function parseSubject(text: string): { readonly subject: string; readonly version: string | null } {
  const [, subject, version] = /^subject:(.+?)(?:@([^@]+))?$/.exec(text) ?? [];
  if (subject === undefined) throw new UsageError(`"${text}" names no subject`);
  return { subject, version: version ?? null };
}

/**
 * `subject:NAME` or `subject:NAME@VERSION` of the registry, `git:REVISION:PATH`, else a file. `registry` is asked for
 * only where it is needed. Throws `UsageError`, `NotFoundError`.
 */
export async function namedSchema(
  text: string,
  format: SchemaFormat | null,
  registry: () => Promise<SchemaRegistry>,
  signal: AbortSignal,
): Promise<NamedSchema> {
  const kind = kindOf(text);
  if (kind === 'subject') return registeredSchema(text, await registry(), signal);
  const engine = await engineOf(formatOfFile(text, format));
  const source = kind === 'file' ? await schemaFile(text) : await revisionSource(text, signal);
  return { schema: engine.parse(source), keys: [] };
}

async function registeredSchema(
  text: string,
  registry: SchemaRegistry,
  signal: AbortSignal,
): Promise<NamedSchema> {
  const { subject, version } = parseSubject(text);
  const found = await subjectSource(registry, subject, version ?? 'latest', signal);
  if (found.schema.format === null)
    throw new FailedError(`"${subject}" at ${registry.address} is of a format that is not known here`);
  const engine = await engineOf(found.schema.format);
  const { id, otherKeys = [] } = found.schema;
  const keys: readonly SchemaKey[] = [
    ...(id === null ? [] : [{ by: 'id', value: id } as const]),
    ...otherKeys,
  ];
  return { schema: engine.parse(found.source), keys };
}

async function revisionSource(text: string, signal: AbortSignal): Promise<SchemaSource> {
  const [, revision, path] = /^git:([^:]+):(.+)$/.exec(text) ?? [];
  if (revision === undefined || path === undefined)
    throw new UsageError(`"${text}" does not say which file of the revision`, {
      hint: `say ${text.replace(/:$/, '')}:PATH`,
    });
  return schemaOfRevision(`${revision}:${path}`, path, signal);
}
