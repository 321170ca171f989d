/** Incidents of the field, provoked on a real RabbitMQ and found by their command, which is quiet where all is well. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { connect } from 'amqplib';
import { addressOf, without } from '../brokers/needs.ts';
import { eventually } from '../contract/suite/workbench.ts';
import { causesOf, poison } from './incidents.ts';
import { workplace } from './workplace.ts';

const skip = without('rabbitmq');

test(
  'what consumers rejected is counted by cause in the dead-letter queue: the poison message apart from what was too old',
  { skip },
  async (t) => {
    const place = await workplace(t, addressOf('rabbitmq'));
    const connection = await connect(addressOf('rabbitmq'));
    const channel = await connection.createChannel();
    const name = `incident-${randomUUID()}`;
    const [work, delayed, dead] = [`${name}-work`, `${name}-delayed`, `${name}.dlq`] as const;
    t.after(async () => {
      for (const queue of [work, delayed, dead]) await channel.deleteQueue(queue).catch(() => undefined);
      await connection.close();
    });
    const deadLettered = { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': dead };
    await channel.assertQueue(dead, { arguments: { 'x-queue-type': 'quorum' } });
    await channel.assertQueue(work, { arguments: { 'x-queue-type': 'quorum', ...deadLettered } });
    await channel.assertQueue(delayed, { arguments: { ...deadLettered, 'x-message-ttl': 1 } });
    const healthy = await place.done(['dlq', 'groups', dead, '--yes']);
    assert.match(healthy.stderr, /no dead letter in "incident-/);

    await channel.consume(work, (message) => {
      if (message === null) return;
      // As a consumer that gives up what it cannot parse.
      if (message.content.toString() === poison) channel.reject(message, false);
      else channel.ack(message);
    });
    for (const value of ['{"total":1}', poison, '{"total":2}', poison])
      channel.sendToQueue(work, Buffer.from(value), { persistent: true });
    channel.sendToQueue(delayed, Buffer.from('{"total":3}'), { persistent: true });
    await eventually(async () => {
      const { messageCount } = await channel.checkQueue(dead);
      assert.equal(messageCount, 3);
    }, 60_000);

    const [rejected, expired, ...others] = await causesOf(place, dead, '--yes');
    assert.deepEqual(others, []);
    assert.deepEqual([rejected?.count, rejected?.channels], [2, [work]]);
    assert.match(rejected?.message ?? '', /^rejected; broken JSON/);
    assert.deepEqual([expired?.count, expired?.channels], [1, [delayed]]);
    assert.match(expired?.message ?? '', /^expired; JSON/);
    const inspect = ['dlq', 'inspect', dead, '--yes', '--cause', rejected?.cause ?? '', '-o', 'value'];
    assert.equal((await place.done(inspect)).stdout.toString(), `${poison}\n${poison}\n`);
    const { messageCount } = await channel.checkQueue(dead);
    assert.equal(messageCount, 3, 'what was looked at is given back');
  },
);
