import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { system } from '../contract/systems/sqs.ts';
import { assertNothingLost, Draw, everything, fill, redriveWithKills, seedOf } from './redrive-kill.ts';

/** `MQCTL_TEST_REDRIVE=2000:10` is the large one. */
const [count = 200, kills = 2] = (process.env['MQCTL_TEST_REDRIVE'] ?? '200:2').split(':').map(Number);
const inFlight = 50;
const { signal } = new AbortController();

test(
  'a redrive between standard queues of the emulator, killed again and again with short leases: nothing is lost, and what may be there twice is named',
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
    const [to, channel] = [`orders-${name}`, `orders-${name}-dlq`];
    context.after(async () => {
      for (const queue of [to, channel]) await driver.admin?.delete(queue, signal).catch(() => undefined);
      await driver.close();
      await rm(stateFolder, { recursive: true, force: true });
    });
    for (const queue of [to, channel])
      await driver.admin?.create(
        { channel: queue, type: 'standard', partitions: null, settings: {}, deadLetter: null },
        signal,
      );
    await fill(driver, channel, count);
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
