/** Bundles the command line for a fast start (one shared chunk for the framework) and writes the commands' manifest and the licences of what is bundled. */
import { glob, rm, writeFile } from 'node:fs/promises';
import { Config } from '@oclif/core/config';
import { build } from 'esbuild';
import { thirdPartyLicences } from './third-party-licences.ts';

const commands = await Array.fromAsync(glob('src/commands/**/*.ts'));
await rm('dist', { recursive: true, force: true });
await rm('oclif.manifest.json', { force: true });
const { metafile } = await build({
  entryPoints: ['src/start.ts', 'src/lib/help.ts', 'src/lib/command-not-found.ts', ...commands],
  outdir: 'dist',
  outbase: 'src',
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  sourcemap: false,
  legalComments: 'linked',
  metafile: true,
  // Loaded only when their system or feature is used, and from where npm put them: their own files matter to them.
  external: [
    'typescript', // the framework would read a tsconfig with it, which nothing here asks for
    'amqplib',
    'amqplib/*',
    'inquirer',
    '@inquirer/*',
    'yaml',
    'aws4',
    'limiter',
    '@platformatic/wasm-utils',
    'protobufjs',
    'protobufjs/*',
    'ajv',
    'ajv/*',
    'ajv-draft-04',
  ],
  // The framework is CommonJS inside this ES module bundle.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});

await writeFile('dist/THIRD-PARTY-LICENSES.txt', await thirdPartyLicences(metafile));

const config = await Config.load({ root: process.cwd(), ignoreManifest: true, respectNoCacheDefault: true });
const plugin = config.plugins.get(config.pjson.name);
if (plugin === undefined || plugin.commandIDs.length !== commands.length)
  throw new Error('not every command was built');
await writeFile(
  'oclif.manifest.json',
  JSON.stringify({ ...('manifest' in plugin ? (plugin.manifest as object) : {}) }),
);
