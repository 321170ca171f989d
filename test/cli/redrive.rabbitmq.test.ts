import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { ManagementServer, uniqueName } from '../contract/rabbitmq/rabbitmq-server.ts';
import { copies } from './redrive-copy.ts';
import { workplace } from './workplace.ts';

const skip = without('rabbitmq');
const managed = new ManagementServer(process.env['MQCTL_TEST_RABBITMQ_MANAGEMENT'] ?? '');

test('a copy of dead letters is published as often as it is asked for, and they stay', { skip }, async (t) =>
  copies(await workplace(t, addressOf('rabbitmq'))),
);

test(
  'to an exchange a dead letter goes by the key with which it first came, or by the one that is said',
  { skip },
  async (t) => {
    const shop = await workplace(t, addressOf('rabbitmq'));
    const dead = await shop.channel();
    const [european, others] = [await shop.channel('--dead-letter', dead), await shop.channel()];
    const exchange = uniqueName(t, managed, 'shop');
    await managed.send('PUT', `exchanges/%2F/${exchange}`, { type: 'topic' });
    for (const [queue, key] of [
      [european, 'eu.#'],
      [others, 'us.#'],
    ] as const)
      await managed.send('POST', `bindings/%2F/e/${exchange}/q/${queue}`, { routing_key: key });
    const to = `exchange:${exchange}`;
    await shop.done(['produce', to, '--routing-key', 'eu.new', '--value', 'hello']);
    await managed.reject(european);
    const redrive = ['dlq', 'redrive', dead, '--all', '--yes', '--no-canary', '--rate', 'max', '--fan-out'];
    const valuesIn = async (queue: string) =>
      (
        await shop.done([
          'consume',
          queue,
          '--ack',
          '--idle-timeout',
          '2s',
          '-o',
          'fmt=%s %{property:routingKey}',
        ])
      ).stdout.toString();

    await shop.done([...redrive, '--copy', '--to', to]);
    assert.match(await valuesIn(european), /hello/);
    assert.doesNotMatch(await valuesIn(others), /hello/);

    await shop.done([...redrive, '--copy', '--to', to, '--routing-key', 'us.new']);
    assert.match(await valuesIn(others), /hello/);

    const unbound = await shop.run([...redrive, '--to', to, '--routing-key', 'nowhere']);
    assert.equal(unbound.code, 1, unbound.stderr);
    assert.match(unbound.stderr, /nowhere/);
    const queue = await shop.run([...redrive, '--to', others, '--routing-key', 'us.new']);
    assert.equal(queue.code, 2, queue.stderr);

    await shop.done([...redrive, '--to', to]);
    assert.match(await valuesIn(european), /hello/);
  },
);

test(
  'a queue has no positions to choose dead letters by: it says so, and nothing is moved',
  { skip },
  async (t) => {
    const shop = await workplace(t, addressOf('rabbitmq'));
    const [dead, orders] = [await shop.channel(), await shop.channel()];
    await shop.done(['produce', dead], 'a\nb\n');
    const redrive = ['dlq', 'redrive', dead, '--to', orders, '--from', '1', '--yes', '--no-canary'];
    const { code, stderr } = await shop.run(redrive);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /from its start only/);
    const left = await shop.done(['dlq', 'inspect', dead, '-o', 'value']);
    assert.deepEqual(left.stdout.toString().split('\n').filter(Boolean).sort(), ['a', 'b']);
  },
);

test(
  'a plan for a queue tells what it changes without looking again; what was looked at since is as planned, what is gone is drifted',
  { skip },
  async (t) => {
    const shop = await workplace(t, addressOf('rabbitmq'));
    const [dead, orders] = [await shop.channel('--type', 'quorum'), await shop.channel()];
    await shop.done(['produce', dead], 'a\nb\nc\n');
    const plan = ['dlq', 'redrive', dead, '--all', '--to', orders, '--set', 'headers.region=eu'];
    await shop.done([...plan, '--plan', 'monday.plan']);
    const apply = ['dlq', 'redrive', dead, '--apply', 'monday.plan'];
    const shown = await shop.done([...apply, '--dry-run']);
    assert.match(shown.stderr, /3 are changed on the way:\n +\/headers\/region becomes "eu"\n/);
    // Each look is one more delivery, which a quorum queue writes into the message.
    await shop.done(['dlq', 'inspect', dead]);
    const gone = (
      await shop.done(['consume', dead, '--ack', '--limit', '1', '-o', 'value'])
    ).stdout.toString();
    await shop.done(['produce', dead, '--value', 'came later']);
    const { code, stdout, stderr } = await shop.run([...apply, '--yes', '--rate', 'max', '-o', 'json']);
    assert.equal(code, 6, stderr);
    const report: unknown = JSON.parse(stdout.toString());
    assert.partialDeepStrictEqual(report, { selected: 3, moved: 2, drifted: 1, remaining: 0 });
    assert.match(stdout.toString(), /"failures":\[\{[^\]]*"standing":"drifted"/);
    const linesOf = async (channel: string) =>
      (await shop.done(['consume', channel, '--ack', '-o', 'value'])).stdout
        .toString()
        .split('\n')
        .filter(Boolean);
    assert.deepEqual(
      (await linesOf(orders)).sort(),
      ['a', 'b', 'c'].filter((each) => each !== gone.trim()),
    );
    assert.deepEqual(await linesOf(dead), ['came later']);
  },
);
