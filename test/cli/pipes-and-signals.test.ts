import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { eventually } from '../contract/suite/workbench.ts';
import { cleanEnvironment, ended, mqctl, scratchFolder, startMqctl } from './run-mqctl.ts';

const shop = ['-c', 'local:shop.db'];

async function fill(folder: string, count: number): Promise<void> {
  const input = Array.from({ length: count }, (_, at) => `message number ${at.toString()}`).join('\n');
  const { code, stderr } = await mqctl(['produce', 'orders', '--create', ...shop], { folder, input });
  assert.equal(code, 0, stderr);
}

async function valuesIn(folder: string): Promise<readonly string[]> {
  const { stdout } = await mqctl(['consume', 'orders', ...shop, '-o', 'value'], { folder });
  return stdout.toString().trimEnd().split('\n');
}

describe('pipes', () => {
  test('a reader that leaves after the first line ends it with exit 0, without a word', async () => {
    await using folder = await scratchFolder();
    await fill(folder.path, 50_000);
    const shell = spawn(
      'bash',
      [
        '-c',
        'set -o pipefail; "$0" "$1" consume orders -c local:shop.db | head -1',
        process.execPath,
        new URL('../../bin/run.js', import.meta.url).pathname,
      ],
      {
        cwd: folder.path,
        env: cleanEnvironment(folder.path),
      },
    );
    const { code, stdout, stderr } = await ended(shell);
    assert.equal(stderr, '');
    assert.equal(code, 0);
    assert.equal(stdout.toString().split('\n').length, 2);
  });

  test('what a closed pipe never took was not acknowledged', async () => {
    await using folder = await scratchFolder();
    await fill(folder.path, 50_000);
    const shell = spawn(
      'bash',
      [
        '-c',
        '"$0" "$1" consume orders -c local:shop.db --ack -o value | head -1',
        process.execPath,
        new URL('../../bin/run.js', import.meta.url).pathname,
      ],
      {
        cwd: folder.path,
        env: cleanEnvironment(folder.path),
      },
    );
    const { stdout } = await ended(shell);
    assert.equal(stdout.toString(), 'message number 0\n');
    const left = await mqctl(['consume', 'orders', ...shop, '-o', 'value'], { folder: folder.path });
    // A pipe holds 64 KiB: what fitted may have been taken, the rest must all be there.
    assert.ok(left.stdout.toString().split('\n').length > 40_000);
    assert.match(left.stdout.toString(), /message number 49999\n$/);
  });

  test('a reader that sleeps gets everything', async () => {
    await using folder = await scratchFolder();
    await fill(folder.path, 30_000);
    const child = startMqctl(['consume', 'orders', ...shop], { folder: folder.path });
    child.stdin?.end();
    await sleep(1_500); // nobody reads: the pipe is full
    const { code, stdout } = await ended(child);
    assert.equal(code, 0);
    assert.equal(stdout.toString().split('\n').length, 30_001);
  });
});

describe('signals', () => {
  for (const [signal, expected] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    test(`${signal} while following ends with exit ${expected.toString()}, and everything read was written out`, async () => {
      await using folder = await scratchFolder();
      await fill(folder.path, 3);
      const child = startMqctl(['consume', 'orders', '--from', 'start', '--follow', '-o', 'value', ...shop], {
        folder: folder.path,
      });
      const result = ended(child);
      if (child.stdout !== null) await once(child.stdout, 'data');
      await sleep(200);
      child.kill(signal);
      const { code, stdout } = await result;
      assert.equal(code, expected);
      assert.equal(stdout.toString(), 'message number 0\nmessage number 1\nmessage number 2\n');
    });

    test(`${signal} while producing from a pipe that stays open ends with exit ${expected.toString()}, and what it says was produced is there`, async () => {
      await using folder = await scratchFolder();
      await fill(folder.path, 1);
      const child = startMqctl(['produce', 'orders', '-o', 'json', ...shop], { folder: folder.path });
      const result = ended(child);
      child.stdin?.write('a\nb\nc\n');
      await eventually(async () => assert.equal((await valuesIn(folder.path)).length, 4), 60_000);
      child.kill(signal);
      const { code, stdout } = await result;
      assert.equal(code, expected);
      const said: unknown = JSON.parse(stdout.toString());
      const there = (await valuesIn(folder.path)).length - 1;
      assert.partialDeepStrictEqual(said, { produced: there, failed: 0 });
    });
  }
});
