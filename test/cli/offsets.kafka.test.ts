import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { consumerGroups } from '../brokers/kafka-tools.ts';
import { addressOf, without } from '../brokers/needs.ts';
import { workplace } from './workplace.ts';

const skip = without('kafka');

test('positions go to kafka-consumer-groups and come from it', { skip }, async (t) => {
  const address = addressOf('kafka');
  const { channel, done, folder } = await workplace(t, `kafka://${address}`);
  const topic = await channel('--partitions', '2');
  const group = `cli-${randomUUID()}`;
  const lines = Array.from({ length: 40 }, (_, index) => `message ${index.toString()}\n`).join('');
  await done(['produce', topic, '--partition', '0'], lines);
  await done(['produce', topic, '--partition', '1'], lines);
  await done(['consume', topic, '--group', group, '-o', 'raw']);
  const csv = async (): Promise<string[]> =>
    (await done(['offsets', 'export', group])).stdout.toString().trim().split('\n').sort();
  assert.deepEqual(await csv(), [`${topic},0,40`, `${topic},1,40`]);

  // Ours, read by Java.
  const ours = join(folder, 'ours.csv');
  await writeFile(ours, `${topic},0,7\n${topic},1,9\n`);
  await consumerGroups(address, [...['--group', group, '--reset-offsets', '--from-file', ours, '--execute']]);
  assert.deepEqual(await csv(), [`${topic},0,7`, `${topic},1,9`]);
  const exported = (await done(['offsets', 'export', group, '--with-group'])).stdout;
  await done(['offsets', 'reset', group, '--channel', topic, '--to', 'end', '--yes']);
  await writeFile(ours, exported);
  await consumerGroups(address, [
    ...['--group', group, '--group', `${group}-none`],
    ...['--reset-offsets', '--from-file', ours, '--execute'],
  ]);
  assert.deepEqual(await csv(), [`${topic},0,7`, `${topic},1,9`]);

  // Java's, read by us.
  const theirs = join(folder, 'theirs.csv');
  const words = ['--reset-offsets', '--topic', topic, '--shift-by', '3', '--export', '--dry-run'];
  await writeFile(theirs, await consumerGroups(address, ['--group', group, ...words]));
  await done(['offsets', 'import', group, '--file', theirs, '--yes']);
  assert.deepEqual(await csv(), [`${topic},0,10`, `${topic},1,12`]);

  // And back, one after the other.
  for (const expected of [
    [`${topic},0,7`, `${topic},1,9`], // before the import
    [`${topic},0,7`, `${topic},1,9`], // before the reset to the end, which Java then changed
  ]) {
    await done(['offsets', 'undo', group, '--yes']);
    assert.deepEqual(await csv(), expected);
  }
  await done(['groups', 'delete', group, '--yes']);
});
