import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { chooseSeed } from './random-records.ts';
import { consumeIntoFile, hashesOfFile, partitions, produceFile, writeRandomRecords } from './round-trip.ts';
import { mqctl } from './run-mqctl.ts';
import { workplace } from './workplace.ts';

const skip = without('kafka');
const local = 'local:copy.db';
const parts = ['--partitions', partitions.toString()];
/** The timestamps are random too, and Kafka removes what is older than the retention. */
const keptForEver = [...parts, '--setting', 'retention.ms=-1'];

test(
  '100,000 random messages, read and written again in Kafka, are the same bytes in the same order',
  { skip },
  async (t) => {
    const kafka = `kafka://${addressOf('kafka')}`;
    const { folder, channel } = await workplace(t, kafka);
    const seed = chooseSeed();
    t.diagnostic(`MQCTL_TEST_SEED=${seed.toString()}`);
    const expected = await writeRandomRecords(join(folder, 'made'), 100_000, seed);
    const first = await channel(...keptForEver);
    const second = await channel(...keptForEver);
    await produceFile(folder, 'made', first, kafka);
    await consumeIntoFile(folder, 'once', first, kafka);
    assert.deepEqual(await hashesOfFile(join(folder, 'once')), expected);
    await produceFile(folder, 'once', second, kafka);
    await consumeIntoFile(folder, 'twice', second, kafka);
    assert.deepEqual(await hashesOfFile(join(folder, 'twice')), expected);
  },
);

test('from Kafka to the embedded broker and back they stay the same, too', { skip }, async (t) => {
  const kafka = `kafka://${addressOf('kafka')}`;
  const { folder, channel } = await workplace(t, kafka);
  const seed = chooseSeed();
  t.diagnostic(`MQCTL_TEST_SEED=${seed.toString()}`);
  const expected = await writeRandomRecords(join(folder, 'made'), 20_000, seed);
  const there = await channel(...keptForEver);
  const back = await channel(...keptForEver);
  await mqctl(['create', 'copy', ...parts, '-c', local], { folder });
  await produceFile(folder, 'made', there, kafka);
  await consumeIntoFile(folder, 'read', there, kafka);
  await produceFile(folder, 'read', 'copy', local);
  await consumeIntoFile(folder, 'copied', 'copy', local);
  await produceFile(folder, 'copied', back, kafka);
  await consumeIntoFile(folder, 'returned', back, kafka);
  assert.deepEqual(await hashesOfFile(join(folder, 'returned')), expected);
});
