import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'node:test';
import { without } from '../../brokers/needs.ts';
import { entriesOf, listOf, numberOrNull, textOf } from '../../../src/lib/drivers/redis/reply.ts';
import { atServer, signal } from './redis-server.ts';
import type { AtServer } from './redis-server.ts';

for (const server of ['redis', 'valkey'] as const)
  test(
    `${server}: mqctl claims what live consumers are slow with, and they go on: nothing is lost, and what was lost is said so`,
    { skip: without(server) },
    async (context) => {
      // Everything that waits for 20 ms is fair game: the consumer and mqctl take from each other all the time.
      const at = await atServer(context, server, { minIdleMs: '20' });
      const stream = await at.stream();
      const count = 400;
      for (let index = 0; index < count; index += 1)
        await at.link.ask(stream, ['XADD', stream, '*', 'value', String(index)], signal);
      await at.link.ask(stream, ['XGROUP', 'CREATE', stream, 'billing', '0'], signal);
      const seen = new Set<string>();
      const acknowledged = new Map<string, number>();
      const note = (id: string): void => void acknowledged.set(id, (acknowledged.get(id) ?? 0) + 1);
      const [, lost] = await Promise.all([
        liveConsumer(at, stream, seen, note),
        claimAll(at, stream, seen, note),
      ]);
      assert.equal(seen.size, count, 'everybody together saw everything');
      assert.equal(acknowledged.size, count, 'everything was acknowledged');
      assert.deepEqual(
        [...acknowledged].filter(([, times]) => times !== 1),
        [],
        'by one of them: who was told that it is settled is the one who had it',
      );
      const pending = await at.link.ask(stream, ['XPENDING', stream, 'billing'], signal);
      assert.equal(numberOrNull(listOf(pending)[0]), 0);
      context.diagnostic(`${String(lost)} were lost to the consumer before they could be settled`);
    },
  );

/** Takes, dawdles, acknowledges what it still has; takes over what others dawdle with. */
async function liveConsumer(
  { link }: AtServer,
  stream: string,
  seen: Set<string>,
  note: (id: string) => void,
): Promise<void> {
  for (let idle = 0; idle < 5;) {
    const read = await link.ask(
      stream,
      ['XREADGROUP', 'GROUP', 'billing', 'live', 'COUNT', '7', 'STREAMS', stream, '>'],
      signal,
    );
    const fresh = entriesOf(listOf(listOf(read)[0])[1]);
    const taken = await link.ask(
      stream,
      ['XAUTOCLAIM', stream, 'billing', 'live', '20', '0', 'COUNT', '7'],
      signal,
    );
    const entries = [...fresh, ...entriesOf(listOf(taken)[1])];
    idle = entries.length === 0 ? idle + 1 : 0;
    await sleep(30);
    for (const { id } of entries) {
      seen.add(id);
      // As careful consumers do: only what is still theirs.
      const [own] = listOf(await link.ask(stream, ['XPENDING', stream, 'billing', id, id, '1'], signal));
      if (textOf(listOf(own)[1]) !== 'live') continue;
      if (numberOrNull(await link.ask(stream, ['XACK', stream, 'billing', id], signal)) === 1) note(id);
    }
  }
}

async function claimAll(
  { driver }: AtServer,
  stream: string,
  seen: Set<string>,
  note: (id: string) => void,
): Promise<number> {
  let lost = 0;
  for (let idle = 0; idle < 3;) {
    const claiming = await driver.claim?.open(
      {
        channel: stream,
        group: 'billing',
        from: null,
        select: null,
        follow: false,
        window: 10,
        leaseMs: null,
      },
      signal,
    );
    assert.ok(claiming);
    let taken = 0;
    for await (const batch of claiming.batches) {
      if (batch.kind !== 'claimed') continue;
      taken += batch.items.length;
      for (const { message } of batch.items) seen.add(message.id ?? '');
      await sleep(25);
      const outcomes = await claiming.settle(batch.items.map(({ claim }) => claim));
      for (const [index, outcome] of outcomes.entries())
        if (outcome === 'settled') note(batch.items[index]?.message.id ?? '');
        else lost += 1;
    }
    await claiming.close();
    idle = taken === 0 ? idle + 1 : 0;
    if (taken === 0) await sleep(100);
  }
  return lost;
}
