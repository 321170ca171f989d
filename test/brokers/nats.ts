/** NATS servers with JetStream, built by Go from their own sources. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from './cache-folder.ts';
import { freePorts } from './free-ports.ts';
import type { Means, RunningBroker } from './running-broker.ts';
import { ServerProcess } from './server-process.ts';

const run = promisify(execFile);

export const natsVersion = '2.15.2';

export interface NatsOptions {
  /** Where clients connect; a free port where absent. */
  readonly port?: number;
  /** What is said beside the ports and the store, in the server's own configuration. */
  readonly configuration?: string;
  /** User and password for the address. */
  readonly login?: { readonly user: string; readonly password: string };
  readonly jetstream?: boolean;
  /** Its own in a cluster. */
  readonly name?: string;
}

function program(): string {
  return join(cacheFolder(), `nats-server-${natsVersion}`);
}

export async function meansToRun(): Promise<Means> {
  if (existsSync(program())) return { able: true };
  try {
    await run('go', ['version'], { timeout: 30_000 });
    return { able: true };
  } catch {
    return {
      able: false,
      reason: `NATS ${natsVersion} is built by Go, and there is none here`,
      remedy: 'install Go 1.25 or newer, or start a server and set MQCTL_TEST_NATS',
    };
  }
}

/** Built at the first call. Only the program is kept: what Go fetched and compiled for it is not needed again. */
async function installation(): Promise<string> {
  const path = program();
  if (existsSync(path)) return path;
  await mkdir(cacheFolder(), { recursive: true });
  const work = await mkdtemp(join(cacheFolder(), 'building-'));
  process.stderr.write(`building NATS ${natsVersion} by Go into ${path}\n`);
  try {
    await run(
      'go',
      ['install', '-trimpath', '-ldflags=-s -w', `github.com/nats-io/nats-server/v2@v${natsVersion}`],
      {
        cwd: work,
        timeout: 15 * 60_000,
        maxBuffer: 16 * 1024 * 1024,
        env: {
          ...process.env,
          GOBIN: join(work, 'bin'),
          GOPATH: join(work, 'path'),
          GOMODCACHE: join(work, 'path', 'modules'),
          GOCACHE: join(work, 'compiled'),
          // So that the folder can be deleted.
          GOFLAGS: '-modcacherw -buildvcs=false',
        },
      },
    );
    // Whole or not at all; who built at the same time and was first is as good.
    await rename(join(work, 'bin', 'nats-server'), path);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return path;
}

/** At `nats://[user:password@]127.0.0.1:…`, with a store of its own that is deleted with it. */
export async function startNats(options: NatsOptions = {}): Promise<RunningBroker> {
  const [free] = await freePorts(1);
  const port = options.port ?? free;
  const command = await installation();
  const folder = await mkdtemp(join(tmpdir(), 'mqctl-nats-'));
  const configuration = join(folder, 'nats.conf');
  await writeFile(
    configuration,
    [
      'host: 127.0.0.1',
      `port: ${String(port)}`,
      `server_name: ${options.name ?? 'mqctl-test'}`,
      ...(options.jetstream === false ? [] : [`jetstream { store_dir: ${JSON.stringify(folder)} }`]),
      options.configuration ?? '',
    ].join('\n'),
  );
  const server = new ServerProcess({
    name: 'nats',
    command,
    arguments: ['-c', configuration],
    logFile: join(folder, 'server.log'),
    ready: (output) => output.includes('Server is ready'),
    readyWithinMs: 60_000,
  });
  const stop = async () => {
    await server.end('SIGTERM');
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await server.start();
  } catch (error) {
    await stop();
    throw error;
  }
  const { login } = options;
  const address = `nats://${login === undefined ? '' : `${login.user}:${login.password}@`}127.0.0.1:${String(port)}`;
  return {
    address,
    environment: { MQCTL_TEST_NATS: address },
    get pid() {
      return server.pid;
    },
    stop,
    kill: () => server.end('SIGKILL'),
    restart: async () => {
      await server.end('SIGTERM');
      await server.start();
    },
  };
}

/** A login, so that a wrong one can be told apart. */
export const testLogin = { user: 'mqctl', password: 'test-password' };

/** The server that a group of tests shares. */
export function startSharedNats(options: { readonly port?: number } = {}): Promise<RunningBroker> {
  return startNats({
    ...options,
    login: testLogin,
    configuration: `authorization { user: ${testLogin.user}, password: ${testLogin.password} }`,
  });
}
