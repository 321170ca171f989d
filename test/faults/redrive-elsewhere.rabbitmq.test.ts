/** What was moved, and is in somebody else's hands before it could be settled, is not said to be gone. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { eventually } from '../contract/rabbitmq/rabbitmq-server.ts';
import { system } from '../contract/systems/rabbitmq.ts';
import { everything, fill, killedOnce, work } from './redrive-kill.ts';

const count = 20;
const { signal } = new AbortController();

test(
  'a resume whose confirmed messages another consumer holds leaves them unsettled and says so; once they are back, they are settled',
  { skip: system.missing },
  async (context) => {
    const stateFolder = await mkdtemp(join(tmpdir(), 'mqctl-redrive-'));
    const connection = system.connection();
    const open = () =>
      system.open(connection, { log: () => undefined, timeoutMs: 10_000, signal, stateFolder });
    const [driver, other] = [await open(), await open()];
    const name = randomUUID();
    const [to, channel] = [`orders-${name}`, `orders-${name}.dlq`];
    context.after(async () => {
      for (const queue of [to, channel]) await driver.admin?.delete(queue, signal).catch(() => undefined);
      await Promise.all([driver.close(), other.close()]);
      await rm(stateFolder, { recursive: true, force: true });
    });
    for (const queue of [to, channel])
      await driver.admin?.create(
        { channel: queue, type: 'quorum', partitions: null, settings: {}, deadLetter: null },
        signal,
      );
    await fill(driver, channel, count);
    const waiting = async () => (await driver.look?.appraise(channel, signal))?.waiting ?? 0;
    const order = {
      system: 'rabbitmq' as const,
      connection,
      stateFolder,
      channel,
      to,
      inTwoSteps: false,
      inFlight: 4 * count, // one batch
    };
    const jobId = await killedOnce(context, order, 'confirmed');
    await eventually(waiting, (there) => there === count);

    const claiming = await other.claim?.open(
      { channel, group: null, from: null, select: null, follow: true, window: count, leaseMs: null },
      signal,
    );
    assert.ok(claiming);
    await eventually(waiting, (there) => there === 0);
    const { report } = await work(context, { ...order, jobId, dieAt: null });
    assert.ok(report);
    // How many the killed run had confirmed depends on how many the broker gave it at once.
    assert.equal(report.state, 'stopped');
    assert.ok(report.moved > 0 && report.moved === report.unsettled, JSON.stringify(report));
    assert.equal(report.moved + report.remaining, count, 'what others hold has not drifted');
    assert.match(report.stoppedBy ?? '', /others hold 20 messages/);

    await other.close(); // what it held comes back
    await eventually(waiting, (there) => there === count);
    const { report: last } = await work(context, { ...order, jobId, dieAt: null });
    assert.ok(last);
    assert.deepEqual([last.state, last.moved, last.unsettled], ['done', count, 0]);
    assert.equal((await everything(driver, to)).length, count);
    assert.deepEqual(await everything(driver, channel), []);
  },
);
