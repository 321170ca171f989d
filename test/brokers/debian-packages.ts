/**
 * Servers out of Debian's own packages, without Docker and without root: fetched from the mirror that this machine's apt
 * uses already, by an apt of our own, and unpacked into a folder of the cache. Nothing is installed.
 */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from './cache-folder.ts';

const run = promisify(execFile);

const suites = 'trixie trixie-updates';
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

export interface Architecture {
  readonly debian: string;
  /** The folder of its libraries under `usr/lib`. */
  readonly libraries: string;
  readonly loader: string;
}

/** Debian's names for the processors that Node runs on, and the loader of each. */
const architectures: Readonly<Record<string, Architecture>> = {
  x64: { debian: 'amd64', libraries: 'x86_64-linux-gnu', loader: 'ld-linux-x86-64.so.2' },
  arm64: { debian: 'arm64', libraries: 'aarch64-linux-gnu', loader: 'ld-linux-aarch64.so.1' },
};

/** null: no packages of Debian for this processor. */
export function architecture(): Architecture | null {
  return architectures[process.arch] ?? null;
}

/** What this machine lacks to fetch packages of `what`; null where it lacks nothing. */
export async function missingForPackages(what: string): Promise<string | null> {
  if (process.platform !== 'linux') return `${what} is fetched on Linux only, this is ${process.platform}`;
  if (architecture() === null) return `no ${what} for the processor ${process.arch}`;
  for (const program of ['apt-get', 'dpkg-deb'])
    if ((await programPath(program)) === null) return `no ${program} on this machine`;
  if (!(await exists(keyring)))
    return `no ${keyring}: this is no Debian, or debian-archive-keyring is not installed`;
  return (await aptMirror()) === null ? "apt's sources name no Debian mirror" : null;
}

/**
 * Unpacks packages of Debian 13 into `home`, unless it is there. `finish` gets the folder before it is at its place, to
 * change what is in it.
 */
export async function unpackPackages(
  home: string,
  packages: readonly string[],
  finish: (folder: string) => Promise<void> = async () => undefined,
): Promise<void> {
  if (await exists(home)) return;
  const { debian } = architecture() ?? { debian: process.arch };
  await mkdir(cacheFolder(), { recursive: true });
  // Made beside its place and renamed: a fetch that was cut short leaves nothing half done, two at once do no harm.
  const making = await mkdtemp(`${home}.part-`);
  try {
    const apt = join(making, 'apt');
    const debs = join(making, 'debs');
    for (const folder of [join(apt, 'lists/partial'), join(apt, 'cache/archives/partial'), debs])
      await mkdir(folder, { recursive: true });
    await fetchPackages(apt, debs, packages, debian);
    for (const name of await readdir(debs)) await run('dpkg-deb', ['-x', join(debs, name), making]);
    await rm(apt, { recursive: true });
    await rm(debs, { recursive: true });
    await finish(making);
    await chmod(making, 0o755);
    await rename(making, home).catch(async (error: unknown) => {
      if (!(await exists(home))) throw error;
    });
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

/** A private apt: its own lists and status, so the machine's are neither read nor changed. */
async function fetchPackages(
  apt: string,
  debs: string,
  packages: readonly string[],
  architecture: string,
): Promise<void> {
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

export async function programPath(name: string): Promise<string | null> {
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

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
