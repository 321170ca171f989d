import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { hasFacets } from '../../src/lib/drivers/registry.ts';
import { system } from '../contract/systems/kafka.ts';
import { fill } from './redrive-kill.ts';
import { killAndUndo } from './reset-kill.ts';

const { signal } = new AbortController();

test(
  'a reset that is killed is undone to the letter, "nothing committed" too',
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
    assert.ok(hasFacets(driver, ['positions', 'admin', 'claim', 'groups']));
    const [channel, group] = [`reset-${randomUUID()}`, `group-${randomUUID()}`];
    context.after(async () => {
      await driver.groups.delete(group, signal).catch(() => undefined);
      await driver.admin.delete(channel, signal).catch(() => undefined);
      await driver.close();
      await rm(stateFolder, { recursive: true, force: true });
    });
    await driver.admin.create({ channel, type: null, partitions: 4, settings: {}, deadLetter: null }, signal);
    await fill(driver, channel, 400);
    const request = { channel, group, from: null, select: null, follow: false, window: 10, leaseMs: null };
    const claiming = await driver.claim.open(
      { ...request, from: { every: { kind: 'start', shift: 0n } } },
      signal,
    );
    for await (const batch of claiming.batches) {
      if (batch.kind !== 'claimed') continue;
      await claiming.settle(batch.items.map(({ claim }) => claim));
      break;
    }
    await claiming.close();
    const change = { channel, metadata: 'a note' };
    await driver.positions.set(
      group,
      [
        { ...change, partition: '0', position: '7' },
        { ...change, partition: '1', position: '0' },
        { ...change, partition: '2', position: null, metadata: null },
      ],
      signal,
    );
    const order = { system: 'kafka', connection, stateFolder, group, channels: [channel] } as const;
    await killAndUndo(driver, { ...order, dieAt: { call: 1, when: 'before' } }, 0);
    const ends = await driver.positions.read(group, signal);
    const moved = ends.filter(({ committed, end }) => committed !== end).length;
    await killAndUndo(driver, { ...order, dieAt: { call: 1, when: 'after' } }, moved);
  },
);
