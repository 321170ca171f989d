/**
 * Writes `docs/systems/matrix.md`, or with `--check` fails where it is not up to date.
 *
 *     node scripts/matrix.ts [--check]
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { matrixPage } from '../test/contract/suite/matrix.ts';
import { systemNamed, systemNames } from '../test/contract/systems/every-system.ts';

const file = join(dirname(import.meta.dirname), 'docs/systems/matrix.md');
const page = matrixPage(await Promise.all(systemNames.map(systemNamed)));

if (!process.argv.includes('--check')) {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, page);
} else if ((await readFile(file, 'utf8').catch(() => '')) !== page) {
  console.error('docs/systems/matrix.md is not up to date: run "npm run matrix" and commit it');
  process.exitCode = 1;
}
