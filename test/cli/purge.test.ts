import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { workplace } from './workplace.ts';

const context = 'local:shop.db';

test('a purge keeps an archive, of which everything comes back; a dry run and an unanswered question change nothing', async (t) => {
  const { folder, channel, done, run } = await workplace(t, context);
  const orders = await channel('--partitions', '3');
  const text = Array.from({ length: 50 }, (_, at) => `message ${at.toString()}\n`).join('');
  const waiting = async () =>
    (await done(['consume', orders, '-o', 'value'])).stdout.toString().split('\n').sort().join('\n');
  await done(['produce', orders], text);
  const before = await waiting();

  const dry = await done(['purge', orders, '--dry-run', '-o', 'json']);
  assert.partialDeepStrictEqual(JSON.parse(dry.stdout.toString()), { removed: 0, wouldRemove: 50 });
  const unasked = await run(['purge', orders]);
  assert.equal(unasked.code, 2);
  assert.match(unasked.stderr, /--yes/);
  assert.equal(await waiting(), before);

  const { stderr } = await done(['purge', orders, '--yes']);
  assert.match(stderr, /removed 50 from/);
  const archives = join(folder, 'state', 'mqctl', 'archives');
  const [archive = ''] = await readdir(archives);
  assert.ok(stderr.includes(join(archives, archive)), stderr);
  assert.equal((await done(['consume', orders, '-o', 'value'])).stdout.length, 0);

  await done(['dlq', 'restore', orders, '--file', join(archives, archive), '--yes']);
  assert.equal(await waiting(), before);
  await done(['purge', orders, '--no-archive', '--yes']);
  assert.equal((await readdir(archives)).length, 1);
  const empty = await done(['purge', orders, '--yes']);
  assert.match(empty.stderr, /removed 0/);
  assert.equal((await readdir(archives)).length, 1);
});

test('dlq purge is refused while someone works there, and does not overwrite a file', async (t) => {
  const { channel, done, run } = await workplace(t, context);
  const dlq = await channel();
  await done(['produce', dlq, '--value', 'a']);
  await done(['dlq', 'archive', dlq, '--file', 'kept.ndjson']);
  const overwriting = await run(['dlq', 'purge', dlq, '--file', 'kept.ndjson', '--yes']);
  assert.equal(overwriting.code, 2, overwriting.stderr);
  assert.equal((await done(['consume', dlq, '-o', 'value'])).stdout.toString(), 'a\n');
  await done(['dlq', 'purge', dlq, '--file', 'other.ndjson', '--yes']);
  assert.equal((await done(['consume', dlq, '-o', 'value'])).stdout.length, 0);
});
