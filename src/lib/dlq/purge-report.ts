import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import { PartialError } from '../errors.ts';
import { compressionOf } from '../message/archive-line.ts';
import type { PurgeRequest, PurgeResult } from './purge.ts';

/** Where a purge keeps what it removes: where it was told, else `archives/orders.dlq-20261120T100000-3fa9c2.ndjson.zst` in the state folder. */
export function archiveFor(
  stateFolder: string,
  channel: string,
  file: string | undefined,
): NonNullable<PurgeRequest['archive']> {
  if (file !== undefined) return { path: file, compression: compressionOf(file) };
  const time = new Date().toISOString().replace(/[-:]|\.\d+Z$/g, '');
  // A channel may be named in ways that a file may not.
  const name = channel.replace(/[^\w.-]+/g, '_').slice(0, 100);
  const path = join(stateFolder, 'archives', `${name}-${time}-${randomBytes(3).toString('hex')}.ndjson.zst`);
  return { path, compression: 'zstd' };
}

/** What was done, a sentence each; `restore` says the command that brings a file back. */
export function purgeLines(
  channel: string,
  { archive, archived, removed, kept }: PurgeResult,
  restore: (file: string) => string,
): string[] {
  const lines = [`removed ${removed === null ? 'what there was' : removed.toString()} from "${channel}"`];
  if (archive !== null)
    lines.push(
      `${archived.toString()} ${archived === 1 ? 'is' : 'are'} in ${archive}`,
      `restore: ${restore(archive)}`,
    );
  if (kept !== null) lines.push(`they are resolved, and stay where they are: ${kept}`);
  return lines;
}

/** Throws `PartialError` where some that were archived may still be there. */
export function checkPurged({ uncertain }: PurgeResult): void {
  if (uncertain === 0) return;
  throw new PartialError(
    `${uncertain.toString()} that are in the archive may still be there: somebody else holds them, or no answer came`,
  );
}
