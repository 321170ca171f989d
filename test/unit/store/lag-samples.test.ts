import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

import { LagSamples, type LookToStore } from '../../../src/lib/store/lag-samples.ts';

const start = Date.UTC(2026, 10, 20);
const group = { group: 'billing', channel: 'orders' };
const everything = { since: 0, limit: 1_000 };

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'mqctl-samples-'));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

async function opened(t: TestContext, path: string, bytes?: number): Promise<LagSamples> {
  const samples = await LagSamples.open(path, bytes);
  t.after(() => samples.close());
  return samples;
}

function look(at: number, more: Partial<LookToStore> = {}): LookToStore {
  return {
    ...group,
    at,
    partitions: ['0', '1'],
    numbers: new Float64Array([1, 2, 1, NaN, NaN, 3, 4, 1, at, 4]),
    ...more,
  };
}

test('what was kept is read by another run, the oldest first, unknown stays unknown', async (t) => {
  const path = await folder(t);
  const first = await LagSamples.open(path);
  first.append('kafka://a', [look(start), look(start, { group: null })]);
  first.append('kafka://a', [look(start + 60_000)]);
  first.close();
  const second = await opened(t, path);
  const read = second.read('kafka://a', group, everything);
  assert.deepEqual(
    read.map(({ at }) => at),
    [start, start + 60_000],
  );
  assert.deepEqual(read[0]?.partitions, ['0', '1']);
  assert.deepEqual([...(read[0]?.numbers ?? [])], [1, 2, 1, NaN, NaN, 3, 4, 1, start, 4]);
  assert.equal(second.read('kafka://a', { ...group, group: null }, everything).length, 1);
  assert.equal(second.read('kafka://b', group, everything).length, 0);
});

test('only this user may read the file', async (t) => {
  const path = await folder(t);
  await opened(t, path);
  assert.equal((await stat(join(path, 'lag-samples.db'))).mode & 0o777, 0o600);
});

test('looks that follow each other too soon are left out', async (t) => {
  const samples = await opened(t, await folder(t));
  for (let second = 0; second < 12; second++) samples.append('t', [look(start + second * 1_000)]);
  assert.deepEqual(
    samples.read('t', group, everything).map(({ at }) => (at - start) / 1_000),
    [0, 5, 10],
  );
});

test('of each group only the newest are kept, and those that were asked for are the newest', async (t) => {
  const samples = await opened(t, await folder(t));
  for (let minute = 0; minute < 100; minute++) samples.append('t', [look(start + minute * 60_000)]);
  const kept = samples.read('t', group, everything);
  assert.equal(kept.length, 60);
  assert.equal(kept[0]?.at, start + 40 * 60_000);
  const asked = samples.read('t', group, { since: start + 90 * 60_000, limit: 3 });
  assert.deepEqual(
    asked.map(({ at }) => (at - start) / 60_000),
    [97, 98, 99],
  );
});

test('what is a week old is forgotten', async (t) => {
  const samples = await opened(t, await folder(t));
  samples.append('t', [look(start)]);
  samples.append('t', [look(start + 8 * 86_400_000, { group: 'other' })]);
  assert.equal(samples.read('t', group, everything).length, 0);
});

test('all together stay under the size, the newest of them', async (t) => {
  const samples = await opened(t, await folder(t), 1_000);
  for (let minute = 0; minute < 50; minute++)
    samples.append('t', [look(start + minute * 60_000, { group: `group-${minute.toString()}` })]);
  const left = Array.from({ length: 50 }, (_, at) => at).filter(
    (at) => samples.read('t', { ...group, group: `group-${at.toString()}` }, everything).length > 0,
  );
  assert.ok(left.length > 3 && left.length < 15, left.join());
  assert.equal(left.at(-1), 49);
  assert.equal(left.length, 50 - (left[0] ?? 0));
});

test('a file that is no database is named, and left as it is', async (t) => {
  const path = await folder(t);
  await writeFile(join(path, 'lag-samples.db'), 'something else, quite another thing');
  await assert.rejects(LagSamples.open(path), /could not open .*lag-samples\.db/);
  assert.match(await readFile(join(path, 'lag-samples.db'), 'utf8'), /^something else/);
});

test('several processes at once lose nothing', async (t) => {
  const path = await folder(t);
  const module = fileURLToPath(new URL('../../../src/lib/store/lag-samples.ts', import.meta.url));
  const writer = `
    import { LagSamples } from ${JSON.stringify(module)};
    for (let turn = 0; turn < 20; turn++) {
      const samples = await LagSamples.open(${JSON.stringify(path)});
      const numbers = new Float64Array(5);
      samples.append('t', [{ group: process.argv[1], channel: 'orders', at: ${start.toString()} + turn * 60000, partitions: ['0'], numbers }]);
      samples.close();
    }`;
  const codes = await Promise.all(
    ['one', 'two', 'three'].map(
      (name) =>
        new Promise<number | null>((resolve) => {
          const child = spawn(process.execPath, ['--input-type=module', '-e', writer, name], {
            stdio: ['ignore', 'ignore', 'inherit'],
          });
          child.once('close', resolve);
        }),
    ),
  );
  assert.deepEqual(codes, [0, 0, 0]);
  const samples = await opened(t, path);
  for (const name of ['one', 'two', 'three'])
    assert.equal(samples.read('t', { ...group, group: name }, everything).length, 20, name);
});
