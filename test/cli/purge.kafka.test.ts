import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { workplace } from './workplace.ts';

const skip = without('kafka');

test(
  'dlq purge never cuts past the lowest unresolved dead letter; --unresolved archives them first, and resolved ones too',
  { skip },
  async (t) => {
    const kafka = `kafka://${addressOf('kafka')}`;
    const { channel, done } = await workplace(t, kafka);
    const dlq = await channel('--partitions', '1');
    const target = await channel('--partitions', '1');
    await done(['produce', dlq], 'a\nb\nc\nd\ne\n');
    const values = async (name: string) => (await done(['consume', name, '-o', 'value'])).stdout.toString();
    const redrive = (...words: string[]) =>
      done(['dlq', 'redrive', dlq, '--to', target, '--yes', '--no-canary', '--rate', 'max', ...words]);

    const nothing = await done(['dlq', 'purge', dlq, '--yes']);
    assert.match(nothing.stderr, /5 are unresolved: they stay/);
    await redrive('--id', '0:0', '--id', '0:1', '--id', '0:3');
    const dry = await done(['dlq', 'purge', dlq, '--dry-run', '-o', 'json']);
    assert.partialDeepStrictEqual(JSON.parse(dry.stdout.toString()), { removed: 0, wouldRemove: 2 });
    await done(['dlq', 'purge', dlq, '--yes', '--file', 'first.ndjson']);
    assert.equal(await values(dlq), 'c\nd\ne\n');

    await done(['dlq', 'purge', dlq, '--unresolved', '--yes', '--file', 'second.ndjson']);
    assert.equal(await values(dlq), '');
    const back = await channel('--partitions', '1');
    await done(['dlq', 'restore', back, '--file', 'first.ndjson', '--file', 'second.ndjson', '--yes']);
    assert.equal((await values(back)).split('\n').sort().join(''), 'abcde');
  },
);

test(
  'a topic that is only compacted is not cut: the archive is whole, and it is said',
  { skip },
  async (t) => {
    const { channel, done, run } = await workplace(t, `kafka://${addressOf('kafka')}`);
    const topic = await channel('--partitions', '1', '--setting', 'cleanup.policy=compact');
    await done(['produce', topic, '--key', 'k', '--value', 'v']);
    const { code, stderr } = await run(['purge', topic, '--yes', '--file', 'a.ndjson']);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /nothing was removed.*compacted.*a\.ndjson/);
    assert.equal((await done(['consume', topic, '-o', 'value'])).stdout.toString(), 'v\n');
  },
);
