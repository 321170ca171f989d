import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { chooseSeed, isObject, lineOf, Random } from './random-records.ts';
import { consumeIntoFile, hashesOfFile, partitions, produceFile, writeRandomRecords } from './round-trip.ts';
import { workplace } from './workplace.ts';

const skip = without('kafka');
const topic = [
  '--partitions',
  partitions.toString(),
  '--setting',
  'retention.ms=-1',
  '--setting',
  'max.message.bytes=20971520',
];

const markPattern = /,?\["mqctl-redrive","[0-9a-f]{16}-\d+;1"\]/;

/** Key, value and headers of each line, hashed and sorted, without what `taken` takes out; that has to be in every line. */
async function contentsOf(path: string, taken: RegExp | null): Promise<readonly string[]> {
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  return lines
    .map((line) => {
      if (taken !== null) assert.match(line, taken);
      const record: unknown = JSON.parse(taken === null ? line : line.replace(taken, ''));
      assert.ok(isObject(record));
      const { key, value, headers } = record;
      return hash('sha256', JSON.stringify([key, value, headers]));
    })
    .sort();
}

test(
  'random bytes, 9 MiB, 1,000 headers: out of Kafka into an archive and back, each partition is the same, and jq-able on the way',
  { skip },
  async (t) => {
    const kafka = `kafka://${addressOf('kafka')}`;
    const { folder, channel, done } = await workplace(t, kafka);
    const seed = chooseSeed();
    t.diagnostic(`MQCTL_TEST_SEED=${seed.toString()}`);
    const random = new Random(seed);
    await writeRandomRecords(join(folder, 'made'), 2_000, seed);
    const large = {
      partition: '0',
      timestamp: 1_700_000_000_000,
      key: random.bytes(20),
      value: random.bytes(9 * 1024 * 1024),
      headers: [],
    };
    const many = {
      ...large,
      value: null,
      headers: Array.from({ length: 1_000 }, (_, at) => [`h${at.toString()}`, random.bytes(8)] as const),
    };
    await appendFile(join(folder, 'made'), `${lineOf(large)}\n${lineOf(many)}\n`);
    const source = await channel(...topic);
    const back = await channel(...topic);
    const again = await channel(...topic);
    await produceFile(folder, 'made', source, kafka);
    await consumeIntoFile(folder, 'before', source, kafka);
    const expected = await hashesOfFile(join(folder, 'before'));

    await done(['dlq', 'archive', source, '--file', 'a.ndjson.zst']);
    const keep = ['--keep', 'partition,timestamp'];
    await done(['dlq', 'restore', back, '--file', 'a.ndjson.zst', ...keep, '--yes']);
    await consumeIntoFile(folder, 'after', back, kafka);
    assert.deepEqual(await hashesOfFile(join(folder, 'after')), expected);

    // On the way back there is our mark, and nothing else is changed.
    const orders = await channel(...topic);
    const redrive = [
      'dlq',
      'redrive',
      source,
      '--all',
      '--to',
      orders,
      '--yes',
      '--no-canary',
      '--rate',
      'max',
    ];
    const report = await done([...redrive, '-o', 'json']);
    assert.partialDeepStrictEqual(JSON.parse(report.stdout.toString()), {
      selected: 2_002,
      moved: 2_002,
      headersAdded: { 'mqctl-redrive': 2_002 },
      headersRemoved: {},
    });
    await consumeIntoFile(folder, 'moved', orders, kafka);
    assert.deepEqual(
      await contentsOf(join(folder, 'moved'), markPattern),
      await contentsOf(join(folder, 'before'), null),
    );

    await done(['produce', again, '--format', 'ndjson', '--file', 'a.ndjson.zst', ...keep]);
    await consumeIntoFile(folder, 'again', again, kafka);
    assert.deepEqual(await hashesOfFile(join(folder, 'again')), expected);
    assert.deepEqual(
      (await readFile(join(folder, 'a.ndjson.zst'))).subarray(0, 4),
      Buffer.from('28b52ffd', 'hex'),
    );
  },
);
