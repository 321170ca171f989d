import assert from 'node:assert/strict';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { workplace } from './workplace.ts';

const context = 'local:shop.db';

const lines = (records: readonly unknown[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');

test('an archive only looks, takes what was selected, and is refused where it was changed or something was taken out', async (t) => {
  const { folder, channel, done, run } = await workplace(t, context);
  const dlq = await channel();
  const target = await channel();
  await done(
    ['produce', dlq, '--format', 'ndjson'],
    lines([
      { value: '{"card":"4000","total":7}', headers: [['x-exception-message', 'refused card 4000']] },
      { value: 'plain 4000', headers: [['x-exception-message', 'refused card 4000']] },
      { value: '{"total":8}', headers: [['x-exception-message', 'other']] },
    ]),
  );
  await done(['dlq', 'archive', dlq, '--file', 'two.ndjson', '--filter', 'deadLetter.message != "other"']);
  const text = await readFile(join(folder, 'two.ndjson'), 'utf8');
  assert.match(text.split('\n')[2] ?? '', /^\{"manifest":.*"messages":2,/);
  await done(['dlq', 'archive', dlq, '--id', '0:2', '--file', 'one.ndjson.zst']);
  await done(['dlq', 'restore', target, '--file', 'two.ndjson', '--file', 'one.ndjson.zst', '--yes']);
  const restored = await done(['consume', target, '-o', 'value']);
  assert.equal(restored.stdout.toString(), '{"card":"4000","total":7}\nplain 4000\n{"total":8}\n');
  assert.equal((await done(['dlq', 'inspect', dlq, '-o', 'value'])).stdout.toString().split('\n').length, 4);

  await writeFile(join(folder, 'changed'), text.replace('"total\\":7', '"total\\":9'));
  for (const [file, why] of [
    ['changed', /changed was changed in line 1/],
    ['cut', /cut was cut off in line 3.*--torn/],
  ] as const) {
    if (file === 'cut') await writeFile(join(folder, file), text.slice(0, -30));
    const refused = await run(['dlq', 'restore', target, '--file', file, '--yes']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, why);
  }
  assert.equal((await done(['consume', target, '-o', 'value'])).stdout.length, restored.stdout.length);

  const redact = ['--redact', 'value.card', '--redact', 'headers.x-exception-message'];
  await done(['dlq', 'archive', dlq, '--file', 'shared.ndjson', ...redact]);
  const shared = await readFile(join(folder, 'shared.ndjson'), 'utf8');
  assert.ok(!shared.includes('4000'), shared);
  assert.match(shared, /total\\":7/);
  for (const words of [
    ['dlq', 'restore', target, '--file', 'shared.ndjson', '--yes'],
    ['produce', target, '--format', 'ndjson', '--file', 'shared.ndjson'],
  ]) {
    const refused = await run(words);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /line 1: .*redacted/);
  }
  const overwriting = await run(['dlq', 'archive', dlq, '--file', 'two.ndjson']);
  assert.equal(overwriting.code, 2);
  assert.equal(await readFile(join(folder, 'two.ndjson'), 'utf8'), text);
});

test('what a channel does not take is said before and named by its line; exit 6', async (t) => {
  const { folder, channel, done, run } = await workplace(t, context);
  const dlq = await channel();
  const small = await channel('--setting', 'max.message.bytes=1000');
  await done(
    ['produce', dlq, '--format', 'ndjson'],
    lines([{ value: 'a' }, { value: 'x'.repeat(5_000) }, { value: 'b' }]),
  );
  await done(['dlq', 'archive', dlq, '--file', 'a.ndjson']);
  const { code, stdout, stderr } = await run([
    'dlq',
    'restore',
    small,
    '--file',
    'a.ndjson',
    '--yes',
    '-o',
    'json',
  ]);
  assert.equal(code, 6, stderr);
  assert.match(stderr, /warning: a\.ndjson, line 2/);
  const report: unknown = JSON.parse(stdout.toString());
  assert.partialDeepStrictEqual(report, { messages: 3, restored: 2, failed: 1, unsent: 0 });
  assert.match(stdout.toString(), /"line":2/);
  assert.deepEqual(
    await readdir(folder).then((names) => names.filter((name) => name.includes('partial'))),
    [],
  );
});
