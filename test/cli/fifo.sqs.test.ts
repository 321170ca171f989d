/** FIFO queues with the real program, on the emulator ElasticMQ. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { workplace } from './workplace.ts';

test(
  'what a FIFO queue suppresses as a duplicate is told; its dead letters go back in order, as many as could be seen, and the plan says so',
  { skip: without('sqs') },
  async (t) => {
    const place = await workplace(t, `sqs://key:secret@us-east-1?endpoint=${addressOf('sqs')}`);
    const orders = `cli-${randomUUID()}.fifo`;
    const dead = `cli-${randomUUID()}-dlq.fifo`;
    await place.done(['create', dead]);
    await place.done(['create', orders, '--dead-letter', dead, '--setting', 'maxReceiveCount=1']);
    const twice = await place.done(['produce', orders, '--property', 'deduplicationId=d-1'], 'zero\nagain\n');
    assert.match(twice.stderr, /1 of them were suppressed as duplicates/);
    await place.done(
      ['produce', orders],
      Array.from({ length: 11 }, (_, at) => `${String(at + 1)}\n`).join(''),
    );
    for (let turn = 0; turn < 3; turn += 1) await place.run(['consume', orders, '-o', 'value']);
    const words = ['dlq', 'redrive', dead, '--all', '--no-canary', '--rate', 'max', '--yes'];
    const first = await place.done(words);
    assert.match(first.stderr, /10 of about 12 .* could be seen/);
    await place.done(words);
    const back = (await place.done(['consume', orders, '--ack', '-o', 'value'])).stdout.toString();
    const expected = ['zero', ...Array.from({ length: 11 }, (_, at) => String(at + 1))];
    assert.deepEqual(back.trim().split('\n'), expected);
    for (const queue of [orders, dead]) await place.done(['delete', queue, '--yes']);
  },
);
