import assert from 'node:assert/strict';
import test from 'node:test';
import { without } from '../../brokers/needs.ts';
import type { Message } from '../../../src/lib/message/message.ts';
import { listOf, numberOrNull, textOf } from '../../../src/lib/drivers/redis/reply.ts';
import { atServer, signal } from './redis-server.ts';
import type { AtServer } from './redis-server.ts';

const skip = without('redis');
const start = { every: { kind: 'start', shift: 0n } as const };

/** Five entries that `billing` was given: the first two six times, and idle; the third six times, and just now. */
async function withDead(at: AtServer): Promise<{ stream: string; dead: string; ids: readonly string[] }> {
  const { link } = at;
  const stream = await at.stream();
  const ids: string[] = [];
  for (let index = 0; index < 5; index += 1)
    ids.push(textOf(await link.ask(stream, ['XADD', stream, '*', 'value', `v${String(index)}`], signal)));
  await link.ask(stream, ['XGROUP', 'CREATE', stream, 'billing', '0'], signal);
  await link.ask(stream, ['XREADGROUP', 'GROUP', 'billing', 'w1', 'STREAMS', stream, '>'], signal);
  const given = (id: string, idle: string) =>
    link.ask(
      stream,
      ['XCLAIM', stream, 'billing', 'w1', '0', id, 'IDLE', idle, 'RETRYCOUNT', '6', 'JUSTID'],
      signal,
    );
  await given(ids[0] ?? '', '3600000');
  await given(ids[1] ?? '', '3600000');
  await given(ids[2] ?? '', '0');
  return { stream, dead: `${stream}/billing/dead`, ids };
}

async function pending({ link }: AtServer, stream: string): Promise<unknown> {
  const list = listOf(await link.ask(stream, ['XPENDING', stream, 'billing', '-', '+', '100'], signal));
  return list.map((item) => {
    const [id, consumer, , deliveries] = listOf(item);
    return [textOf(id), textOf(consumer), numberOrNull(deliveries)];
  });
}

async function look({ driver }: AtServer, channel: string): Promise<readonly Message[]> {
  const looking = await driver.look?.open(
    { channel, from: start, until: null, follow: false, partitions: null, limit: null, uncommitted: false },
    signal,
  );
  const messages: Message[] = [];
  for await (const batch of looking?.batches ?? []) messages.push(...batch);
  return messages;
}

const claiming = ({ driver }: AtServer, channel: string) =>
  driver.claim?.open(
    { channel, group: null, from: null, select: null, follow: false, window: 10, leaseMs: null },
    signal,
  );

test(
  'what a group was given too often and nobody touches is a channel of dead letters, with why and whence',
  { skip },
  async (context) => {
    const at = await atServer(context, 'redis');
    const { stream, dead, ids } = await withDead(at);
    const pairs = await at.driver.deadLetters?.pairs(signal);
    assert.deepEqual(
      pairs?.filter(({ source }) => source === stream).map(({ deadLetter }) => deadLetter),
      [dead],
    );
    const messages = await look(at, dead);
    assert.deepEqual(
      messages.map(({ id }) => id),
      ids.slice(0, 2),
      'the third was touched just now',
    );
    const [first] = messages;
    assert.equal(first?.deadLetter?.attempts, 6);
    assert.equal(first.deadLetter.origin.channel, stream);
    assert.equal(first.deadLetter.consumer, 'billing');
    const { messages: counted, approximate } = await at.driver.describe(dead, signal);
    assert.deepEqual([counted, approximate], [2, false]);
  },
);

test(
  'what was trimmed is not counted; what was deleted from the midst of the stream may be, and it is said',
  { skip },
  async (context) => {
    const at = await atServer(context, 'redis');
    const { stream, dead, ids } = await withDead(at);
    await at.link.ask(stream, ['XDEL', stream, ids[1] ?? ''], signal);
    const { messages, approximate } = await at.driver.describe(dead, signal);
    assert.deepEqual([messages, approximate], [2, true]);
    assert.equal((await look(at, dead)).length, 1);
    await at.link.ask(stream, ['XTRIM', stream, 'MINID', ids[2] ?? ''], signal);
    const trimmed = await at.driver.describe(dead, signal);
    assert.deepEqual([trimmed.messages, trimmed.approximate], [0, false]);
    assert.deepEqual(await look(at, dead), []);
  },
);

test(
  'given back, they are whose they were and count as often as before; settled, they stay in the stream',
  { skip },
  async (context) => {
    const at = await atServer(context, 'redis');
    const { stream, dead } = await withDead(at);
    const before = await pending(at, stream);
    const first = await claiming(at, dead);
    for await (const batch of first?.batches ?? []) assert.equal(batch.kind, 'claimed');
    await first?.close();
    assert.deepEqual(await pending(at, stream), before);
    assert.equal((await look(at, dead)).length, 2, 'and are dead letters at once');

    const second = await claiming(at, dead);
    for await (const batch of second?.batches ?? [])
      if (batch.kind === 'claimed')
        assert.deepEqual(await second?.settle(batch.items.map(({ claim }) => claim)), ['settled', 'settled']);
    await second?.close();
    assert.deepEqual(await look(at, dead), []);
    assert.equal((await look(at, stream)).length, 5);
  },
);

test(
  'a move acknowledges the old one and adds the new one in one step; what a consumer touches meanwhile stays his',
  { skip },
  async (context) => {
    const at = await atServer(context, 'redis');
    const { stream, dead, ids } = await withDead(at);
    const items = (await look(at, dead)).map((source) => ({ source, outgoing: source }));
    await at.link.ask(stream, ['XCLAIM', stream, 'billing', 'w2', '0', ids[1] ?? ''], signal);
    const move = await at.driver.atomicMove?.(
      { source: dead, destination: at.driver, channel: stream, name: 'move' },
      signal,
    );
    const outcomes = await move?.move(items, signal);
    assert.deepEqual(
      outcomes?.map(({ status }) => status),
      ['accepted', 'rejected'],
    );
    assert.deepEqual(
      await move?.recover(
        items.map(({ source }) => source),
        signal,
      ),
      ['moved', 'not-moved'],
    );
    await move?.close();
    const texts = (await look(at, stream)).map(({ value }) => Buffer.from(value ?? []).toString());
    assert.deepEqual(texts, ['v0', 'v1', 'v2', 'v3', 'v4', 'v0']);
  },
);
