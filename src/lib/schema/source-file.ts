/** Schemas from files and from git revisions. */
import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { UsageError, errorText } from '../errors.ts';
import type { SchemaSource } from './engine.ts';

const run = promisify(execFile);
/** Larger than any schema that somebody wrote. */
const maxBytes = 16 * 1024 * 1024;

/** Throws `UsageError` where it cannot be read. */
export async function schemaFile(path: string): Promise<SchemaSource> {
  try {
    const { size } = await stat(path);
    if (size > maxBytes)
      throw new Error(`it has ${size.toString()} bytes, and at most ${maxBytes.toString()} are read`);
    return { name: path, text: withoutMark(await readFile(path, 'utf8')), references: [] };
  } catch (error) {
    throw new UsageError(`cannot read the schema ${path}: ${errorText(error)}`, { cause: error });
  }
}

/**
 * A file of a git revision: `main:schemas/order.avsc`, or `main` alone for `path` as it is there. Paths are relative to
 * the working folder, as those of files are. Throws `UsageError` with git's own words.
 */
export async function schemaOfRevision(
  text: string,
  path: string,
  signal: AbortSignal,
): Promise<SchemaSource> {
  const colon = text.indexOf(':');
  const [revision, file] =
    colon === -1 ? [text, path] : [text.slice(0, colon), text.slice(colon + 1) || path];
  if (revision.startsWith('-')) throw new UsageError(`"${revision}" is no revision`);
  const folder = dirname(resolve(file));
  const inside = `./${relative(folder, resolve(file))}`;
  try {
    const { stdout } = await run('git', ['-C', folder, 'show', `${revision}:${inside}`], {
      maxBuffer: maxBytes,
      signal,
    });
    return { name: `${revision}:${file}`, text: withoutMark(stdout), references: [] };
  } catch (error) {
    signal.throwIfAborted();
    const words =
      error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : errorText(error);
    throw new UsageError(`git has no ${revision}:${file}: ${words.split('\n')[0] ?? words}`, {
      cause: error,
    });
  }
}

function withoutMark(text: string): string {
  return text.startsWith('\u{feff}') ? text.slice(1) : text;
}
