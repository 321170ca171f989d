/**
 * Packs the package, installs it into an empty folder beside the lowest Node that `engines` names, and runs it from there:
 * what a user gets, not what the repository holds.
 */
import { execFile } from 'node:child_process';
import { glob, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import manifest from '../package.json' with { type: 'json' };

const run = promisify(execFile);
const root = new URL('..', import.meta.url).pathname;
const lowest = manifest.engines.node.replace('>=', '');

const folder = await mkdtemp(join(tmpdir(), 'mqctl-package-'));
try {
  const packed = await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: root });
  const tarball = packed.stdout.trim().split('\n').at(-1) ?? '';
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'empty', private: true, allowScripts: { node: true } }),
  );
  await run('npm', ['install', '--no-audit', '--no-fund', '--omit=dev', `node@${lowest}`, `./${tarball}`], {
    cwd: folder,
  });
  const mqctl = (...words: string[]) =>
    run(join(folder, 'node_modules/.bin/node'), [join(folder, 'node_modules/mqctl/bin/run.js'), ...words], {
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: folder, XDG_CONFIG_HOME: folder, XDG_STATE_HOME: folder },
    });

  const { stdout: version } = await mqctl('--version');
  expect(
    version.includes(`mqctl/${manifest.version}`) && version.includes(`node-v${lowest}`),
    `--version says ${version}`,
  );
  const { stdout: help } = await mqctl('consume', '--help');
  expect(help.includes('EXAMPLES') && help.includes('EXIT STATUS'), 'the help of consume is whole');
  await mqctl('create', 'orders', '--partitions', '2', '-c', 'local:shop.db');
  const { stdout: produced } = await mqctl(
    'produce',
    'orders',
    '-c',
    'local:shop.db',
    '--value',
    'seven',
    '--key',
    'k',
    '-o',
    'json',
  );
  expect(produced.startsWith('{"produced":1,'), `produce says ${produced}`);
  const { stdout: consumed, stderr } = await mqctl('consume', 'orders', '-c', 'local:shop.db');
  expect(consumed.includes('"value":"seven"'), `consume says ${consumed}`);
  expect(stderr === '', `nothing but data is said: ${stderr}`);
  for (const url of ['kafka://127.0.0.1:9', 'amqp://127.0.0.1:9']) {
    const failed: unknown = await mqctl('ls', '-c', url).catch((error: unknown) => error);
    expect(
      failed instanceof Error && 'code' in failed && failed.code === 4,
      `${url} is unreachable with exit 4, so its client is in the package`,
    );
  }
  const bundle = join(folder, 'node_modules/mqctl/dist');
  const licences = await readFile(join(bundle, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
  for (const library of await bundledLibraries(bundle)) {
    const own = join(root, 'node_modules', library);
    const text = await readFile(join(own, 'LICENSE'), 'utf8').catch(() => null);
    expect(
      licences.includes(`\n${library} `) && (text === null || licences.includes(text.trim())),
      `the licence of ${library}, which is bundled, is in the package`,
    );
  }
  console.log(`mqctl ${manifest.version}, packed and installed, runs on Node ${lowest}`);
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** The dependencies that the bundle imports nowhere, so that their code is in it. */
async function bundledLibraries(bundle: string): Promise<readonly string[]> {
  const files = await Array.fromAsync(glob('**/*.js', { cwd: bundle }));
  const code = (await Promise.all(files.map((file) => readFile(join(bundle, file), 'utf8')))).join('\n');
  const bundled = Object.keys(manifest.dependencies).filter(
    (name) => !new RegExp(`(?:from|import\\(|require\\(|resolve\\()\\s*["']${name}[/"']`).test(code),
  );
  expect(bundled.length > 0, 'some libraries are bundled');
  return bundled;
}

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(`not so: ${what}`);
}
