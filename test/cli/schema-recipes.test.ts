import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { cleanEnvironment, scratchFolder } from './run-mqctl.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const order = { type: 'record', name: 'Order', fields: [{ name: 'total', type: 'int' }] };
const field = (more: object) => ({
  ...order,
  fields: [...order.fields, { name: 'note', type: 'string', ...more }],
});

/** The YAML that the documentation shows below this line. */
async function recipe(name: string): Promise<unknown> {
  const text = await readFile(join(root, 'docs', 'schemas.md'), 'utf8');
  const found = text.split(`\n${name}:\n`)[1]?.match(/```yaml\n(.*?)```/s)?.[1];
  assert.ok(found !== undefined, `no recipe for ${name}`);
  return parse(found);
}

/** The steps of a recipe, one after the other, as a runner does it: the first that fails ends it. */
async function runSteps(steps: readonly string[], { folder, environment }: Repository): Promise<number> {
  const script = ['set -eo pipefail', ...steps].join('\n');
  try {
    await run('bash', ['-c', script], { cwd: folder, env: environment });
    return 0;
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'number') return error.code;
    throw error;
  }
}

interface Repository {
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly change: (schema: object) => Promise<void>;
}

/** A clone of a repository whose main branch has a schema, on a branch of its own; `npx mqctl` is this program. */
async function repository(t: TestContext): Promise<Repository> {
  const { path, [Symbol.asyncDispose]: remove } = await scratchFolder();
  t.after(remove);
  const bin = join(path, 'bin');
  await mkdir(bin);
  const npx = `#!/bin/sh\nshift\nexec "${process.execPath}" "${join(root, 'bin', 'run.js')}" "$@"\n`;
  await writeFile(join(bin, 'npx'), npx);
  await chmod(join(bin, 'npx'), 0o755);
  const clean = cleanEnvironment(path);
  const environment = { ...clean, PATH: `${bin}:${clean['PATH'] ?? ''}` };
  const git = (folder: string, ...words: string[]) =>
    run('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...words], {
      cwd: folder,
      env: environment,
    });
  const [origin, folder] = [join(path, 'origin'), join(path, 'clone')];
  await mkdir(join(origin, 'schemas'), { recursive: true });
  await writeFile(join(origin, 'schemas', 'order.avsc'), JSON.stringify(order));
  await git(origin, 'init', '--quiet', '--initial-branch', 'main');
  await git(origin, 'add', '.');
  await git(origin, 'commit', '--quiet', '--message', 'first');
  await git(path, 'clone', '--quiet', origin, folder);
  await git(folder, 'checkout', '--quiet', '-b', 'change');
  return {
    folder,
    environment,
    change: (schema) => writeFile(join(folder, 'schemas', 'order.avsc'), JSON.stringify(schema)),
  };
}

test('the recipe for GitHub Actions: the step fails where data breaks, and leaves SARIF to be uploaded', async (t) => {
  const steps = (await recipe('GitHub Actions')) as readonly {
    readonly run?: string;
    readonly with?: Readonly<Record<string, string>>;
  }[];
  const commands = steps.flatMap(({ run: command }) => command ?? []);
  assert.equal(commands.length, 1);
  const file = steps.flatMap((step) => step.with?.['sarif_file'] ?? [])[0] ?? '';
  const place = await repository(t);
  const results = async () => {
    const text = await readFile(join(place.folder, file), 'utf8');
    return (JSON.parse(text) as { runs: { results: { ruleId: string }[] }[] }).runs[0]?.results;
  };

  await place.change(field({}));
  assert.equal(await runSteps(commands, place), 3);
  assert.deepEqual(
    (await results())?.map(({ ruleId }) => ruleId),
    ['READER_FIELD_MISSING_DEFAULT_VALUE'],
  );
  await place.change(field({ default: '' }));
  assert.equal(await runSteps(commands, place), 0);
  assert.deepEqual(await results(), []);
});

test('the recipe for GitLab CI: the job fails where data breaks, and leaves JUnit as its report', async (t) => {
  const { schemas: job } = (await recipe('GitLab CI')) as {
    schemas: { script: readonly string[]; artifacts: { reports: { junit: string } } };
  };
  const place = await repository(t);
  const report = () => readFile(join(place.folder, job.artifacts.reports.junit), 'utf8');
  await place.change(field({}));
  assert.equal(await runSteps(job.script, place), 3);
  assert.match(await report(), /<testsuite .*tests="1" failures="1"/);
  await place.change(field({ default: '' }));
  assert.equal(await runSteps(job.script, place), 0);
  assert.match(await report(), /<testsuite .*tests="1" failures="0"/);
});
