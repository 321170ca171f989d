/** Where files of ours lie: the XDG base directories where set, else the platform's own place. */
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

import envPaths from 'env-paths';

type Variables = Readonly<Record<string, string | undefined>>;

/** The context file of this user: `MQCTL_CONFIG`, else `contexts.yaml` in the configuration folder. */
export function contextFile(environment: Variables): string {
  const named = environment['MQCTL_CONFIG'];
  if (named !== undefined && named !== '') return resolve(named);
  return join(xdg(environment['XDG_CONFIG_HOME']) ?? platformFolders().config, 'contexts.yaml');
}

/** Journals, plans, samples, trust, the embedded broker: what outlives a run. */
export function stateFolder(environment: Variables): string {
  // env-paths has the XDG state folder under `log`; elsewhere its `log` is for logs alone.
  const folders = platformFolders();
  return xdg(environment['XDG_STATE_HOME']) ?? (process.platform === 'linux' ? folders.log : folders.data);
}

/** What can be fetched again: schemas by id. */
export function cacheFolder(environment: Variables): string {
  return xdg(environment['XDG_CACHE_HOME']) ?? platformFolders().cache;
}

/** A path as a file says it: `~/` is the home folder, relative is relative to `base`. */
export function pathFrom(base: string, path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : resolve(base, path);
}

function platformFolders(): ReturnType<typeof envPaths> {
  return envPaths('mqctl', { suffix: '' });
}

/** The specification says to ignore a relative path. */
function xdg(folder: string | undefined): string | null {
  return folder !== undefined && isAbsolute(folder) ? join(folder, 'mqctl') : null;
}
