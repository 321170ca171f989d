/** Dead letters of SQS with the real program, on the emulator ElasticMQ. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { workplace, type Workplace } from './workplace.ts';

const skip = without('sqs');

/** A queue, and its dead-letter queue with so many that died there. */
async function withDead(
  t: TestContext,
  lines: string,
  headers: readonly string[] = [],
): Promise<{ readonly place: Workplace; readonly orders: string; readonly dead: string }> {
  const place = await workplace(t, `sqs://key:secret@us-east-1?endpoint=${addressOf('sqs')}`);
  const dead = await place.channel();
  const orders = await place.channel('--dead-letter', dead, '--setting', 'maxReceiveCount=1');
  await place.done(['produce', orders, ...headers], lines);
  // The first receive counts, the second moves it.
  for (let turn = 0; turn < 2; turn += 1)
    await place.done(['consume', orders, '--limit', '10', '-o', 'value']);
  return { place, orders, dead };
}

const record = (text: string): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;
const redrive = ['--all', '--no-canary', '--rate', 'max', '--yes', '-o', 'json'];

test(
  'dead letters are found by their redrive policy, and go back to where they came from',
  { skip },
  async (t) => {
    const { place, orders, dead } = await withDead(t, 'one\ntwo\n');
    const listed = (await place.done(['dlq', 'ls', '-o', 'json'])).stdout.toString();
    assert.ok(listed.includes(dead) && listed.includes(orders), listed);
    const [first = ''] = (await place.done(['dlq', 'inspect', dead, '-o', 'ndjson'])).stdout
      .toString()
      .split('\n');
    assert.equal(JSON.stringify(record(first)['deadLetter']).includes(`"channel":"${orders}"`), true, first);
    const report = record((await place.done(['dlq', 'redrive', dead, ...redrive])).stdout.toString());
    assert.deepEqual([report['moved'], report['selected'], report['unmarked']], [2, 2, 0]);
    const back = (await place.done(['consume', orders, '--ack', '-o', 'value'])).stdout.toString();
    assert.deepEqual(back.trim().split('\n').sort(), ['one', 'two']);
  },
);

test(
  'a message with ten attributes goes back without the mark, is counted, and stays with --require-mark',
  { skip },
  async (t) => {
    const headers = Array.from({ length: 10 }, (_, at) => ['--header', `h${String(at)}=v`]).flat();
    const { place, orders, dead } = await withDead(t, 'full\n', headers);
    const kept = await place.run(['dlq', 'redrive', dead, ...redrive, '--require-mark']);
    assert.equal(kept.code, 1, kept.stderr);
    assert.match(kept.stderr, /no room for the mark/);
    const moved = await place.done(['dlq', 'redrive', dead, ...redrive]);
    assert.match(moved.stderr, /1 has no room for the mark and goes without it/);
    const report = record(moved.stdout.toString());
    assert.deepEqual([report['moved'], report['unmarked']], [1, 1]);
    const [back = ''] = (await place.done(['consume', orders, '--ack', '-o', 'ndjson'])).stdout
      .toString()
      .split('\n');
    const names = (record(back)['headers'] as [string, unknown][]).map(([name]) => name);
    assert.equal(names.length, 10);
    assert.ok(!names.includes('mqctl-redrive'));
  },
);

test(
  'left to the server, all go back; its limits are shown first, and a queue that nothing feeds is refused',
  { skip },
  async (t) => {
    const { place, orders, dead } = await withDead(t, 'one\ntwo\nthree\n');
    const shown = await place.done(['dlq', 'redrive', dead, '--all', '--by-server', '--dry-run']);
    assert.match(shown.stderr, /nothing is filtered/);
    assert.match(shown.stderr, /no journal/);
    const moved = await place.done(['dlq', 'redrive', dead, '--all', '--by-server', '--yes', '-o', 'json']);
    assert.equal(record(moved.stdout.toString())['state'], 'done');
    const back = (await place.done(['consume', orders, '--ack', '-o', 'value'])).stdout.toString();
    assert.deepEqual(back.trim().split('\n').sort(), ['one', 'three', 'two']);
    const refused = await place.run(['dlq', 'redrive', orders, '--all', '--by-server', '--yes']);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /is the dead-letter queue of no queue/);
  },
);

test(
  'the record of what an event-source mapping of a stream gave up is data, and is never sent in place of what it stands for',
  { skip },
  async (t) => {
    const place = await workplace(t, `sqs://key:secret@us-east-1?endpoint=${addressOf('sqs')}`);
    const [failures, other] = [await place.channel(), await place.channel()];
    // As the Lambda Developer Guide shows it ("Retain discarded batch records"), with the range of an own stream.
    const [first, last] = ['4960118965842235937883629852182763847', '4960118965842235937883629852290237352'];
    const body = JSON.stringify({
      requestContext: {
        functionArn: 'arn:aws:lambda:us-east-2:123456789012:function:myfunction',
        condition: 'RetryAttemptsExhausted',
        approximateInvokeCount: 1,
      },
      responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
      version: '1.0',
      timestamp: '2019-11-14T00:38:06.021Z',
      KinesisBatchInfo: {
        shardId: 'shardId-000000000001',
        startSequenceNumber: first,
        endSequenceNumber: last,
        batchSize: 500,
        // A queue of the stream's name is there, too.
        streamArn: `arn:aws:kinesis:us-east-2:123456789012:stream/${other}`,
      },
    });
    await place.done(['produce', failures], body);
    const look = async (): Promise<Record<string, unknown>> =>
      record((await place.done(['dlq', 'inspect', failures, '-o', 'ndjson'])).stdout.toString());
    const { deadLetter, value } = await look();
    assert.equal(value, body);
    assert.deepEqual(deadLetter, {
      reason: 'RetryAttemptsExhausted',
      class: 'Unhandled',
      message: null,
      attempts: 1,
      origin: { channel: other, partition: 'shardId-000000000001', offset: first },
      consumer: 'arn:aws:lambda:us-east-2:123456789012:function:myfunction',
      at: '2019-11-14T00:38:06.021Z',
    });
    const refused = await place.run(['dlq', 'redrive', failures, ...redrive]);
    assert.equal(refused.code, 2, refused.stderr);
    assert.match(refused.stderr, /holds no payload/);
    const range = `--from shardId-000000000001:${first} --until shardId-000000000001:after:${last}`;
    for (const verb of ['consume', 'replay'])
      assert.ok(refused.stderr.includes(`mqctl ${verb} ${other} ${range}`), refused.stderr);
    assert.equal((await place.done(['consume', other, '-o', 'value'])).stdout.length, 0);
    await look(); // and it is still there
  },
);
