import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import {
  errorTailBytes,
  runCommand,
  type CommandEnd,
  type CommandRequest,
} from '../../../src/lib/operations/run-command.ts';

const environment = { PATH: process.env['PATH'] };

interface Result {
  readonly end: CommandEnd;
  readonly output: string;
  readonly errorOutput: string;
}

async function run(command: string, more: Partial<CommandRequest> = {}): Promise<Result> {
  const output: Uint8Array[] = [];
  const errorOutput: Uint8Array[] = [];
  const end = await runCommand({
    command,
    input: new Uint8Array(),
    environment,
    timeoutMs: null,
    onOutput: async (chunk) => void output.push(chunk),
    onErrorOutput: async (chunk) => void errorOutput.push(chunk),
    ...more,
  });
  return {
    end,
    output: Buffer.concat(output).toString(),
    errorOutput: Buffer.concat(errorOutput).toString(),
  };
}

describe('a command line of the user', () => {
  test('gets the bytes on stdin and the variables, and its words are passed on', async () => {
    const { end, output, errorOutput } = await run('cat; echo " $WHO"; echo no >&2; exit 3', {
      input: Buffer.from('bytes'),
      environment: { ...environment, WHO: 'me; echo $(id)' },
    });
    assert.equal(output, 'bytes me; echo $(id)\n');
    assert.equal(errorOutput, 'no\n');
    assert.ok(end.kind === 'exited' && end.status === 3);
    assert.equal(Buffer.from(end.errorTail).toString(), 'no\n');
  });

  for (const [how, command] of [
    ['ignores stdin', 'exit 0'],
    ['closes stdin', 'exec <&-; sleep 0.1'],
    ['reads a part of it', 'head -c 10 > /dev/null'],
  ] as const)
    test(`that ${how} has succeeded although there was more than a pipe takes`, async () => {
      const { end } = await run(command, { input: Buffer.alloc(9 * 1024 * 1024) });
      assert.ok(end.kind === 'exited' && end.status === 0);
    });

  test('that writes megabytes to stderr is remembered by their end', async () => {
    const { end } = await run('yes é | head -c 5000000 >&2; printf "the end" >&2; exit 1', {
      onErrorOutput: async () => undefined,
    });
    const tail = Buffer.from(end.errorTail);
    assert.ok(tail.length <= errorTailBytes);
    assert.ok(tail.toString().endsWith('the end'));
    assert.ok(!tail.toString().includes('\ufffd'), 'cut between two characters');
  });

  test('that takes too long is ended with all that it started', async () => {
    const { end, output } = await run('(sleep 300; echo late) & echo $!; wait', { timeoutMs: 300 });
    assert.deepEqual([end.kind, end.kind === 'timed-out' && end.afterMs], ['timed-out', 300]);
    const child = Number(output);
    while (isRunning(child)) await sleep(10);
  });

  test('that was killed says by what', async () => {
    const { end } = await run('kill -9 $$');
    assert.ok(end.kind === 'killed' && end.signal === 'SIGKILL');
  });

  test('that leaves something running in the background has ended all the same', async () => {
    const { end, output } = await run('sleep 60 & echo $!; exit 4');
    assert.ok(end.kind === 'exited' && end.status === 4);
    process.kill(Number(output), 'SIGKILL');
  });

  test('whose words nobody takes is ended, and that is the error', async () => {
    await assert.rejects(
      run('while :; do echo more; done', {
        onOutput: () => Promise.reject(new Error('nobody reads')),
      }),
      /nobody reads/,
    );
  });

  test('is waited for by the one who reads slowly', async () => {
    let taken = 0;
    const { end } = await run('head -c 400000 /dev/zero', {
      onOutput: async (chunk) => {
        await sleep(20);
        taken += chunk.length;
      },
    });
    assert.equal(end.kind, 'exited');
    assert.equal(taken, 400_000);
  });

  test('that is too long to start says so, and nothing is thrown', async () => {
    const { end } = await run('true', { environment: { ...environment, BIG: 'x'.repeat(4_000_000) } });
    assert.equal(end.kind, 'not-started');
  });
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
