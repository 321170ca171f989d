import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../../../src/lib/errors.ts';
import { allClaimed, Bench, claimsOf, message, numbered, textOf, unaborted } from './bench.ts';

async function giveBack(bench: Bench, times: number, group: string | null = 'g'): Promise<void> {
  for (let round = 0; round < times; round += 1) await bench.takeAndRelease('orders', { group });
}

test('after max.deliveries a message goes to the dead letters as it was, with why, whence and when', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders', {
    partitions: 2,
    deadLetter: 'orders.dead',
    settings: { 'max.deliveries': '2' },
  });
  const headers = [
    { name: 'trace', value: Buffer.from('abc') },
    { name: 'x-local-death-reason', value: Buffer.from('an earlier death') },
  ];
  const poison = message('poison', {
    key: Buffer.from('k'),
    partition: '1',
    timestamp: 1_000,
    headers,
    properties: { type: 'order' },
  });
  await bench.fill('orders', [poison]);
  await giveBack(bench, 1);
  assert.deepEqual(await bench.read('orders.dead'), []);
  await giveBack(bench, 1);
  const [dead, ...more] = await bench.read('orders.dead');
  assert.deepEqual(more, []);
  assert.ok(dead !== undefined);
  assert.equal(textOf(dead), 'poison');
  assert.equal(Buffer.from(dead.key ?? []).toString(), 'k');
  assert.deepEqual(dead.properties, { type: 'order' });
  assert.deepEqual(
    dead.headers.map(({ name }) => name),
    [
      'trace',
      ...['reason', 'channel', 'partition', 'offset', 'group', 'attempts', 'at', 'timestamp'].map(
        (name) => `x-local-death-${name}`,
      ),
    ],
  );
  assert.ok(Math.abs((dead.deadLetter?.at ?? 0) - Date.now()) < 60_000);
  assert.deepEqual(
    { ...dead.deadLetter, at: null },
    {
      reason: 'delivery-limit',
      class: null,
      message: 'not acknowledged after 2 deliveries',
      attempts: 2,
      origin: { channel: 'orders', partition: '1', offset: '0' },
      consumer: 'g',
      at: null,
    },
  );
  assert.deepEqual(bench.driver.deadLetters?.read(dead), dead.deadLetter);
});

test('a group that gave a message up goes on, other groups still get it', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders', { deadLetter: 'dead', settings: { 'max.deliveries': '1' } });
  await bench.fill('orders', numbered(2));
  await giveBack(bench, 1);
  assert.deepEqual(await bench.takeAndRelease('orders'), []);
  assert.equal((await bench.backlogOf('orders', 'g')).partitions[0]?.committed, '2');
  assert.deepEqual(await bench.takeAndRelease('orders', { group: 'other' }), ['m0', 'm1']);
});

test('a queue loses what it gave up', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders', { deadLetter: 'dead', settings: { 'max.deliveries': '1' } });
  await bench.fill('orders', numbered(1));
  await giveBack(bench, 1, null);
  assert.deepEqual(await bench.read('orders'), []);
  assert.deepEqual((await bench.read('dead')).map(textOf), ['m0']);
});

test('without a dead-letter channel, with one that is gone or one that is full, a message stays available', async (context) => {
  const bench = await Bench.start(context);
  const settings = { 'max.deliveries': '1' };
  await bench.create('orders', { settings });
  await bench.fill('orders', numbered(1));
  await giveBack(bench, 4);
  assert.deepEqual(await bench.takeAndRelease('orders'), ['m0']);
  await bench.admin.delete('orders', unaborted);

  await bench.create('orders', { settings, deadLetter: 'dead' });
  await bench.admin.delete('dead', unaborted);
  await bench.fill('orders', numbered(1));
  await giveBack(bench, 4);
  assert.deepEqual(await bench.takeAndRelease('orders'), ['m0']);

  await bench.create('dead', { settings: { 'max.messages': '1' } });
  await bench.fill('dead', [message('there already')]);
  assert.deepEqual(await bench.takeAndRelease('orders'), ['m0']);
  assert.deepEqual(await bench.takeAndRelease('orders'), ['m0']);
  await bench.admin.purge('dead', unaborted);
  await giveBack(bench, 1);
  assert.deepEqual((await bench.read('dead')).map(textOf), ['m0']);
});

test('the dead-letter channel is made with the channel, and a channel is never its own', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders', { deadLetter: 'dead' });
  assert.equal((await bench.driver.describe('dead', unaborted)).messages, 0);
  await assert.rejects(bench.create('self', { deadLetter: 'self' }), UsageError);
  await assert.rejects(
    bench.create('two', { deadLetter: 'a', settings: { 'dead-letter': 'b' } }),
    UsageError,
  );
});

test('a move leaves what another consumer holds, and what this process holds goes', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('dead');
  await bench.create('orders');
  await bench.fill('dead', numbered(2));
  const own = await bench.claiming('dead', { group: null, window: 1 });
  await own.batches[Symbol.asyncIterator]().next();
  const move = await bench.driver.atomicMove?.(
    { source: 'dead', destination: bench.driver, channel: 'orders', name: 'r1' },
    unaborted,
  );
  assert.ok(move !== null && move !== undefined);
  const items = (await bench.read('dead')).map((source) => ({
    source,
    outgoing: { ...source, partition: null },
  }));
  const outcomes = await move.move([...items, ...items.slice(0, 1)], unaborted);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['accepted', 'accepted', 'rejected'],
  );
  assert.deepEqual(
    await move.recover(
      items.map(({ source }) => source),
      unaborted,
    ),
    ['moved', 'moved'],
  );
  assert.deepEqual((await bench.read('orders')).map(textOf), ['m0', 'm1']);
  await move.close();
  await own.close();
});

test('settled dead letters are gone, the others stay in place', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('dead');
  await bench.fill('dead', numbered(5));
  const claiming = await bench.claiming('dead', { group: null });
  const claims = claimsOf(await allClaimed(claiming));
  await claiming.settle([claims[1] ?? '', claims[3] ?? '']);
  await claiming.close();
  assert.deepEqual((await bench.read('dead')).map(textOf), ['m0', 'm2', 'm4']);
  const lastTwo = await bench.read('dead', { from: { every: { kind: 'end', shift: -2n } } });
  assert.deepEqual(lastTwo.map(textOf), ['m2', 'm4']);
});
