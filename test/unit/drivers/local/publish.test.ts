import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { NotFoundError } from '../../../../src/lib/errors.ts';
import { Bench, message, numbered, openLocal, textOf, unaborted } from './bench.ts';

const statuses = (outcomes: readonly { readonly status: string }[]): string[] =>
  outcomes.map(({ status }) => status);

test('messages without a key take turns over the partitions, also from batch to batch', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders', { partitions: 3 });
  await bench.fill('orders', numbered(2));
  await bench.fill('orders', numbered(4));
  const { partitionList } = await bench.driver.describe('orders', unaborted);
  assert.deepEqual(
    partitionList.map(({ end }) => end),
    ['2', '2', '2'],
  );
});

test('the same key goes to the same partition, for ever', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders', { partitions: 7 });
  const outcomes = await bench.send(
    'orders',
    ['a', 'customer-1', ''].map((key) => message('x', { key: Buffer.from(key) })),
  );
  // Fixed values: another hash would scatter the keys of the files that exist.
  assert.deepEqual(
    outcomes.map((outcome) => outcome.status === 'accepted' && outcome.partition),
    ['5', '1', '2'],
  );
});

test('offsets rise by one in each partition and are never used again after a purge', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders');
  await bench.fill('orders', numbered(3));
  assert.equal(await bench.admin.purge('orders', unaborted), 3);
  await bench.fill('orders', numbered(1));
  assert.deepEqual(
    (await bench.read('orders')).map(({ offset }) => offset),
    ['3'],
  );
});

test('a message that cannot enter is rejected by itself, with why', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders', { partitions: 2, settings: { 'max.message.bytes': '10' } });
  const outcomes = await bench.send('orders', [
    message('fits'),
    message('eleven byte'),
    message('x', { partition: '2' }),
    message('x', { timestamp: Number.NaN }),
    message('fits too'),
  ]);
  assert.deepEqual(statuses(outcomes), ['accepted', 'rejected', 'rejected', 'rejected', 'accepted']);
  assert.deepEqual(
    outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : [])),
    [
      '11 bytes are more than max.message.bytes 10',
      'no partition "2": "orders" has 2 (0 to 1)',
      'the timestamp is no time',
    ],
  );
});

test('a full channel rejects the rest and accepts again when there is room', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders', { settings: { 'max.messages': '2' } });
  assert.deepEqual(statuses(await bench.send('orders', numbered(3))), ['accepted', 'accepted', 'rejected']);
  await bench.admin.purge('orders', unaborted);
  assert.deepEqual(statuses(await bench.send('orders', numbered(1))), ['accepted']);
});

test('a transaction of thousands is seen by nobody before its commit, then all at once and in order', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders');
  await bench.fill('orders', [message('before')]);
  const publisher = await bench.publishing.open(
    { channel: 'orders', delivery: 'transactional', compression: null },
    unaborted,
  );
  for (let batch = 0; batch < 3; batch += 1) await publisher.send(numbered(1_500));
  await bench.fill('orders', [message('meanwhile')]);
  assert.equal((await bench.read('orders')).length, 2);
  await publisher.commit();
  await publisher.close();
  const texts = (await bench.read('orders')).map(textOf);
  assert.equal(texts.length, 4_502);
  assert.deepEqual(texts.slice(0, 4), ['before', 'meanwhile', 'm0', 'm1']);
  assert.equal((await bench.driver.describe('orders', unaborted)).messages, 4_502);
});

test('a transaction that does not fit publishes nothing', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders', { settings: { 'max.messages': '2' } });
  const publisher = await bench.publishing.open(
    { channel: 'orders', delivery: 'transactional', compression: null },
    unaborted,
  );
  await publisher.send(numbered(3));
  await assert.rejects(publisher.commit(), /nothing was published: "orders" is full/);
  await publisher.close();
  assert.deepEqual(await bench.read('orders'), []);
});

test('a transaction whose session was given up can publish nothing', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders');
  const publisher = await bench.publishing.open(
    { channel: 'orders', delivery: 'transactional', compression: null },
    unaborted,
  );
  await publisher.send(numbered(3));
  const file = new DatabaseSync(bench.path);
  file.exec('UPDATE session SET heartbeat_at = 0');
  // Whoever opens next cleans up after the silent one.
  const other = await openLocal(`local:${bench.path}`);
  await (await new Bench(other, bench.path).claiming('orders')).close();
  await other.close();
  assert.equal(file.prepare('SELECT count(*) AS n FROM staged').get()?.['n'], 0);
  file.close();
  await assert.rejects(publisher.commit(), /silent for too long/);
  await publisher.close();
});

test('retention by age and by number takes the oldest away, a batch at a time', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('aged', { settings: { 'retention.ms': '60000' } });
  await bench.fill('aged', numbered(3, { timestamp: Date.now() - 120_000 }));
  await bench.fill('aged', [message('fresh')]);
  assert.deepEqual((await bench.read('aged')).map(textOf), ['fresh']);

  await bench.create('bounded', { settings: { 'retention.messages': '2' } });
  await bench.fill('bounded', numbered(5));
  await bench.fill('bounded', [message('last')]);
  const described = await bench.driver.describe('bounded', unaborted);
  assert.equal(described.partitionList[0]?.end, '6');
  assert.deepEqual((await bench.read('bounded')).map(textOf), ['m3', 'm4', 'last']);
});

test('a publisher of a channel that was deleted says so', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders');
  const publisher = await bench.publishing.open(
    { channel: 'orders', delivery: 'at-least-once', compression: null },
    unaborted,
  );
  await bench.admin.delete('orders', unaborted);
  await assert.rejects(publisher.send([message('x')]), NotFoundError);
  await publisher.close();
});
