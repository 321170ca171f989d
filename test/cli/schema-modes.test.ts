import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { assertChecked, first, likeTheSecond, modes, second, unlikeTheSecond } from './schema-modes.ts';
import { workplace } from './workplace.ts';

const execute = promisify(execFile);

test('check in every mode compares the files, or the git revisions, that the mode asks for', async (t) => {
  const { folder, run } = await workplace(t, 'local:shop.db');
  const write = (name: string, schema: object) => writeFile(join(folder, name), JSON.stringify(schema));
  const git = (...words: string[]) =>
    execute('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...words], { cwd: folder });
  await git('init', '--quiet');
  for (const [name, schema] of Object.entries({ first, second })) {
    await write(`${name}.avsc`, schema);
    await write('order.avsc', schema);
    await git('add', 'order.avsc');
    await git('commit', '--quiet', '--message', name);
    await git('tag', `tag-${name}`);
  }
  await write('order.avsc', likeTheSecond);
  await write('unlike.avsc', unlikeTheSecond);
  const check = (schema: string, mode: string, versions: readonly string[]) =>
    run([
      ...['schema', 'check', schema, '--mode', mode, '-o', 'json'],
      ...versions.flatMap((version) => ['--against', version]),
    ]);

  for (const { mode, compared, like, unlike } of modes) {
    const files = ['first.avsc', 'second.avsc'];
    const [byFile, byRevision, other] = await Promise.all([
      check('order.avsc', mode, files),
      check('order.avsc', mode.toLowerCase(), ['git:tag-first', 'git:tag-second']),
      check('unlike.avsc', mode, files),
    ]);
    assertChecked(byFile, { mode, compared, exit: like }, { first: /^first/, second: /^second/ });
    assertChecked(byRevision, { mode, compared, exit: like }, { first: /^tag-first/, second: /^tag-second/ });
    assertChecked(other, { mode, compared, exit: unlike }, { first: /^first/, second: /^second/ });
  }
});
