/** Files that only their owner may read, replaced whole or not at all. */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { FailedError, UsageError, errorText } from '../errors.ts';

/** Larger than any context file; what is larger is something else. */
const maxBytes = 1024 * 1024;

/** The text of a file, or null when there is none. Throws `UsageError` when it cannot be read or is no text file of that size. */
export async function readSmallFile(path: string): Promise<string | null> {
  try {
    const { size } = await stat(path);
    if (size > maxBytes) throw new UsageError(`${path} is larger than 1 MiB`);
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof UsageError) throw error;
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw new UsageError(`cannot read ${path}: ${errorText(error)}`, { cause: error });
  }
}

/** Writes with mode 0600 beside the file and renames, so that a crash leaves the old or the new one. Throws `FailedError`. */
export async function replaceFile(path: string, text: string): Promise<void> {
  // The rename would replace a link into a dotfiles repository by a file: follow it first.
  const target = await realpath(path).catch(() => path);
  const beside = join(dirname(target), `.${randomUUID()}.tmp`);
  try {
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await using file = await open(beside, 'wx', 0o600);
    await file.writeFile(text);
    await file.sync();
    await rename(beside, target);
  } catch (error) {
    await rm(beside, { force: true });
    throw new FailedError(`cannot write ${path}: ${errorText(error)}`, { cause: error });
  }
}

/** Whether others than the owner may read it. Always false where modes mean nothing. */
export async function readableByOthers(path: string): Promise<boolean> {
  if (process.platform === 'win32') return false;
  const { mode } = await stat(path);
  return (mode & 0o044) !== 0;
}
