/** What can be read only once, kept in a file for as long as it is needed: to look at all of it before anything is done. */
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileSource, type Source } from './source.ts';

export interface Spool {
  /** The same content from its beginning, each time: a source is read only once. */
  open(): Source;
  remove(): Promise<void>;
}

/**
 * Reads all of the source into a file with mode 0600, which is there until `remove`. Throws what reading throws, and
 * `AbortError`; then nothing is left behind.
 */
export async function spool({ name, chunks }: Source, signal: AbortSignal): Promise<Spool> {
  const folder = await mkdtemp(join(tmpdir(), 'mqctl-input-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const path = join(folder, 'input');
    await pipeline(chunks, createWriteStream(path, { mode: 0o600 }), { signal });
    return { open: () => ({ ...fileSource(path), name }), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
