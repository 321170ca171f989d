import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import test from 'node:test';
import { system } from '../contract/systems/rabbitmq.ts';
import { assertNothingLost, Draw, everything, fill, redriveWithKills, seedOf } from './redrive-kill.ts';
import { redrivePlace } from './redrive-place.ts';

/** `MQCTL_TEST_REDRIVE=1000:10` is a small one. */
const [count = 10_000, kills = 50] = (process.env['MQCTL_TEST_REDRIVE'] ?? '10000:50').split(':').map(Number);
const inFlight = 100;
const { signal } = new AbortController();

test(
  'a redrive between quorum queues, killed again and again: nothing is lost, and what may be there twice is named',
  { skip: system.missing },
  async (context) => {
    const name = randomUUID();
    const [to, channel] = [`orders-${name}`, `orders-${name}.dlq`];
    const { driver, stateFolder, connection } = await redrivePlace(context, system, [to, channel]);
    const create = (queue: string, settings: Readonly<Record<string, string>>) =>
      driver.admin?.create(
        { channel: queue, type: 'quorum', partitions: null, settings, deadLetter: null },
        signal,
      );
    await create(to, {});
    // Each kill costs what is held a delivery.
    await create(channel, { 'x-delivery-limit': '-1' });
    await fill(driver, channel, count);
    const order = {
      system: 'rabbitmq' as const,
      connection,
      stateFolder,
      channel,
      to,
      inTwoSteps: false,
      inFlight,
    };
    // A batch is eight positions of the journal or more; a run has seven before its first.
    const writes = Math.max(14, Math.floor(((count / inFlight) * 16) / kills));
    const run = await redriveWithKills(context, order, kills, writes + 7, new Draw(seedOf(context)));
    assert.equal(run.kills, kills);
    // About half of them, wherever they are drawn.
    assert.ok(run.severalOnTheirWay >= kills / 10, 'some came while several batches were on their way');
    const arrived = await everything(driver, to);
    assertNothingLost(arrived, count, run);
    assert.deepEqual(await everything(driver, channel), []);
    context.diagnostic(
      `${run.kills.toString()} kills, ${run.duplicates.length.toString()} named as possibly twice, ${(arrived.length - count).toString()} copies too many`,
    );
  },
);
