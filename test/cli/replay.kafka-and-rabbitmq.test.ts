/** From one system to another: what arrives, in which order, and what the report says was left out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { isObject } from './random-records.ts';
import type { Ended } from './run-mqctl.ts';
import { workplace, type Workplace } from './workplace.ts';

const skip = without('kafka') === false ? without('rabbitmq') : without('kafka');

function recordsOf({ stdout }: Ended): Readonly<Record<string, unknown>>[] {
  return stdout
    .toString()
    .trim()
    .split('\n')
    .map((line) => {
      const record: unknown = JSON.parse(line);
      assert.ok(isObject(record));
      return record;
    });
}

async function replayed({ run }: Workplace, from: string, to: string, words: readonly string[]) {
  const { code, stdout, stderr } = await run(['replay', from, '--to', to, '--yes', '-o', 'json', ...words]);
  const report: unknown = JSON.parse(stdout.toString());
  assert.ok(isObject(report), stderr);
  return { code, report, stderr };
}

test(
  'from Kafka to RabbitMQ and back: the order stays, and what is left out is reported',
  { skip },
  async (t) => {
    const kafka = await workplace(t, `kafka://${addressOf('kafka')}`);
    const rabbitmq = await workplace(t, addressOf('rabbitmq'));
    const topic = await kafka.channel('--partitions', '2');
    const queue = await rabbitmq.channel('--type', 'quorum');
    const lines = Array.from({ length: 40 }, (_, at) =>
      JSON.stringify({
        key: `k${(at % 4).toString()}`,
        value: `order ${at.toString()}`,
        headers: [['n', at.toString()]],
        partition: (at % 2).toString(),
      }),
    );
    await kafka.done(['produce', topic, '--format', 'ndjson', '--keep', 'partition'], lines.join('\n'));

    const filter = ['--filter', 'int(headers.n) >= 10'];
    const there = await replayed(kafka, topic, `${queue}@${rabbitmq.context}`, filter);
    assert.equal(there.code, 0, there.stderr);
    assert.partialDeepStrictEqual(there.report, {
      selected: 30,
      published: 30,
      failed: 0,
      leftOut: { key: 30 },
      state: 'done',
    });
    assert.match(there.stderr, /left out, because RabbitMQ has no such thing: key of 30/);
    const taken = recordsOf(await rabbitmq.done(['consume', queue, '--ack', '-o', 'ndjson']));
    const numbers = taken.map(({ value }) => Number(/^order (\d+)$/.exec(String(value))?.[1]));
    assert.equal(numbers.length, 30);
    for (const partition of [0, 1]) {
      const ofPartition = numbers.filter((number) => number % 2 === partition);
      assert.deepEqual(
        ofPartition,
        Array.from({ length: 15 }, (_, at) => 10 + partition + at * 2),
      );
    }
    assert.deepEqual(taken[0]?.['headers'], [['n', String(numbers[0])]]);

    const stream = await rabbitmq.channel('--type', 'stream');
    const back = await kafka.channel();
    const sent = ['--property', 'contentType=text/plain', '--property', 'messageId=m-1', '--value', 'one'];
    await rabbitmq.done(['produce', stream, ...sent]);
    const home = await replayed(rabbitmq, stream, `${back}@${kafka.context}`, []);
    assert.equal(home.code, 0, home.stderr);
    assert.partialDeepStrictEqual(home.report, {
      selected: 1,
      published: 1,
      leftOut: { 'property contentType': 1, 'property messageId': 1 },
    });
    const [arrived] = recordsOf(await kafka.done(['consume', back, '-o', 'ndjson']));
    assert.equal(arrived?.['value'], 'one');
  },
);
