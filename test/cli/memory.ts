/** How much memory a run of the real program took at most. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

export const memoryLimitMiB = 200;

/** Linux tells the highest resident memory of a process while it lives. */
export const withoutProc =
  process.platform === 'linux' ? false : 'the highest resident memory is read from /proc, which is Linux';

/** Waits for its end; resolves with its highest resident memory in MiB. Fails where it does not exit with 0. */
export async function highestMemory(child: ChildProcess): Promise<number> {
  let highest = 0;
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const end: Promise<unknown[]> = once(child, 'exit');
  while (child.exitCode === null && child.signalCode === null) {
    const status = await readFile(`/proc/${String(child.pid)}/status`, 'utf8').catch(() => '');
    highest = Math.max(highest, Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024);
    await Promise.race([sleep(50), end]);
  }
  assert.equal(child.exitCode, 0, stderr);
  return Math.round(highest);
}
