import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';

import type { Resolving } from '../../../src/lib/config/context.ts';

export interface Sandbox {
  readonly folder: string;
  /** The user's own context file. */
  readonly ownFile: string;
  readonly state: string;
  /** What was warned of so far. */
  readonly warnings: string[];
  /** Writes a file below the folder, mode 0600 unless said otherwise; answers with its path. */
  readonly write: (path: string, text: string, mode?: number) => Promise<string>;
  readonly resolving: (changes?: Partial<Resolving>) => Resolving;
}

/** A folder of its own with the user's file, state and working folder, removed after the test. */
export async function sandbox(t: TestContext): Promise<Sandbox> {
  const folder = await mkdtemp(join(tmpdir(), 'mqctl-config-'));
  t.after(() => rm(folder, { recursive: true }));
  const ownFile = join(folder, 'config', 'mqctl', 'contexts.yaml');
  const warnings: string[] = [];
  await mkdir(join(folder, 'work'));
  return {
    folder,
    ownFile,
    state: join(folder, 'state', 'mqctl'),
    warnings,
    write: async (path, text, mode = 0o600) => {
      const full = join(folder, path);
      await mkdir(dirname(full), { recursive: true });
      await writeFile(full, text, { mode });
      return full;
    },
    resolving: (changes = {}) => ({
      environment: { XDG_CONFIG_HOME: join(folder, 'config'), XDG_STATE_HOME: join(folder, 'state') },
      directory: join(folder, 'work'),
      warn: (text) => warnings.push(text),
      ask: null,
      signal: new AbortController().signal,
      ...changes,
    }),
  };
}
