import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'node:test';
import { offered } from './completion.ts';
import { cleanEnvironment, mqctl, scratchFolder } from './run-mqctl.ts';

const shop = ['-c', 'local:shop.db'];
const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

describe('what comes next', () => {
  test('commands, and the words of commands of two words', async () => {
    await using folder = await scratchFolder();
    const commands = await offered([''], folder.path);
    for (const word of ['consume', 'produce', 'lag', 'dlq', 'groups', 'context'])
      assert.ok(commands.includes(word), `${word} of ${commands.join(' ')}`);
    assert.ok(!commands.includes('complete'), 'what is hidden stays hidden');
    assert.deepEqual(await offered(['consu'], folder.path), ['consume']);
    assert.deepEqual((await offered(['groups', ''], folder.path)).sort(), ['delete', 'describe', 'ls']);
  });

  test('flags of the command, and the values of a flag that has a list of them', async () => {
    await using folder = await scratchFolder();
    assert.deepEqual(await offered(['consume', '--fol'], folder.path), ['--follow']);
    const again = await offered(['consume', '--follow', '--fo'], folder.path);
    assert.deepEqual(again.sort(), ['--for', '--forbid']);
    assert.deepEqual(await offered(['produce', '--format', ''], folder.path), ['lines', 'raw', 'ndjson']);
  });

  test('names of contexts, channels and groups', async () => {
    await using folder = await scratchFolder();
    const { path } = folder;
    await mqctl(['produce', 'orders', '--create', '--value', 'x', ...shop], { folder: path });
    await mqctl(['produce', 'payments', '--create', '--value', 'x', ...shop], { folder: path });
    await mqctl(['consume', 'orders', '--group', 'billing', ...shop], { folder: path });
    await mqctl(['context', 'add', 'shop', `local:${path}/shop.db`], { folder: path });
    await mqctl(['context', 'add', 'other', 'kafka://localhost:9092'], { folder: path });
    assert.deepEqual((await offered(['consume', ...shop, ''], path)).sort(), ['orders', 'payments']);
    assert.deepEqual(await offered(['consume', '-c', 'shop', 'or'], path), ['orders']);
    assert.deepEqual(await offered(['consume', '--context=shop', 'pay'], path), ['payments']);
    assert.deepEqual(await offered(['lag', ...shop, ''], path), ['billing']);
    assert.deepEqual(await offered(['consume', 'orders', ...shop, '--group', 'b'], path), ['billing']);
    assert.deepEqual((await offered(['consume', '-c', ''], path)).sort(), ['other', 'shop']);
    assert.deepEqual((await offered(['context', 'use', ''], path)).sort(), ['other', 'shop']);
  });

  test('nothing, and in silence, where nobody answers and where the file is broken', async () => {
    await using folder = await scratchFolder();
    assert.deepEqual(await offered(['consume', '-c', 'kafka://127.0.0.1:9', ''], folder.path), []);
    assert.deepEqual(await offered(['consume', '-c', 'nothing-of-that-name', ''], folder.path), []);
    const environment = { MQCTL_CONFIG: join(folder.path, 'contexts.yaml') };
    await writeFile(environment.MQCTL_CONFIG, 'contexts: [', { mode: 0o600 });
    assert.deepEqual(await offered(['consume', ''], folder.path, environment), []);
    assert.deepEqual(await offered(['consume', '-c', ''], folder.path, environment), []);
    assert.deepEqual(await offered(['no-such-command', ''], folder.path), []);
  });
});

describe('the stubs', () => {
  const shells = { bash: ['-n'], zsh: ['-n'], fish: ['--no-execute'] } as const;

  for (const [shell, check] of Object.entries(shells)) {
    const installed = spawnSync(shell, ['-c', 'exit 0']).status === 0;
    test(`${shell} can read its own`, { skip: installed ? false : `${shell} is not installed` }, async () => {
      await using folder = await scratchFolder();
      const { code, stdout } = await mqctl(['completion', shell], { folder: folder.path });
      assert.equal(code, 0);
      const file = join(folder.path, 'stub');
      await writeFile(file, stdout);
      const { status, stderr } = spawnSync(shell, [...check, file], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
    });
  }

  test('bash offers what is there, quoted, and evaluates nothing of it', async () => {
    await using folder = await scratchFolder();
    const { path } = folder;
    const names = [
      'orders',
      'orders new',
      'orders$(touch pwned)',
      'orders`touch pwned`',
      "orders'; touch pwned; '",
    ];
    for (const name of names) await mqctl(['create', name, ...shop], { folder: path });
    await mkdir(join(path, 'programs'));
    const wrapper = join(path, 'programs', 'mqctl');
    await writeFile(wrapper, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`);
    await chmod(wrapper, 0o755);
    const script = `
      source <(mqctl completion bash)
      COMP_WORDS=(mqctl consume -c local:shop.db ord); COMP_CWORD=4
      _mqctl
      printf '%s\\n' "\${COMPREPLY[@]}"
      for reply in "\${COMPREPLY[@]}"; do eval "words+=($reply)"; done
      printf '>%s\\n' "\${words[@]}"
      ls`;
    const environment = cleanEnvironment(path);
    const { stdout, stderr, status } = spawnSync('bash', ['-c', script], {
      cwd: path,
      encoding: 'utf8',
      env: { ...environment, PATH: `${join(path, 'programs')}:${environment['PATH'] ?? ''}` },
    });
    assert.equal(status, 0, stderr);
    const there = (await offered(['consume', ...shop, 'ord'], path)).sort();
    assert.ok(there.includes('orders'));
    const typed = stdout
      .split('\n')
      .filter((line) => line.startsWith('>'))
      .map((line) => line.slice(1));
    assert.deepEqual(typed.sort(), there, 'what the shell makes of an offer is the name itself');
    assert.doesNotMatch(stdout, /^pwned$/m);
  });
});
