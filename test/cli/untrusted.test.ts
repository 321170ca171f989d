import assert from 'node:assert/strict';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { mqctl, scratchFolder } from './run-mqctl.ts';
import { attack, colour, controlsIn, onTerminal, withoutTerminal } from './terminal.ts';

const shop = ['-c', 'local:shop.db'];

describe('what comes from a broker is shown by a terminal and not obeyed', () => {
  const record = JSON.stringify({
    value: `payload ${attack}${colour}`,
    key: `key ${attack}${colour}`,
    headers: [[`name ${attack}${colour}`, `header ${attack}${colour}`]],
  });
  const json = JSON.stringify({ value: JSON.stringify({ nested: `${'long '.repeat(40)}${attack}` }) });

  for (const format of ['pretty', 'ndjson', 'value', 'table', 'fmt=%t %k %h %s\\n'])
    test(`in payload, key, header name and value, by -o ${format}`, { skip: withoutTerminal }, async () => {
      await using folder = await scratchFolder();
      const produced = await mqctl(['produce', 'orders', '--create', '--format', 'ndjson', ...shop], {
        folder: folder.path,
        input: `${record}\n${json}\n`,
      });
      assert.equal(produced.code, 0, produced.stderr);
      const shown = await onTerminal(['consume', 'orders', '--no-color', '-o', format, ...shop], folder.path);
      assert.match(shown, /payload/);
      assert.deepEqual(controlsIn(shown), []);
      assert.doesNotMatch(shown, /\u001b\[31m/, 'a colour that is not ours');
    });

  test('-o raw and a terminal do not meet', { skip: withoutTerminal }, async () => {
    await using folder = await scratchFolder();
    await mqctl(['produce', 'orders', '--create', '--value', attack, ...shop], { folder: folder.path });
    const shown = await onTerminal(['consume', 'orders', '-o', 'raw', '--no-color', ...shop], folder.path);
    assert.match(shown, /mqctl: .*-o raw/);
    assert.doesNotMatch(shown, /owned/);
  });

  test('in a name that is asked for and not there, and in a flag', { skip: withoutTerminal }, async () => {
    await using folder = await scratchFolder();
    await mqctl(['create', 'orders', ...shop], { folder: folder.path });
    for (const words of [
      ['consume', `ord ${attack}`, ...shop],
      ['describe', `ord ${attack}`, ...shop],
      ['groups', 'describe', attack, ...shop],
      ['ls', '-c', attack],
      ['ls', '-c', `kafka://${attack}`],
      [`--${attack}`],
      [attack],
      ['consume', 'orders', '--filter', attack, ...shop],
      ['consume', 'orders', '--from', attack, ...shop],
      ['ls', '-o', attack, ...shop],
    ]) {
      const shown = await onTerminal([...words, '--no-color', '--timeout', '2s'], folder.path);
      assert.deepEqual(controlsIn(shown), [], `${words[0] ?? ''}: ${JSON.stringify(shown)}`);
    }
  });

  test('in the name of a channel that is there', { skip: withoutTerminal }, async () => {
    await using folder = await scratchFolder();
    const name = `orders ${attack}`;
    const created = await mqctl(['create', name, ...shop], { folder: folder.path });
    if (created.code !== 0) return assert.match(created.stderr, /name/); // then it cannot be there
    await mqctl(['produce', name, '--value', 'x', ...shop], { folder: folder.path });
    for (const words of [
      ['ls'],
      ['ls', '-o', 'json'],
      ['describe', name],
      ['describe', name, '-o', 'yaml'],
      ['consume', name],
      ['lag'],
      ['status'],
    ])
      assert.deepEqual(
        controlsIn(await onTerminal([...words, '--no-color', ...shop], folder.path)),
        [],
        words.join(' '),
      );
    const completed = await onTerminal(
      ['complete', '--', 'consume', '-c', 'local:shop.db', 'ord'],
      folder.path,
    );
    assert.deepEqual(controlsIn(completed), []);
  });

  test('in the name of a context, and in a file that cannot be read', { skip: withoutTerminal }, async () => {
    await using folder = await scratchFolder();
    const file = join(folder.path, 'contexts.yaml');
    const environment = { MQCTL_CONFIG: file };
    for (const text of [
      JSON.stringify({ contexts: { [`x${attack}`]: { url: 'local:x' } } }),
      JSON.stringify({ contexts: { x: { url: `kafka://${attack}` } } }),
      JSON.stringify({ contexts: { x: { url: 'local:x', [attack]: 1 } } }),
      JSON.stringify({ current: attack, contexts: {} }),
      `contexts: [${attack}`,
    ]) {
      await writeFile(file, text, { mode: 0o600 });
      for (const words of [['context', 'ls'], ['ls'], ['ls', '-c', 'x', '--timeout', '2s']])
        assert.deepEqual(
          controlsIn(await onTerminal([...words, '--no-color'], folder.path, environment)),
          [],
          `${text}: ${words.join(' ')}`,
        );
    }
  });
});

describe('a project file in a cloned repository', () => {
  const project = `current: theirs
contexts:
  theirs:
    url: local:shop.db
    password: \${cmd:touch pwned}
  loud:
    url: \${cmd:touch pwned}
`;

  async function isPwned(folder: string): Promise<boolean> {
    return access(join(folder, 'pwned')).then(
      () => true,
      () => false,
    );
  }

  test('runs nothing before it is trusted, in completion neither, and does what it says after', async () => {
    await using folder = await scratchFolder();
    await mkdir(join(folder.path, '.git'));
    await writeFile(join(folder.path, '.mqctl.yaml'), project);
    await mqctl(['create', 'orders', ...shop], { folder: folder.path });
    for (const words of [
      ['ls'],
      ['ls', '-c', 'theirs'],
      ['ls', '-c', 'loud'],
      ['context', 'ls'],
      ['context', 'show', 'theirs'],
      ['context', 'test', 'theirs'],
      ['context', 'use', 'theirs'],
      ['consume', 'orders', '-c', 'theirs'],
      ['complete', '--', 'consume', ''],
      ['complete', '--', 'consume', '-c', ''],
      ['complete', '--', 'consume', '-c', 'theirs', ''],
      ['complete', '--', 'ls', '-c', 'loud', ''],
      ['completion', 'bash'],
      ['--help'],
    ]) {
      const { stdout } = await mqctl(words, { folder: folder.path });
      assert.ok(!(await isPwned(folder.path)), `${words.join(' ')} ran it`);
      if (words[0] === 'complete') assert.doesNotMatch(stdout.toString(), /orders/);
    }
    const trusted = await mqctl(['context', 'trust', '--yes'], { folder: folder.path });
    assert.equal(trusted.code, 0, trusted.stderr);
    assert.match(trusted.stderr, /touch pwned/, 'what is trusted is shown before');
    assert.ok(!(await isPwned(folder.path)), 'trusting runs nothing');
    await mqctl(['complete', '--', 'consume', ''], { folder: folder.path });
    assert.ok(!(await isPwned(folder.path)), 'completion runs no command, trusted or not');
    const { code, stderr } = await mqctl(['ls'], { folder: folder.path });
    assert.equal(code, 0, stderr);
    assert.ok(await isPwned(folder.path));
  });

  test('is asked about again when it changes', async () => {
    await using folder = await scratchFolder();
    await mkdir(join(folder.path, '.git'));
    await writeFile(
      join(folder.path, '.mqctl.yaml'),
      'current: theirs\ncontexts: { theirs: { url: "local:shop.db" } }\n',
    );
    await mqctl(['create', 'orders', ...shop], { folder: folder.path });
    assert.equal((await mqctl(['context', 'trust', '--yes'], { folder: folder.path })).code, 0);
    assert.equal((await mqctl(['ls'], { folder: folder.path })).code, 0);
    await writeFile(join(folder.path, '.mqctl.yaml'), project);
    await mqctl(['ls'], { folder: folder.path });
    assert.ok(!(await isPwned(folder.path)));
  });
});
