/** A reset that is killed in the middle, and the undo that must work all the same. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { applyMoves, planUndo } from '../../src/lib/operations/change-positions.ts';
import type { DriverWith } from '../../src/lib/drivers/driver.ts';
import { JobStore } from '../../src/lib/store/jobs.ts';
import type { ResetOrder } from './reset-worker.ts';

const { signal } = new AbortController();

/** Kills it, then undoes. Everything must be as before, and `moved` positions must have been elsewhere in between. */
export async function killAndUndo(
  driver: DriverWith<'positions'>,
  order: ResetOrder,
  moved: number,
): Promise<void> {
  const { group, stateFolder } = order;
  const before = await driver.positions.read(group, signal, order.channels);
  const worker = spawn(
    process.execPath,
    [join(import.meta.dirname, 'reset-worker.ts'), JSON.stringify(order)],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const ended: unknown[] = await once(worker, 'exit');
  assert.equal(ended[1], 'SIGKILL');
  const between = await driver.positions.read(group, signal, order.channels);
  const elsewhere = between.filter(({ committed }, index) => committed !== before[index]?.committed);
  assert.equal(elsewhere.length, moved, 'it was killed where it should be');
  const jobs = new JobStore(stateFolder);
  assert.equal((await jobs.find('last', group, 'reset')).state, 'running');
  const undo = await planUndo(driver, group, stateFolder, null, signal);
  const result = await applyMoves(driver, undo, { stateFolder, context: 'test', reason: null }, signal);
  assert.equal(result.error, null);
  assert.equal(result.job.state, 'done');
  assert.deepEqual(await driver.positions.read(group, signal, order.channels), before);
}
