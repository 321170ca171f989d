import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { readReport, valuesOf } from './produce-report.ts';
import { workplace } from './workplace.ts';

const skip = without('kafka');
const kafka = (): string => `kafka://${addressOf('kafka')}`;

test('a topic that is not there is exit 1, and is not made by producing', { skip }, async (t) => {
  const { run } = await workplace(t, kafka());
  const { code, stderr } = await run(['produce', 'cli-nowhere', '--value', 'x']);
  assert.equal(code, 1);
  assert.match(stderr, /no topic "cli-nowhere" at kafka:/);
  assert.equal((await run(['describe', 'cli-nowhere'])).code, 1);
});

test(
  'of good and too large messages the large ones are named by their lines, and exactly the others are there',
  { skip },
  async (t) => {
    const { run, done, channel } = await workplace(t, kafka());
    const topic = await channel('--setting', 'max.message.bytes=20000');
    const lines = Array.from({ length: 30 }, (_, at) =>
      at % 10 === 4 ? 'x'.repeat(30_000) : `message ${at.toString()}`,
    );

    const result = await run(['produce', topic, '-o', 'json'], lines.join('\n'));
    assert.equal(result.code, 6, result.stderr);
    const { produced, failed, failures, unknown, unsent } = readReport(result);
    assert.deepEqual(
      { produced, failed, unknown, unsent },
      { produced: 27, failed: 3, unknown: 0, unsent: 0 },
    );
    assert.deepEqual(
      failures.map(({ line, status }) => [line, status]),
      [
        [5, 'rejected'],
        [15, 'rejected'],
        [25, 'rejected'],
      ],
    );
    for (const line of [5, 15, 25])
      assert.match(result.stderr, new RegExp(`line ${line.toString()}: not accepted: .*large`, 'i'));
    assert.deepEqual(
      valuesOf(await done(['consume', topic, '-o', 'value'])),
      lines.filter((line) => line.length < 100),
    );
  },
);

test('when none was accepted it is exit 1', { skip }, async (t) => {
  const { run, done, channel } = await workplace(t, kafka());
  const topic = await channel('--setting', 'max.message.bytes=20000');
  const result = await run(['produce', topic, '-o', 'json'], `${'x'.repeat(30_000)}\n`);
  assert.equal(result.code, 1, result.stderr);
  assert.partialDeepStrictEqual(readReport(result), { produced: 0, failed: 1 });
  assert.equal((await done(['consume', topic])).stdout.length, 0);
});

test('in a transaction one that is refused keeps all of them out', { skip }, async (t) => {
  const { run, done, channel } = await workplace(t, kafka());
  const topic = await channel('--setting', 'max.message.bytes=20000');
  const lines = `good\n${'x'.repeat(30_000)}\nalso good\n`;
  const result = await run(['produce', topic, '--delivery', 'transactional', '-o', 'json'], lines);
  assert.equal(result.code, 1, result.stderr);
  assert.partialDeepStrictEqual(readReport(result), { produced: 0 });
  assert.equal((await done(['consume', topic])).stdout.length, 0);
});

test('a partition that is not there is named', { skip }, async (t) => {
  const { run, channel } = await workplace(t, kafka());
  const topic = await channel('--partitions', '2');
  const result = await run(['produce', topic, '--partition', '7', '-o', 'json'], 'one\ntwo\n');
  assert.equal(result.code, 1, result.stderr);
  assert.deepEqual(
    readReport(result).failures.map(({ line }) => line),
    [1, 2],
  );
  assert.match(result.stderr, /7/);
});
