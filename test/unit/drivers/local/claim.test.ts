import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  allClaimed,
  at,
  Bench,
  claimsOf,
  message,
  nextOf,
  numbered,
  references,
  textOf,
  textsOf,
  unaborted,
} from './bench.ts';

test('acknowledging out of order moves the committed position only over what has no gap', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders');
  await bench.fill('orders', numbered(5));
  const claiming = await bench.claiming('orders');
  const claims = claimsOf(await allClaimed(claiming));
  const committed = async () => (await bench.backlogOf('orders', 'g')).partitions[0]?.committed;
  await claiming.settle([claims[3] ?? '', claims[1] ?? '']);
  assert.equal(await committed(), '0');
  await claiming.settle([claims[0] ?? '']);
  assert.equal(await committed(), '2');
  await claiming.settle([claims[2] ?? '']);
  assert.equal(await committed(), '4');
  await claiming.close();
  assert.deepEqual(await bench.takeAndRelease('orders'), ['m4']);
});

test('a group and the channel itself as a queue: only the queue loses what it settles', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders');
  await bench.fill('orders', numbered(3));
  for (const group of ['g', null]) {
    const claiming = await bench.claiming('orders', { group });
    const items = await allClaimed(claiming);
    assert.equal(items.length, 3, String(group));
    await claiming.settle(claimsOf(items).slice(0, 2));
    await claiming.close();
    assert.equal((await bench.read('orders')).length, group === null ? 1 : 3);
  }
});

test('what waits, what is held and how old the oldest is, for a group and for a queue', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders');
  const times = [5_000, 1_000, 2_000, 3_000];
  await bench.fill(
    'orders',
    times.map((timestamp) => message('x', { timestamp })),
  );
  for (const group of ['g', null]) {
    const claiming = await bench.claiming('orders', { group, window: 3 });
    const first = await nextOf(claiming.batches[Symbol.asyncIterator]());
    const claims = first.kind === 'claimed' ? claimsOf(first.items) : [];
    await claiming.settle(claims.slice(0, 1));
    const [partition] = (await bench.backlogOf('orders', group)).partitions;
    assert.equal(partition?.waiting, 1);
    assert.equal(partition.inFlight, 2);
    assert.deepEqual(partition.oldest, { at: 1_000, clock: 'create' });
    assert.equal(partition.committed, group === null ? null : '1');
    await claiming.close();
  }
});

test('one that nobody reads is reported for itself only when it is asked for', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders');
  await bench.fill('orders', numbered(2));
  assert.deepEqual(await bench.backlogs.read({ groups: null, channels: null }, unaborted), []);
  assert.equal((await bench.backlogOf('orders', null)).partitions[0]?.waiting, 2);
});

test('who gives back and does not follow is not given the same again', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders');
  await bench.fill('orders', numbered(3));
  const claiming = await bench.claiming('orders');
  const texts: string[] = [];
  for await (const batch of claiming.batches)
    if (batch.kind === 'claimed') {
      texts.push(...textsOf(batch.items));
      await claiming.release(claimsOf(batch.items));
    }
  assert.deepEqual(texts, ['m0', 'm1', 'm2']);
  await claiming.close();
});

test('a lease that ran out is told as lost by the one who waits', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders');
  await bench.fill('orders', numbered(1));
  const slow = await bench.claiming('orders', { leaseMs: 1, follow: true });
  const batches = slow.batches[Symbol.asyncIterator]();
  const first = await nextOf(batches);
  const claims = first.kind === 'claimed' ? claimsOf(first.items) : [];
  await sleep(10);
  const quick = await bench.claiming('orders');
  const [again] = await allClaimed(quick);
  assert.equal(again?.message.delivery.count, 2);
  assert.deepEqual(await nextOf(batches), { kind: 'lost', claims, reason: 'the lease ran out' });
  assert.deepEqual(await slow.settle(claims), ['lost']);
  await slow.close();
  await quick.close();
});

test('a lease that ran out, and that nobody else took, can still be settled', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders');
  await bench.fill('orders', numbered(1));
  const slow = await bench.claiming('orders', { leaseMs: 1 });
  const [item] = await allClaimed(slow);
  await sleep(10);
  assert.deepEqual(await slow.settle([item?.claim ?? '']), ['settled']);
  await slow.close();
});

test('selecting by reference skips what is acknowledged, held by others or gone, and the rest comes to others once', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders');
  await bench.fill('orders', numbered(6));
  const holder = await bench.claiming('orders', { select: references('1', '2') });
  const held = await allClaimed(holder);
  await holder.settle(claimsOf(held).slice(0, 1));
  const selecting = await bench.claiming('orders', { select: references('4', '1', '2', '0', '99', '4') });
  const texts: string[] = [];
  const missing: (string | null)[] = [];
  for await (const batch of selecting.batches)
    if (batch.kind === 'claimed') texts.push(...textsOf(batch.items));
    else if (batch.kind === 'missing') missing.push(...batch.references.map(({ offset }) => offset));
  assert.deepEqual(texts, ['m4', 'm0']);
  assert.deepEqual(missing, ['1', '2', '99', '4']);
  assert.deepEqual(await bench.takeAndRelease('orders'), ['m3', 'm5']);
  await selecting.close();
  await holder.close();
});

test('a group that is made begins where it was told, and later ones do not move it', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders');
  await bench.fill('orders', numbered(4));
  const options = { group: 'late', from: at({ kind: 'end', shift: -1n }) };
  assert.deepEqual(await bench.takeAndRelease('orders', options), ['m3']);
  assert.deepEqual(
    await bench.takeAndRelease('orders', { ...options, from: at({ kind: 'start', shift: 0n }) }),
    ['m3'],
  );
});

test('retention takes what a group has not read, and its position shows it', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders', { settings: { 'retention.messages': '2' } });
  await bench.fill('orders', numbered(2));
  const claiming = await bench.claiming('orders');
  await allClaimed(claiming);
  await claiming.close();
  await bench.fill('orders', numbered(4));
  await bench.fill('orders', [message('last')]);
  const [partition] = (await bench.backlogOf('orders', 'g')).partitions;
  assert.equal(partition?.committed, '0');
  assert.equal(partition.start, '4');
  assert.equal(partition.waiting, 3);
  assert.deepEqual(await bench.takeAndRelease('orders'), ['m3', 'last']);
});

test('a purge leaves what somebody holds of a queue, and a group goes on behind it', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders');
  await bench.fill('orders', numbered(4));
  const holder = await bench.claiming('orders', { group: null, select: references('1') });
  const [held] = await allClaimed(holder);
  assert.equal(await bench.admin.purge('orders', unaborted), 3);
  assert.deepEqual((await bench.read('orders')).map(textOf), ['m1']);
  assert.deepEqual(await holder.settle([held?.claim ?? '']), ['settled']);
  await holder.close();
  await bench.fill('orders', [message('after')]);
  assert.deepEqual(await bench.takeAndRelease('orders'), ['after']);
});

test('a channel that was deleted under a claim ends it, and one of the same name is another', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders');
  await bench.fill('orders', numbered(1));
  const claiming = await bench.claiming('orders');
  const [item] = await allClaimed(claiming);
  await bench.admin.delete('orders', unaborted);
  await bench.create('orders');
  await bench.fill('orders', numbered(1));
  assert.deepEqual(await claiming.settle([item?.claim ?? '']), ['lost']);
  await claiming.close();
  assert.deepEqual(await bench.takeAndRelease('orders'), ['m0']);
});

test('members are shown while they take, with what they hold, and leave with their claim', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders', { partitions: 2 });
  await bench.fill('orders', numbered(4));
  const claiming = await bench.claiming('orders');
  await allClaimed(claiming);
  const described = await bench.driver.groups?.describe('g', unaborted);
  assert.equal(described?.state, 'active');
  assert.equal(described.memberList[0]?.inFlight, 4);
  assert.match(described.memberList[0]?.client ?? '', new RegExp(`process ${process.pid}$`));
  const backlog = await bench.backlogOf('orders', 'g');
  assert.equal(backlog.partitions[0]?.owner, described.memberList[0]?.id);
  await claiming.close();
  assert.equal((await bench.driver.groups?.describe('g', unaborted))?.state, 'empty');
});
