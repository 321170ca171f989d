import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { system } from '../contract/systems/sqs.ts';
import { assertNothingLost, Draw, everything, fill, redriveWithKills, seedOf } from './redrive-kill.ts';

/** `MQCTL_TEST_REDRIVE=200:2` is a small one. */
const [count = 2_000, kills = 10] = (process.env['MQCTL_TEST_REDRIVE'] ?? '2000:10').split(':').map(Number);
const inFlight = 50;
const { signal } = new AbortController();

async function ground(context: TestContext, suffix: '' | '.fifo') {
  const stateFolder = await mkdtemp(join(tmpdir(), 'mqctl-redrive-'));
  const connection = system.connection();
  const driver = await system.open(connection, {
    log: () => undefined,
    timeoutMs: 10_000,
    signal,
    stateFolder,
  });
  const name = randomUUID();
  const [to, channel] = [`orders-${name}${suffix}`, `orders-${name}-dlq${suffix}`];
  context.after(async () => {
    for (const queue of [to, channel]) await driver.admin?.delete(queue, signal).catch(() => undefined);
    await driver.close();
    await rm(stateFolder, { recursive: true, force: true });
  });
  for (const queue of [to, channel])
    await driver.admin?.create(
      { channel: queue, type: null, partitions: null, settings: {}, deadLetter: null },
      signal,
    );
  const order = {
    system: 'sqs' as const,
    connection,
    stateFolder,
    channel,
    to,
    inTwoSteps: false,
    inFlight,
    leaseMs: 2_000,
  };
  return { driver, channel, to, order };
}

test(
  'a redrive between standard queues of the emulator, killed again and again with short leases: nothing is lost, and what may be there twice is named',
  { skip: system.missing },
  async (context) => {
    const { driver, channel, to, order } = await ground(context, '');
    await fill(driver, channel, count);
    // A batch is eight positions of the journal or more; a run has seven before its first.
    const writes = Math.max(14, Math.floor(((count / inFlight) * 16) / kills));
    const run = await redriveWithKills(context, order, kills, writes + 7, new Draw(seedOf(context)));
    assert.equal(run.kills, kills);
    const arrived = await everything(driver, to);
    assertNothingLost(arrived, count, run);
    assert.equal(run.report.unsettled, 0);
    assert.deepEqual(await everything(driver, channel), []);
    context.diagnostic(
      `${run.kills.toString()} kills, ${run.duplicates.length.toString()} named as possibly twice, ${(arrived.length - count).toString()} copies too many`,
    );
  },
);

test(
  'a redrive between FIFO queues of the emulator, killed again and again: each message is there once, since the queue suppresses what was sent twice, and each group is in order',
  { skip: system.missing },
  async (context) => {
    const groups = 10;
    const all = groups * 10; // as many of each group as can be seen
    const { driver, channel, to, order } = await ground(context, '.fifo');
    const groupOf = (number: number) => ({ groupId: `group-${String(number % groups)}` });
    await fill(driver, channel, all, groupOf);
    const run = await redriveWithKills(context, order, kills, 24, new Draw(seedOf(context)));
    assert.equal(run.kills, kills);
    const arrived = await everything(driver, to);
    assertNothingLost(arrived, all, run);
    assert.equal(arrived.length, all, 'nothing is there twice');
    for (let group = 0; group < groups; group += 1)
      assert.deepEqual(
        arrived
          .filter(({ properties }) => properties['groupId'] === `group-${String(group)}`)
          .map(({ value }) => Buffer.from(value ?? []).toString()),
        Array.from({ length: all / groups }, (_, at) => `message ${String(at * groups + group)}`),
      );
    assert.deepEqual(await everything(driver, channel), []);
    context.diagnostic(`${run.duplicates.length.toString()} named as possibly twice`);
  },
);
