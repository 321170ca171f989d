import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { hasFacets } from '../../src/lib/drivers/registry.ts';
import { storeSettled } from '../contract/rabbitmq/stream-clients.ts';
import { system } from '../contract/systems/rabbitmq.ts';
import { fill } from './redrive-kill.ts';
import { killAndUndo } from './reset-kill.ts';

const { signal } = new AbortController();

test(
  'a reset of offsets stored in streams, killed before, between two streams and after, is undone to the letter',
  { skip: system.missing },
  async (context) => {
    const stateFolder = await mkdtemp(join(tmpdir(), 'mqctl-reset-'));
    const connection = system.connection();
    const driver = await system.open(connection, {
      log: () => undefined,
      timeoutMs: 10_000,
      signal,
      stateFolder,
    });
    assert.ok(hasFacets(driver, ['positions', 'admin']));
    const group = `reader-${randomUUID()}`;
    const channels = Array.from({ length: 2 }, () => `reset-${randomUUID()}`);
    context.after(async () => {
      for (const channel of channels) await driver.admin.delete(channel, signal).catch(() => undefined);
      await driver.close();
      await rm(stateFolder, { recursive: true, force: true });
    });
    for (const [index, channel] of channels.entries()) {
      await driver.admin.create(
        { channel, type: 'stream', partitions: null, settings: {}, deadLetter: null },
        signal,
      );
      await fill(driver, channel, 20);
      await storeSettled(channel, group, index + 3);
    }
    const order = { system: 'rabbitmq', connection, stateFolder, group, channels } as const;
    await killAndUndo(driver, { ...order, dieAt: { call: 1, when: 'before' } }, 0);
    await killAndUndo(driver, { ...order, dieAt: { call: 1, when: 'half' } }, 1);
    await killAndUndo(driver, { ...order, dieAt: { call: 1, when: 'after' } }, 2);
  },
);
