import assert from 'node:assert/strict';
import test from 'node:test';
import { without } from '../../brokers/needs.ts';
import { listOf, textOf } from '../../../src/lib/drivers/redis/reply.ts';
import { atServer, signal } from './redis-server.ts';
import type { AtServer } from './redis-server.ts';

for (const server of ['redis', 'valkey', 'redis-cluster'] as const) {
  const skip = without(server);

  test(
    `${server}: after XDEL of entries that a group had not read, what waits is unknown, never 0`,
    { skip },
    async (context) => {
      const at = await atServer(context, server);
      const { stream, ids } = await readTwoOfFive(at);
      assert.equal(await waiting(at, stream), 3);
      await at.link.ask(stream, ['XDEL', stream, ids[3] ?? ''], signal);
      const [found] = (await at.driver.backlog?.read({ groups: null, channels: [stream] }, signal)) ?? [];
      assert.equal(found?.partitions[0]?.waiting, null);
      assert.match(found?.unknown.join() ?? '', /entries were deleted/);
      assert.equal(found?.partitions[0]?.inFlight, 2);
      assert.equal(found.partitions[0].arrived, 5, 'what ever came in is counted all the same');
    },
  );

  test(
    `${server}: a group that was made in the middle of a stream is behind by an unknown number`,
    { skip },
    async (context) => {
      const at = await atServer(context, server);
      const { stream, ids } = await readTwoOfFive(at);
      await at.link.ask(stream, ['XGROUP', 'CREATE', stream, 'late', ids[2] ?? ''], signal);
      const found = await at.driver.backlog?.read({ groups: ['late'], channels: [stream] }, signal);
      assert.equal(found?.[0]?.partitions[0]?.waiting, null);
    },
  );

  test(`${server}: when all was read, nothing waits, and it is known`, { skip }, async (context) => {
    const at = await atServer(context, server);
    const { stream } = await readTwoOfFive(at);
    await read(at, stream, 10);
    assert.equal(await waiting(at, stream), 0);
  });
}

async function readTwoOfFive(at: AtServer): Promise<{ stream: string; ids: readonly string[] }> {
  const stream = await at.stream();
  const ids: string[] = [];
  for (let index = 0; index < 5; index += 1)
    ids.push(textOf(await at.link.ask(stream, ['XADD', stream, '*', 'n', String(index)], signal)));
  await at.link.ask(stream, ['XGROUP', 'CREATE', stream, 'billing', '0'], signal);
  await read(at, stream, 2);
  return { stream, ids };
}

async function read({ link }: AtServer, stream: string, count: number): Promise<void> {
  const words = ['XREADGROUP', 'GROUP', 'billing', 'c', 'COUNT', String(count), 'STREAMS', stream, '>'];
  assert.ok(listOf(await link.ask(stream, words, signal)).length > 0);
}

async function waiting({ driver }: AtServer, stream: string): Promise<number | null | undefined> {
  const found = await driver.backlog?.read({ groups: ['billing'], channels: [stream] }, signal);
  return found?.[0]?.partitions[0]?.waiting;
}
