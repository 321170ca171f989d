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
  'a queue has no positions to choose dead letters by: it says so; what a plan changes is told without looking again',
  { skip },
  async (t) => {
    const shop = await workplace(t, addressOf('rabbitmq'));
    const [dead, orders] = [await shop.channel(), await shop.channel()];
    await shop.done(['produce', dead], 'a\nb\n');
    const redrive = ['dlq', 'redrive', dead, '--to', orders, '--from', '1', '--yes', '--no-canary'];
    const { code, stderr } = await shop.run(redrive);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /from its start only/);
    const plan = ['dlq', 'redrive', dead, '--all', '--to', orders, '--set', 'headers.region=eu'];
    await shop.done([...plan, '--plan', 'monday.plan']);
    const shown = await shop.done(['dlq', 'redrive', dead, '--apply', 'monday.plan', '--dry-run']);
    assert.match(shown.stderr, /2 are changed on the way:\n +\/headers\/region becomes "eu"\n/);
    const left = await shop.done(['dlq', 'inspect', dead, '-o', 'value']);
    assert.deepEqual(left.stdout.toString().split('\n').filter(Boolean).sort(), ['a', 'b']);
  },
);
