import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { chooseSeed } from './random-records.ts';
import { consumeIntoFile, hashesOfFile, partitions, produceFile, writeRandomRecords } from './round-trip.ts';
import { workplace } from './workplace.ts';

const shop = 'local:shop.db';

test('100,000 random messages, read and written again in the embedded broker, are the same bytes in the same order', async (t) => {
  const { folder, channel } = await workplace(t, shop);
  const seed = chooseSeed();
  t.diagnostic(`MQCTL_TEST_SEED=${seed.toString()}`);
  const expected = await writeRandomRecords(join(folder, 'made'), 100_000, seed);
  const first = await channel('--partitions', partitions.toString());
  const second = await channel('--partitions', partitions.toString());
  await produceFile(folder, 'made', first, shop);
  await consumeIntoFile(folder, 'once', first, shop);
  assert.deepEqual(await hashesOfFile(join(folder, 'once')), expected);
  await produceFile(folder, 'once', second, shop);
  await consumeIntoFile(folder, 'twice', second, shop);
  assert.deepEqual(await hashesOfFile(join(folder, 'twice')), expected);
});
