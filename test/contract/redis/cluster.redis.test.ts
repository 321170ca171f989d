import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import test from 'node:test';
import { without } from '../../brokers/needs.ts';
import { textOf } from '../../../src/lib/drivers/redis/reply.ts';
import { fill, everything } from '../../faults/redrive-kill.ts';
import { atServer, signal } from './redis-server.ts';
import type { AtServer } from './redis-server.ts';

const skip = without('redis-cluster');

const slotOf = async ({ link }: AtServer, key: string): Promise<number> =>
  Number(textOf(await link.askAny(['CLUSTER', 'KEYSLOT', key], signal)));

test(
  'streams on all three nodes are listed, produced to and read, and say their slot',
  { skip },
  async (context) => {
    const at = await atServer(context, 'redis-cluster');
    const prefix = randomUUID();
    const names = await Promise.all(
      Array.from({ length: 9 }, (_, index) => at.stream(`${prefix}-${String(index)}`)),
    );
    const slots = await Promise.all(names.map((name) => slotOf(at, name)));
    assert.equal(new Set(slots.map((slot) => Math.floor(slot / 5_462))).size, 3, 'all nodes have some');
    for (const name of names) {
      await fill(at.driver, name, 20);
      assert.equal((await everything(at.driver, name)).length, 20);
    }
    const listed: string[] = [];
    for await (const { channel, messages } of at.driver.channels(
      { match: `${prefix}-*`, internal: false },
      signal,
    )) {
      assert.equal(messages, 20);
      listed.push(channel);
    }
    assert.deepEqual(listed, names);
    assert.equal((await at.driver.describe(names[0] ?? '', signal)).settings['slot'], String(slots[0]));
    const status = await at.driver.cluster?.status(signal);
    assert.deepEqual([status?.nodes.length, status?.problems], [3, []]);
  },
);

test('groups of one name on streams of different nodes are shown as one', { skip }, async (context) => {
  const at = await atServer(context, 'redis-cluster');
  const group = `g-${randomUUID()}`;
  const names = await Promise.all([at.stream(), at.stream(), at.stream(), at.stream()]);
  for (const name of names) await at.link.ask(name, ['XGROUP', 'CREATE', name, group, '0'], signal);
  assert.deepEqual((await at.driver.groups?.describe(group, signal))?.channels.toSorted(), names.toSorted());
});

test('a move in one step is there within a slot, and not between slots', { skip }, async (context) => {
  const at = await atServer(context, 'redis-cluster');
  const tag = randomUUID();
  const [source, near, far] = [
    await at.stream(`{${tag}}:dlq`),
    await at.stream(`{${tag}}`),
    await at.stream(),
  ];
  assert.notEqual(await slotOf(at, source), await slotOf(at, far));
  await fill(at.driver, source, 10);
  const request = { source, destination: at.driver, name: 'm' };
  assert.equal(await at.driver.atomicMove?.({ ...request, channel: far }, signal), null);
  assert.equal(await at.driver.movesAtomically?.(source, [near, far], signal), false);
  assert.equal(await at.driver.movesAtomically?.(source, [near], signal), true);
  const move = await at.driver.atomicMove?.({ ...request, channel: near }, signal);
  const items = (await everything(at.driver, source)).map((one) => ({ source: one, outgoing: one }));
  const outcomes = await move?.move(items, signal);
  assert.ok(outcomes?.every(({ status }) => status === 'accepted'));
  await move?.close();
  assert.equal((await everything(at.driver, near)).length, 10);
  assert.equal((await everything(at.driver, source)).length, 0);
});
