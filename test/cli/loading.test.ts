import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systems } from '../../src/lib/drivers/registry.ts';
import { cleanEnvironment, ended, scratchFolder } from './run-mqctl.ts';

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const preload = join(import.meta.dirname, 'list-loaded.mjs');

/** The sources and packages that the built program loads for these words, by the notes that the bundler leaves. */
async function loadedBy(words: readonly string[]): Promise<ReadonlySet<string>> {
  await using scratch = await scratchFolder();
  const list = join(scratch.path, 'loaded');
  const child = spawn(process.execPath, ['--import', preload, program, ...words], {
    cwd: scratch.path,
    env: cleanEnvironment(scratch.path, { LOADED_MODULES: list, AWS_EC2_METADATA_DISABLED: 'true' }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  await ended(child);
  const modules = new Set<string>();
  for (const url of new Set((await readFile(list, 'utf8')).split('\n'))) {
    if (!url.startsWith('file:')) continue;
    modules.add(url.replace(/^.*\/node_modules\//, 'node_modules/'));
    if (!url.includes('/dist/')) continue;
    const text = await readFile(fileURLToPath(url), 'utf8');
    for (const [, path] of text.matchAll(/^\s*\/\/ ((?:src|node_modules)\/\S+)$/gm)) modules.add(path ?? '');
  }
  return modules;
}

const driverOf = (module: string): string | null =>
  /^src\/lib\/drivers\/([^/]+)\/(?!declaration\.ts$)/.exec(module)?.[1] ?? null;
const clients = /^node_modules\/(kafkajs|amqplib|@aws-sdk|@smithy|@nats-io|@redis)\//;

test('help loads no driver and no client of any system', async () => {
  const modules = [...(await loadedBy(['--help']))];
  assert.ok(modules.length > 3, 'something is loaded at all');
  assert.deepEqual(
    modules.filter((module) => driverOf(module) !== null || clients.test(module)),
    [],
  );
});

/** What others than the driver itself use of a folder: signing in to AWS, and queues, to which SNS leads. */
const shared: Readonly<Record<string, readonly string[]>> = { aws: ['sqs', 'sns', 'kinesis'] };

/** Nothing answers there, so that nothing more than the driver itself is loaded. */
function unreachable(scheme: string, exampleUrl: string): string {
  if (scheme === 'local') return 'local:./shop.db';
  const regional = /^\w+:\/\/[a-z]+-[a-z]+-\d/.test(exampleUrl);
  return regional
    ? `${scheme}://key:secret@us-east-1?endpoint=http://127.0.0.1:9`
    : `${scheme}://127.0.0.1:9`;
}

for (const { declaration } of systems) {
  const [scheme = ''] = declaration.schemes;
  test(`${declaration.system} loads no other system's driver`, async () => {
    const words = ['ls', '-c', unreachable(scheme, declaration.exampleUrl), '--timeout', '1s'];
    const modules = [...(await loadedBy(words))];
    const drivers = new Set(modules.map(driverOf).filter((driver) => driver !== null));
    const whole = modules
      .filter((module) => /^src\/lib\/drivers\/[^/]+\/index\.ts$/.test(module))
      .map(driverOf);
    assert.equal(whole.length, 1, [...drivers].join(' '));
    const [own] = whole;
    for (const driver of drivers)
      assert.ok(driver === own || shared[driver]?.includes(own ?? '') === true, `${driver} for ${own ?? ''}`);
  });
}
