import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';

import { ExclusiveLock } from '../../../src/lib/store/exclusive-lock.ts';

async function lockPath(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mqctl-lock-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'deeper', 'lock');
}

test('the second one is told who holds it, and has it after the release', async (context) => {
  const path = await lockPath(context);
  const first = await ExclusiveLock.tryAcquire(path, 'ann at ops-1');
  assert.ok(first instanceof ExclusiveLock);
  assert.deepEqual(await ExclusiveLock.tryAcquire(path, 'bob at ops-2'), { heldBy: 'ann at ops-1' });
  first.release();
  first.release();
  const second = await ExclusiveLock.tryAcquire(path, 'bob at ops-2');
  assert.ok(second instanceof ExclusiveLock);
  assert.deepEqual(await ExclusiveLock.tryAcquire(path, ''), { heldBy: 'bob at ops-2' });
  second.release();
});

test('another process that holds it is seen, and its kill frees it', async (context) => {
  const path = await lockPath(context);
  const module = join(import.meta.dirname, '../../../src/lib/store/exclusive-lock.ts');
  const script = `const { ExclusiveLock } = await import(${JSON.stringify(module)});
    await ExclusiveLock.tryAcquire(${JSON.stringify(path)}, 'the child');
    console.log('held'); setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  context.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  assert.deepEqual(await ExclusiveLock.tryAcquire(path, 'me'), { heldBy: 'the child' });
  child.kill('SIGKILL');
  await once(child, 'exit');
  const mine = await ExclusiveLock.tryAcquire(path, 'me');
  assert.ok(mine instanceof ExclusiveLock);
  mine.release();
});
