import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

import { UsageError } from '../../errors.ts';

/** Where the file of `local:` alone is. */
const defaultName = 'local.db';

/** `local:` alone: the file of this user, whose folder may be made with it. */
export function isStateFile(url: string): boolean {
  return /^local:$/i.test(url);
}

/**
 * The absolute path of a `local:` URL: `local:` alone is the file in the state folder; a relative path is relative to the
 * current folder; `~/` is the home folder, since no shell expands it behind the colon. Throws `UsageError`.
 */
export function pathOf(url: string, stateFolder: string): string {
  const path = url.replace(/^local:/i, '');
  if (path === '') return join(stateFolder, defaultName);
  if (path.includes('\0')) throw new UsageError('the path of a local: address cannot hold a NUL character');
  // `local://orders.db` would be a file in the root folder, which nobody means.
  if (path.startsWith('//') && !path.startsWith('///'))
    throw new UsageError(`"${url}" names a host, and local: is a file`, {
      hint: `write local:${path.slice(2)} for a file here, or local:/${path.slice(2)} for an absolute path`,
    });
  if (path.startsWith('~/')) return join(homedir(), path.slice(2));
  return resolve(path);
}
