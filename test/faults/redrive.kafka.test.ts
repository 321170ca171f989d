import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { system } from '../contract/systems/kafka.ts';
import { assertNothingLost, Draw, everything, fill, redriveWithKills, seedOf } from './redrive-kill.ts';

const count = 10_000;
const { signal } = new AbortController();

test(
  'a redrive in transactions, killed again and again: a reader of committed records sees each once',
  { skip: system.missing },
  async (context) => {
    const stateFolder = await mkdtemp(join(tmpdir(), 'mqctl-redrive-'));
    const connection = system.connection();
    const driver = await system.open(connection, {
      log: () => undefined,
      timeoutMs: 10_000,
      signal,
      stateFolder,
    });
    const name = randomUUID();
    const [to, channel] = [`orders-${name}`, `orders-${name}.dlq`];
    context.after(async () => {
      for (const topic of [to, channel]) await driver.admin?.delete(topic, signal).catch(() => undefined);
      await driver.close();
      await rm(stateFolder, { recursive: true, force: true });
    });
    for (const topic of [to, channel])
      await driver.admin?.create(
        { channel: topic, type: null, partitions: 3, settings: {}, deadLetter: null },
        signal,
      );
    await fill(driver, channel, count);
    const order = {
      system: 'kafka' as const,
      connection,
      stateFolder,
      channel,
      to,
      inTwoSteps: false,
      inFlight: 100,
    };
    const run = await redriveWithKills(context, order, 50, 20, new Draw(seedOf(context)));
    assert.equal(run.kills, 50);
    const arrived = await everything(driver, to);
    assertNothingLost(arrived, count, run);
    assert.equal(arrived.length, count);
    assert.equal(run.report.possibleDuplicateCount, 0);
    assert.equal((await driver.deadLetters?.resolved?.(channel, signal))?.unresolved, 0);
  },
);
