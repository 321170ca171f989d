import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { hasFacets } from '../../src/lib/drivers/registry.ts';
import { open } from '../../src/lib/drivers/local/index.ts';
import { killAndUndo } from './reset-kill.ts';

const { signal } = new AbortController();
const partitions = 1_100;

test('a reset of many partitions, killed between two of its steps, is undone to the letter', async (context) => {
  const stateFolder = await mkdtemp(join(tmpdir(), 'mqctl-reset-'));
  const url = `local:${join(stateFolder, 'broker.db')}`;
  const connection = {
    url,
    username: null,
    password: null,
    tls: null,
    sasl: null,
    managementUrl: null,
    addressMap: new Map<string, string>(),
    settings: {},
  };
  const driver = await open(connection, { log: () => undefined, timeoutMs: 10_000, signal, stateFolder });
  context.after(async () => {
    await driver.close();
    await rm(stateFolder, { recursive: true, force: true });
  });
  assert.ok(hasFacets(driver, ['positions', 'admin', 'publish', 'claim']));
  const { positions, admin, publish, claim } = driver;
  await admin.create({ channel: 'orders', type: null, partitions, settings: {}, deadLetter: null }, signal);
  const publisher = await publish.open(
    { channel: 'orders', delivery: 'at-least-once', compression: null },
    signal,
  );
  await publisher.send(
    Array.from({ length: partitions }, (_, partition) => ({
      key: null,
      value: Buffer.from('x'),
      headers: [],
      properties: {},
      partition: partition.toString(),
      timestamp: null,
    })),
  );
  await publisher.close();
  // A group exists from the first time that somebody takes through it; the last partitions are made as if it never had.
  const request = { channel: 'orders', group: 'billing', from: null, select: null, follow: false };
  await (await claim.open({ ...request, window: 1, leaseMs: null }, signal)).close();
  const never = Array.from({ length: 10 }, (_, index) => ({
    channel: 'orders',
    partition: (partitions - 1 - index).toString(),
    position: null,
    metadata: null,
  }));
  await positions.set('billing', never, signal);
  const order = { system: 'local', connection, stateFolder, group: 'billing', channels: ['orders'] } as const;
  await killAndUndo(driver, { ...order, dieAt: { call: 1, when: 'before' } }, 0);
  await killAndUndo(driver, { ...order, dieAt: { call: 2, when: 'before' } }, 500);
  await killAndUndo(driver, { ...order, dieAt: { call: 3, when: 'after' } }, partitions);
});
