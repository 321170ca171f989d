import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { system } from '../contract/systems/kafka.ts';
import { assertNothingLost, Draw, everything, fill, redriveWithKills, seedOf } from './redrive-kill.ts';

const { signal } = new AbortController();

for (const { title, count, kills, remembered } of [
  {
    title: 'a redrive in transactions, killed again and again: a reader of committed records sees each once',
    count: 10_000,
    kills: 50,
    remembered: 'by commits',
  },
  {
    title: 'the same where a topic remembers what was resolved',
    count: 500,
    kills: 3,
    remembered: 'in a topic',
  },
] as const)
  test(title, { skip: system.missing }, async (context) => {
    const stateFolder = await mkdtemp(join(tmpdir(), 'mqctl-redrive-'));
    const name = randomUUID();
    const [to, channel] = [`orders-${name}`, `orders-${name}.dlq`];
    const memory = remembered === 'in a topic' ? `resolved-${name}` : null;
    const connection = { ...system.connection(), resolvedTopic: memory };
    const driver = await system.open(connection, {
      log: () => undefined,
      timeoutMs: 10_000,
      signal,
      stateFolder,
    });
    context.after(async () => {
      for (const topic of [to, channel, ...(memory === null ? [] : [memory])])
        await driver.admin?.delete(topic, signal).catch(() => undefined);
      await driver.close();
      await rm(stateFolder, { recursive: true, force: true });
    });
    const create = (topic: string, settings: Readonly<Record<string, string>>) =>
      driver.admin?.create({ channel: topic, type: null, partitions: 3, settings, deadLetter: null }, signal);
    await create(to, {});
    await create(channel, {});
    if (memory !== null) await create(memory, { 'cleanup.policy': 'compact' });
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
    const run = await redriveWithKills(context, order, kills, 20, new Draw(seedOf(context)));
    assert.equal(run.kills, kills);
    const arrived = await everything(driver, to);
    assertNothingLost(arrived, count, run);
    assert.equal(arrived.length, count);
    assert.equal(run.report.possibleDuplicateCount, 0);
    if (memory !== null) await driver.groups?.delete(`mqctl-dlq.${channel}`, signal);
    assert.equal((await driver.deadLetters?.resolved?.(channel, signal))?.unresolved, 0);
  });
