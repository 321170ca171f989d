/** Destinations that do not take what is redriven: nothing is acknowledged that is not elsewhere. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import amqp from 'amqplib';
import type { ChannelModel } from 'amqplib';
import { UsageError } from '../../src/lib/errors.ts';
import { system } from '../contract/systems/rabbitmq.ts';
import { addressOf } from '../brokers/needs.ts';
import { startCuttingProxy } from '../brokers/cutting-proxy.ts';
import { Draw, seedOf, assertNothingLost as assertNamed } from './redrive-kill.ts';
import { assertNothingLost, duplicatesOf, quickClock, RabbitmqRedrive } from './rabbitmq-redrive.ts';

const skip = system.missing;
let broker: ChannelModel;

if (!skip) {
  before(async () => {
    broker = await amqp.connect(addressOf('rabbitmq'));
  });
  after(() => broker.close());
}

/** An exchange of that name, through which everything goes to `to`, where it is bound. */
async function exchangeTo(redrive: RabbitmqRedrive, bound: boolean): Promise<string> {
  const name = `${redrive.to}.exchange`;
  const channel = await broker.createChannel();
  await channel.assertExchange(name, 'fanout', { durable: false, autoDelete: false });
  if (bound) await channel.bindQueue(redrive.to, name, '');
  await channel.close();
  return name;
}

async function unbind(redrive: RabbitmqRedrive, exchange: string): Promise<void> {
  const channel = await broker.createChannel();
  await channel.unbindQueue(redrive.to, exchange, '');
  await channel.close();
}

async function remove(exchange: string): Promise<void> {
  const channel = await broker.createChannel();
  await channel.deleteExchange(exchange);
  await channel.close();
}

test(
  'an exchange that leads nowhere: the plan is refused, and all stay where they are',
  { skip },
  async (context) => {
    const redrive = await RabbitmqRedrive.begin(context, system.connection());
    await redrive.fill(200);
    const exchange = await exchangeTo(redrive, false);
    context.after(() => remove(exchange));
    await assert.rejects(redrive.prepare(null, `exchange:${exchange}`), /passes on to no queue/);
    assert.equal((await redrive.take(redrive.queue)).length, 200);
  },
);

test(
  'an exchange that leads nowhere since the plan was made: all stay, and are named',
  { skip },
  async (context) => {
    const redrive = await RabbitmqRedrive.begin(context, system.connection());
    await redrive.fill(200);
    const exchange = await exchangeTo(redrive, true);
    context.after(() => remove(exchange));
    const prepared = await redrive.prepare(null, `exchange:${exchange}`);
    await unbind(redrive, exchange);
    const { report } = await redrive.run(prepared, { clock: quickClock });
    assert.equal(report.moved, 0);
    assert.ok(report.failed > 0);
    assert.match(report.failures[0]?.reason ?? '', /has no binding/);
    assertNothingLost(report, [], await redrive.take(redrive.queue), 200);
  },
);

test(
  'a binding that goes away in the middle: what arrived is gone, the rest stays',
  { skip },
  async (context) => {
    const redrive = await RabbitmqRedrive.begin(context, system.connection());
    await redrive.fill(1_000);
    const exchange = await exchangeTo(redrive, true);
    context.after(() => remove(exchange));
    const prepared = await redrive.prepare(null, `exchange:${exchange}`);
    let moved = 0;
    let unbinding = Promise.resolve();
    const onProgress = (count: number): void => {
      const before = moved;
      moved += count;
      if (before < 400 && moved >= 400) unbinding = unbind(redrive, exchange);
    };
    const { report } = await redrive.run(prepared, { clock: quickClock, onProgress });
    await unbinding;
    assert.ok(report.moved >= 400 && report.moved < 1_000);
    const arrived = await redrive.take(redrive.to);
    assertNothingLost(report, arrived, await redrive.take(redrive.queue), 1_000);
  },
);

test(
  'a full destination is waited for, then the run stops; what it refused is still to be moved, and is later',
  { skip },
  async (context) => {
    const full = { 'x-max-length': '150', 'x-overflow': 'reject-publish' };
    const redrive = await RabbitmqRedrive.begin(context, system.connection(), { to: full });
    await redrive.fill(400);
    const first = await redrive.run(await redrive.prepare(), { clock: quickClock });
    assert.equal(first.report.state, 'stopped');
    assert.match(first.report.stoppedBy ?? '', /takes no more/);
    assert.equal(first.report.failed, 0);
    const arrived = [...(await redrive.take(redrive.to))];
    assert.equal(arrived.length, first.report.moved);
    let { report } = first;
    for (let tries = 0; report.remaining > 0 && tries < 10; tries += 1) {
      ({ report } = await redrive.run(await redrive.reopen(), { clock: quickClock }));
      arrived.push(...(await redrive.take(redrive.to)));
    }
    assertNothingLost(report, arrived, await redrive.take(redrive.queue), 400);
    assert.equal(report.moved, 400);
  },
);

/** The broker keeps the order of what it handed out and got back up to some ten thousand; of more, it puts parts elsewhere. */
for (const { count, keepsOrder } of [
  { count: 5_000, keepsOrder: true },
  { count: 100_000, keepsOrder: false },
])
  test(
    `some of ${count.toString()}, from the front of a queue to its end: they are moved, all others stay, each once${keepsOrder ? ', in order' : ''}`,
    { skip },
    async (context) => {
      const redrive = await RabbitmqRedrive.begin(context, system.connection());
      const numbersIn = async (queue: string): Promise<readonly number[]> => {
        const found = (await redrive.take(queue)).map(numberOf);
        return keepsOrder ? found : found.toSorted((one, other) => one - other);
      };
      await redrive.fill(count);
      const wanted = (number: number): boolean => number % 100 === 99;
      const numberOf = ({ value }: { readonly value: Uint8Array | null }): number =>
        Number(
          Buffer.from(value ?? [])
            .toString()
            .slice('message '.length),
        );
      const prepared = await redrive.prepare((message) => wanted(numberOf(message)));
      const { report, error } = await redrive.run(prepared);
      assert.equal(error, null);
      const numbers = Array.from({ length: count }, (_, number) => number);
      assert.deepEqual([report.state, report.moved], ['done', count / 100]);
      assert.deepEqual(await numbersIn(redrive.to), numbers.filter(wanted));
      assert.deepEqual(
        await numbersIn(redrive.queue),
        numbers.filter((number) => !wanted(number)),
      );
    },
  );

test(
  'a plan made again and again is refused before the broker drops what it looks at, and then costs nothing',
  { skip },
  async (context) => {
    const redrive = await RabbitmqRedrive.begin(context, system.connection(), {
      queue: { 'x-delivery-limit': '8' },
    });
    await redrive.fill(20);
    const refusals: string[] = [];
    let run = await redrive.prepare();
    for (let tries = 0; tries < 20; tries += 1)
      try {
        run = await redrive.prepare();
      } catch (error) {
        assert.ok(error instanceof UsageError);
        refusals.push(error.message);
      }
    assert.ok(refusals.length > 10 && refusals.length < 20);
    assert.match(
      refusals.at(-1) ?? '',
      /when it was last looked at, a message there was delivered \d times of 8/,
    );
    // A plan that was made before costs one delivery less, and that is too many as well.
    await assert.rejects(redrive.run(run), /this takes 1 more/);
    assert.equal((await redrive.take(redrive.queue)).length, 20);
  },
);

test(
  'where only those at the back are near the limit, a plan is refused before the broker drops any, and then costs nothing',
  { skip },
  async (context) => {
    const redrive = await RabbitmqRedrive.begin(context, system.connection(), {
      queue: { 'x-delivery-limit': '20' },
    });
    await redrive.fill(20);
    for (let times = 0; times < 14; times += 1) await redrive.holdAndLeave(20);
    await redrive.fill(20);
    // What has been delivered before comes first, in the order in which it came back.
    await redrive.holdAndLeave(40);
    await redrive.holdAndLeave(20);
    const refusals: string[] = [];
    for (let tries = 0; tries < 10; tries += 1)
      await redrive.prepare().catch((error: unknown) => {
        assert.ok(error instanceof UsageError);
        refusals.push(error.message);
      });
    assert.ok(refusals.length >= 8);
    assert.match(
      refusals.at(-1) ?? '',
      /when it was last looked at, a message there was delivered \d+ times of 20/,
    );
    assert.equal((await redrive.take(redrive.queue)).length, 40);
  },
);

test(
  'a connection cut between publishing and its confirm, five times: none is lost, what may be twice is named',
  { skip },
  async (context) => {
    const { network } = system;
    assert.ok(network);
    const proxy = await startCuttingProxy(network);
    context.after(() => proxy.close());
    const redrive = await RabbitmqRedrive.begin(context, system.connection());
    const count = 3_000;
    await redrive.fill(count);
    const draw = new Draw(seedOf(context));
    let prepared = await redrive.prepare();
    let cuts = 0;
    let hits = 0;
    let unanswered = 0;
    const inFlight = 100;
    for (;;) {
      // Beyond what the cut before left in doubt, so that what this one cuts off is in doubt for the first time.
      const cutAt = hits < 5 ? inFlight + draw.upTo(inFlight) : Infinity;
      let moved = 0;
      let cutting: Promise<void> | null = null;
      const onProgress = (more: number): void => {
        moved += more;
        if (moved < cutAt || cutting !== null) return;
        proxy.silence();
        // A batch is published, which is more than acknowledgements say; or all that may be in flight already is.
        cutting = Promise.race([proxy.said(1_024), sleep(1_000)]).then(() => proxy.cut());
      };
      const { report, error } = await redrive.run(
        prepared,
        { onProgress, inFlight },
        network.through(proxy.port),
      );
      proxy.heal();
      if (error === null && report.state === 'done') {
        assert.equal(hits, 5);
        const duplicates = await duplicatesOf(report);
        assert.ok(duplicates.length > 0);
        assertNamed(await redrive.take(redrive.to), count, { report, kills: cuts, duplicates });
        assert.deepEqual(await redrive.take(redrive.queue), []);
        return;
      }
      cuts += 1;
      assert.ok(cutting !== null && cuts < 15, report.stoppedBy ?? '');
      // Else everything was confirmed just then, and the cut is drawn again.
      const before = unanswered;
      unanswered = report.inDoubt + report.possibleDuplicateCount;
      if (unanswered > before) hits += 1;
      prepared = await redrive.reopen();
    }
  },
);
