/**
 * Redis 8 and Valkey 8 without Docker and without root: the packages of Debian 13 unpacked into the cache folder, run by
 * the loader of their own C library, so that they run on an older Debian, too.
 */
import { join } from 'node:path';
import { cacheFolder } from './cache-folder.ts';
import { architecture, exists, missingForPackages, unpackPackages } from './debian-packages.ts';
import type { Means } from './running-broker.ts';

const servers = ['redis-server', 'redis-tools', 'valkey-server', 'valkey-tools'];
const libraries =
  'libc6 libssl3t64 libstdc++6 libgcc-s1 libsystemd0 libcap2 libzstd1 liblzma5 zlib1g libjemalloc2 liblzf1 libatomic1 ' +
  'libhiredis1.1.0 liblua5.1-0 lua-cjson lua-bitop';

/** The program, and the words that stand before its own. */
export interface Program {
  readonly command: string;
  readonly arguments: readonly string[];
}

export type RedisKind = 'redis' | 'valkey';

function installationFolder(): string {
  return join(cacheFolder(), 'redis-and-valkey-8');
}

/** They need a Debian's apt to be fetched; once fetched, nothing but Linux. */
export async function meansToRun(): Promise<Means> {
  if (await exists(installationFolder())) return { able: true };
  const reason = await missingForPackages('Redis');
  if (reason === null) return { able: true };
  const remedy =
    'start Redis and Valkey yourself ("docker compose up -d redis valkey") and name them in MQCTL_TEST_REDIS and MQCTL_TEST_VALKEY';
  return { able: false, reason, remedy };
}

/** Fetches both into the cache folder unless they are there already; says on stderr what it fetches. */
export function serverProgram(kind: RedisKind): Promise<Program> {
  return program(`${kind}-server`);
}

export function cliProgram(kind: RedisKind): Promise<Program> {
  return program(`${kind}-cli`);
}

async function program(name: string): Promise<Program> {
  const home = installationFolder();
  if (!(await exists(home))) {
    const means = await meansToRun();
    if (!means.able) throw new Error(`${means.reason}: ${means.remedy}`);
    process.stderr.write(`fetching Redis and Valkey by apt-get (15 MB, once) into ${home}\n`);
    await unpackPackages(home, [...servers, ...libraries.split(' ')]);
  }
  const own = architecture();
  if (own === null) throw new Error(`no Redis for the processor ${process.arch}`);
  const folder = join(home, 'usr/lib', own.libraries);
  return {
    command: join(folder, own.loader),
    // The server is one of several names of one program, which asks how it was called.
    arguments: ['--argv0', name, '--library-path', folder, join(home, 'usr/bin', name)],
  };
}
