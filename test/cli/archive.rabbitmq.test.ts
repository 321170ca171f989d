import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { amqpLine, contentOf } from './amqp-records.ts';
import { Random, chooseSeed } from './random-records.ts';
import { workplace } from './workplace.ts';

const skip = without('rabbitmq');

function withoutEmptyTable(line: string): string {
  return line
    .replace(/,?"headers":\{"type":"table","value":\[\]\}/, '')
    .replace('"properties":{,', '"properties":{');
}

function withoutMark(line: string): string {
  return line.replace(/\["mqctl-redrive","[0-9a-f]{16}[^"]*"\],?/, '').replace(',]', ']');
}

test(
  'headers and properties of every type, 9 MiB, 1,000 headers: out of RabbitMQ into an archive and back they are the same',
  { skip },
  async (t) => {
    const { channel, done, run } = await workplace(t, addressOf('rabbitmq'));
    const seed = chooseSeed();
    t.diagnostic(`MQCTL_TEST_SEED=${seed.toString()}`);
    const random = new Random(seed);
    const made = Array.from({ length: 300 }, (_, number) => amqpLine(random, number, ['0', '4']));
    const base64 = random.bytes(9 * 1024 * 1024).toString('base64');
    const properties = { deliveryMode: { type: 'uint8', value: '2' } };
    made.push(JSON.stringify({ value: { base64 }, headers: [], properties }));
    const headers = Array.from({ length: 1_000 }, (_, at) => [
      `h${at.toString().padStart(4, '0')}`,
      at % 2 === 0 ? at.toString() : { type: 'int64', value: at.toString() },
    ]);
    made.push(JSON.stringify({ value: 'many headers', headers, properties }));
    const source = await channel('--type', 'quorum');
    const back = await channel('--type', 'quorum');
    await done(['produce', source, '--format', 'ndjson'], `${made.join('\n')}\n`);

    const archived = await done(['dlq', 'archive', source, '--file', 'a.ndjson.gz']);
    assert.match(archived.stderr, /counts as a delivery of each message/);
    assert.match(archived.stderr, /looked at 302 of 302/);
    const planned = await done(['dlq', 'restore', back, '--file', 'a.ndjson.gz', '--dry-run', '-o', 'json']);
    assert.partialDeepStrictEqual(JSON.parse(planned.stdout.toString()), { restored: 0, wouldRestore: 302 });
    const unasked = await run(['dlq', 'restore', back, '--file', 'a.ndjson.gz']);
    assert.equal(unasked.code, 2);
    await done(['dlq', 'restore', back, '--file', 'a.ndjson.gz', '--yes']);

    const read = await done(['consume', back, '--ack', '-o', 'ndjson']);
    const lines = read.stdout.toString().trimEnd().split('\n');
    assert.equal(lines.length, 302);
    for (const [at, line] of lines.entries())
      assert.equal(contentOf(line), contentOf(made[at] ?? ''), `message ${at.toString()}`);

    // On the way back there is our mark: a table of headers that was there and empty is no longer, nothing else is changed.
    const orders = await channel('--type', 'quorum');
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
      moved: 302,
      headersAdded: { 'mqctl-redrive': 302 },
    });
    const moved = await done(['consume', orders, '--ack', '-o', 'ndjson']);
    const there = moved.stdout.toString().trimEnd().split('\n').map(withoutMark);
    assert.deepEqual(
      there.map(contentOf).sort(),
      made.map((line) => contentOf(withoutEmptyTable(line))).sort(),
    );
  },
);
