import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface Invocation {
  readonly input?: string | Uint8Array;
  readonly folder: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** A folder of its own for contexts, state and files; `using` removes it. */
export async function scratchFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'mqctl-cli-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Starts the real program, as a shell would, with nothing of this machine's own settings. */
export function startMqctl(words: readonly string[], { folder, environment }: Invocation): ChildProcess {
  return spawn(process.execPath, [program, ...words], {
    cwd: folder,
    env: cleanEnvironment(folder, environment),
    stdio: 'pipe',
  });
}

/** Runs the real program to its end. */
export async function mqctl(words: readonly string[], invocation: Invocation): Promise<Ended> {
  const child = startMqctl(words, invocation);
  child.stdin?.on('error', () => undefined); // it may end before it has read everything
  child.stdin?.end(invocation.input ?? '');
  return ended(child);
}

/** Everything that it says until it ends. */
export async function ended(child: ChildProcess): Promise<Ended> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) =>
      resolve({ code, signal, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }),
    );
  });
}

export function cleanEnvironment(
  folder: string,
  more: Readonly<Record<string, string>> = {},
): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    HOME: folder,
    XDG_CONFIG_HOME: join(folder, 'config'),
    XDG_STATE_HOME: join(folder, 'state'),
    XDG_CACHE_HOME: join(folder, 'cache'),
    ...more,
  };
}
