import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { readReport, valuesOf } from './produce-report.ts';
import { workplace } from './workplace.ts';

const skip = without('rabbitmq');

test(
  'a queue or an exchange that is not there is exit 1, and is not made by producing',
  { skip },
  async (t) => {
    const { run } = await workplace(t, addressOf('rabbitmq'));
    const missing = `cli-nowhere-${randomUUID()}`;
    const queue = await run(['produce', missing, '--value', 'x']);
    assert.equal(queue.code, 1);
    assert.match(queue.stderr, new RegExp(`no queue "${missing}" at amqp:`));
    const exchange = await run(['produce', `exchange:${missing}`, '--value', 'x']);
    assert.equal(exchange.code, 1);
    assert.match(exchange.stderr, new RegExp(`no exchange "${missing}" at amqp:`));
    assert.equal((await run(['describe', missing])).code, 1);
  },
);

test(
  'at an exchange the lines without a route are named, and exactly the others arrive',
  { skip },
  async (t) => {
    const { run, done, channel } = await workplace(t, addressOf('rabbitmq'));
    const queue = await channel('--type', 'quorum');
    // The default exchange leads to the queue that a routing key names.
    const lines = Array.from({ length: 20 }, (_, at) => ({
      value: `message ${at.toString()}`,
      properties: { routingKey: at % 5 === 0 ? `nowhere-${randomUUID()}` : queue },
    }));
    const input = lines.map((line) => JSON.stringify(line)).join('\n');
    const result = await run(['produce', 'exchange:', '--format', 'ndjson', '-o', 'json'], input);
    assert.equal(result.code, 6, result.stderr);
    const { failures, ...counts } = readReport(result);
    assert.partialDeepStrictEqual(counts, { produced: 16, failed: 4, unknown: 0, unsent: 0 });
    assert.deepEqual(
      failures.map(({ line }) => line),
      [1, 6, 11, 16],
    );
    assert.match(result.stderr, /line 6: not accepted: .*(route|queue)/i);
    const there = valuesOf(await done(['consume', queue, '--ack', '-o', 'value']));
    assert.deepEqual(
      there,
      lines.flatMap(({ value }, at) => (at % 5 === 0 ? [] : [value])),
    );

    const none = await run([
      'produce',
      'exchange:',
      '--routing-key',
      `nowhere-${randomUUID()}`,
      '--value',
      'x',
      '-o',
      'json',
    ]);
    assert.equal(none.code, 1, none.stderr);
    assert.partialDeepStrictEqual(readReport(none), { produced: 0, failed: 1 });
  },
);

for (const type of ['classic', 'quorum'])
  test(
    `of what a full ${type} queue rejects every line is named, and what was reported as produced is there`,
    { skip },
    async (t) => {
      const { run, done, channel } = await workplace(t, addressOf('rabbitmq'));
      const queue = await channel(
        '--type',
        type,
        '--setting',
        'x-max-length=10',
        '--setting',
        'x-overflow=reject-publish',
      );
      const lines = Array.from({ length: 60 }, (_, at) => `message ${at.toString()}`);
      const expected: string[] = [];
      let refused = 0;
      // A quorum queue notices a little late that it is full: the second time it surely has.
      for (const round of ['first', 'second']) {
        const result = await run(
          ['produce', queue, '-o', 'json'],
          lines.map((line) => `${round} ${line}\n`).join(''),
        );
        const { failures, ...counts } = readReport(result);
        assert.partialDeepStrictEqual(counts, {
          produced: 60 - counts.failed,
          failed: counts.failed,
          unknown: 0,
          unsent: 0,
        });
        assert.equal(result.code, counts.failed === 0 ? 0 : counts.produced === 0 ? 1 : 6, result.stderr);
        const lost = new Set(failures.map(({ line }) => line));
        assert.equal(lost.size, counts.failed);
        expected.push(...lines.filter((_, at) => !lost.has(at + 1)).map((line) => `${round} ${line}`));
        refused += counts.failed;
      }
      assert.ok(refused > 0);
      assert.deepEqual(valuesOf(await done(['consume', queue, '--ack', '-o', 'value'])), expected);
    },
  );

test('a too large message among good ones is the only one that is refused', { skip }, async (t) => {
  const { run, done, channel } = await workplace(t, addressOf('rabbitmq'));
  const queue = await channel('--type', 'classic');
  // Over the 16 MiB that RabbitMQ 4 takes as it comes.
  const lines = ['one', 'two', 'x'.repeat(17 * 1024 * 1024), 'four', 'five'];
  const result = await run(['produce', queue, '-o', 'json'], lines.join('\n'));
  assert.equal(result.code, 6, result.stderr);
  const { failures, ...counts } = readReport(result);
  assert.partialDeepStrictEqual(counts, { produced: 4, failed: 1, unknown: 0, unsent: 0 });
  assert.deepEqual(
    failures.map(({ line }) => line),
    [3],
  );
  assert.match(result.stderr, /line 3: not accepted: /);
  assert.deepEqual(valuesOf(await done(['consume', queue, '--ack', '-o', 'value'])), [
    'one',
    'two',
    'four',
    'five',
  ]);
});

test('what a message cannot say here is refused by its line: a key, a tombstone', { skip }, async (t) => {
  const { run, done, channel } = await workplace(t, addressOf('rabbitmq'));
  const queue = await channel('--type', 'classic');
  const input = '{"value":"good"}\n{"value":null}\n{"value":"with a key","key":"k"}\n';
  const result = await run(['produce', queue, '--format', 'ndjson', '-o', 'json'], input);
  assert.equal(result.code, 6, result.stderr);
  assert.deepEqual(
    readReport(result).failures.map(({ line }) => line),
    [2, 3],
  );
  assert.deepEqual(valuesOf(await done(['consume', queue, '--ack', '-o', 'value'])), ['good']);
});
