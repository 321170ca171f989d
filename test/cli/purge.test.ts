import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { ended, startMqctl } from './run-mqctl.ts';
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

  const { stderr } = await done(['purge', orders, '--yes', '--reason', 'incident 42']);
  assert.match(stderr, /^reason: incident 42$/m);
  assert.match(stderr, /removed 50 from/);
  const archives = join(folder, 'state', 'mqctl', 'archives');
  const [archive = ''] = await readdir(archives);
  assert.ok(stderr.includes(join(archives, archive)), stderr);
  assert.equal((await done(['consume', orders, '-o', 'value'])).stdout.length, 0);

  const restored = await done(['dlq', 'restore', orders, '--file', join(archives, archive), '--yes']);
  assert.match(restored.stderr, /of "[^"]+" at \S+, \S+: incident 42$/m, 'the archive says why');
  assert.equal(await waiting(), before);
  await done(['purge', orders, '--no-archive', '--yes']);
  assert.equal((await readdir(archives)).length, 1);
  const empty = await done(['purge', orders, '--yes']);
  assert.match(empty.stderr, /removed 0/);
  assert.equal((await readdir(archives)).length, 1);
});

test('dlq purge is refused while someone works there, and says who', async (t) => {
  const { channel, done, run, folder } = await workplace(t, context);
  const dlq = await channel();
  const elsewhere = await channel();
  await done(['produce', dlq, '--template', '--value', '{{n}}', '--count', '100']);
  const redrive = [
    'dlq',
    'redrive',
    dlq,
    '--all',
    '--to',
    elsewhere,
    '--yes',
    '--rate',
    '10/s',
    '--no-canary',
  ];
  const working = startMqctl([...redrive, '-c', context], { folder });
  working.stdin?.end();
  const result = ended(working);
  const look = ['consume', elsewhere, '-o', 'value'];
  while (working.exitCode === null && (await done(look)).stdout.length === 0);
  const refused = await run(['dlq', 'purge', dlq, '--yes']);
  working.kill('SIGINT');
  const { code, stderr } = await result;
  assert.equal(code, 130, stderr);
  assert.equal(refused.code, 1, refused.stderr);
  assert.match(refused.stderr, new RegExp(userInfo().username));
  const values = await Promise.all([dlq, elsewhere].map((name) => done(['consume', name, '-o', 'value'])));
  assert.equal(values.flatMap(({ stdout }) => stdout.toString().trim().split('\n')).length, 100);
});

test('dlq purge does not overwrite a file', async (t) => {
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
