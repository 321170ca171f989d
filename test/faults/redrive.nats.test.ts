import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import test from 'node:test';
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { system } from '../contract/systems/nats.ts';
import { assertNothingLost, Draw, everything, fill, redriveWithKills, seedOf } from './redrive-kill.ts';
import { redrivePlace } from './redrive-place.ts';

/** `MQCTL_TEST_REDRIVE_NATS=2000:50` is the large one. */
const [count = 200, kills = 4] = (process.env['MQCTL_TEST_REDRIVE_NATS'] ?? '200:4').split(':').map(Number);
const inFlight = 20;
const { signal } = new AbortController();

test(
  'a redrive of what a consumer gave up, killed again and again: nothing is lost, and what may be there twice is named',
  { skip: system.missing },
  async (context) => {
    const name = randomUUID();
    const [from, to] = [`orders-${name}`, `retry-${name}`];
    const { driver, stateFolder, connection } = await redrivePlace(context, system, [from, to]);
    for (const channel of [from, to])
      await driver.admin?.create(
        { channel, type: null, partitions: null, settings: {}, deadLetter: null },
        signal,
      );
    if ((await driver.deadLetters?.capture?.missing(signal)) !== null)
      await driver.deadLetters?.capture?.install(signal);
    await fill(driver, from, count);
    await terminateAll(from, count);
    const channel = `${from}/billing/dead`;
    assert.equal((await everything(driver, channel)).length, count);

    const order = {
      system: 'nats' as const,
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
    assert.ok(run.kills > 0);
    const arrived = await everything(driver, to);
    assertNothingLost(arrived, count, run);
    assert.deepEqual(await everything(driver, channel), []);
    assert.equal((await everything(driver, from)).length, count, 'the originals stay');
    context.diagnostic(
      `${run.kills.toString()} kills, ${run.duplicates.length.toString()} named as possibly twice, ${(arrived.length - count).toString()} copies too many`,
    );
  },
);

async function terminateAll(stream: string, count: number): Promise<void> {
  const { url, username, password } = system.connection();
  const connection = await connect({
    servers: new URL(url).host,
    ...(username !== null && { user: username }),
    ...(password !== null && { pass: password }),
  });
  const manager = await jetstreamManager(connection);
  await manager.consumers.add(stream, { durable_name: 'billing', ack_policy: AckPolicy.Explicit });
  const consumer = await jetstream(connection).consumers.get(stream, 'billing');
  for (let left = count; left > 0;) {
    for await (const message of await consumer.fetch({ max_messages: left, expires: 10_000 })) {
      message.term('refused');
      left -= 1;
    }
  }
  await connection.drain();
}
