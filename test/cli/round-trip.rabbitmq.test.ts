import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { amqpLine, contentOf } from './amqp-records.ts';
import { Random, chooseSeed } from './random-records.ts';
import { workplace } from './workplace.ts';

const skip = without('rabbitmq');

/** Compared one by one, so that a difference shows the message and not a hundred thousand. */
function assertSame(read: Buffer, made: readonly string[]): void {
  const lines = read.toString().split('\n').slice(0, -1);
  assert.equal(lines.length, made.length);
  for (const [at, line] of lines.entries())
    assert.equal(contentOf(line), contentOf(made[at] ?? ''), `message ${at.toString()}`);
}

// A quorum queue delivers what has a priority over 4 before the rest: here the order is to be compared.
for (const [type, count, priorities] of [
  ['quorum', 100_000, ['0', '4']],
  ['classic', 20_000, ['0', '9', '255']],
] as const)
  test(
    `${count.toString()} messages with all properties and headers of every type keep every byte through two ${type} queues`,
    { skip },
    async (t) => {
      const { channel, done } = await workplace(t, addressOf('rabbitmq'));
      const seed = chooseSeed();
      t.diagnostic(`MQCTL_TEST_SEED=${seed.toString()}`);
      const random = new Random(seed);
      const made = Array.from({ length: count }, (_, number) => amqpLine(random, number, priorities));
      const first = await channel('--type', type);
      const second = await channel('--type', type);

      await done(['produce', first, '--format', 'ndjson'], `${made.join('\n')}\n`);
      const once = await done(['consume', first, '--ack', '-o', 'ndjson', '--prefetch', '2000']);
      assertSame(once.stdout, made);

      await done(['produce', second, '--format', 'ndjson'], once.stdout);
      const twice = await done(['consume', second, '--ack', '-o', 'ndjson', '--prefetch', '2000']);
      assertSame(twice.stdout, made);

      await done(['produce', first, '--format', 'ndjson'], `${made.slice(0, 500).join('\n')}\n`);
      const looked = await done(['consume', first, '--limit', '500', '-o', 'ndjson']);
      assertSame(looked.stdout, made.slice(0, 500));
    },
  );
