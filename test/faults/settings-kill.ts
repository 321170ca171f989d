/** A setting that is changed by a run that is killed, and the undo that must work all the same. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { hasFacets } from '../../src/lib/drivers/registry.ts';
import { applySettings, planSettings, planSettingsUndo } from '../../src/lib/operations/change-settings.ts';
import { JobStore } from '../../src/lib/store/jobs.ts';
import type { SystemUnderTest } from '../contract/suite/system-under-test.ts';
import { eventually } from '../contract/suite/workbench.ts';
import type { SystemName } from './redrive-worker.ts';
import type { SettingsOrder } from './settings-worker.ts';

const { signal } = new AbortController();

/** "Was not set" and a value of before, killed before and after the broker was told: all comes back by an undo. */
export async function killSettingsAndUndo(
  context: TestContext,
  name: SystemName,
  system: SystemUnderTest,
): Promise<void> {
  const setting = system.channels[0]?.setting ?? null;
  assert.ok(setting !== null);
  const stateFolder = await mkdtemp(join(tmpdir(), 'mqctl-set-'));
  const connection = system.connection();
  const driver = await system.open(connection, {
    log: () => undefined,
    timeoutMs: 10_000,
    signal,
    stateFolder,
  });
  assert.ok(hasFacets(driver, ['admin']));
  const channel = `set-${randomUUID()}`;
  context.after(async () => {
    await driver.admin.delete(channel, signal).catch(() => undefined);
    await driver.close();
    await rm(stateFolder, { recursive: true, force: true });
  });
  await driver.admin.create(
    { channel, type: null, partitions: null, settings: {}, deadLetter: null },
    signal,
  );
  const record = { stateFolder, context: 'test', reason: null };
  const isSet = (value: string | null) =>
    eventually(async () => {
      const [found] = await driver.admin.settings(channel, [setting.name], signal);
      assert.equal(found?.own ?? null, value);
    });
  const { url, username, password, managementUrl } = connection;
  const order = {
    system: name,
    connection: { url, username, password, managementUrl },
    stateFolder,
    channel,
    setting: { name: setting.name, value: setting.other },
  };
  const killed = async (dieAt: SettingsOrder['dieAt']): Promise<void> => {
    const words = [join(import.meta.dirname, 'settings-worker.ts'), JSON.stringify({ ...order, dieAt })];
    const worker = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'inherit'] });
    const ended: unknown[] = await once(worker, 'exit');
    assert.equal(ended[1], 'SIGKILL');
    assert.equal((await new JobStore(stateFolder).find('last', channel, 'setting')).state, 'running');
  };
  const undone = async (moves: number): Promise<void> => {
    const undo = await planSettingsUndo(driver, channel, stateFolder, signal);
    assert.equal(undo.moves.filter(({ before, after }) => before !== after).length, moves);
    assert.equal((await applySettings(driver, undo, record, signal)).state, 'done');
  };
  await killed('before');
  await isSet(null);
  await undone(0);
  await killed('after');
  await isSet(setting.other);
  await undone(1);
  await isSet(null);
  const first = await planSettings(driver, channel, { [setting.name]: setting.value }, signal);
  await applySettings(driver, first, record, signal);
  await isSet(setting.value);
  await killed('after');
  await isSet(setting.other);
  await undone(1);
  await isSet(setting.value);
}
