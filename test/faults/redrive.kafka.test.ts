import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import test from 'node:test';
import { system } from '../contract/systems/kafka.ts';
import { assertNothingLost, Draw, everything, fill, redriveWithKills, seedOf } from './redrive-kill.ts';
import { redrivePlace } from './redrive-place.ts';

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
    const name = randomUUID();
    const [to, channel] = [`orders-${name}`, `orders-${name}.dlq`];
    const memory = remembered === 'in a topic' ? `resolved-${name}` : null;
    const { driver, stateFolder, connection } = await redrivePlace(
      context,
      system,
      [to, channel, ...(memory === null ? [] : [memory])],
      { ...system.connection(), resolvedTopic: memory },
    );
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
