/** Incidents of the field, provoked on a real RabbitMQ and found by their command, which is quiet where all is well. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { connect } from 'amqplib';
import { addressOf, without } from '../brokers/needs.ts';
import { eventually } from '../contract/suite/workbench.ts';
import { causesOf, poison } from './incidents.ts';
import { rabbitmqWorkplace } from './rabbitmq-workplace.ts';
import { isObject } from './random-records.ts';
import { workplace } from './workplace.ts';

const skip = without('rabbitmq');

/** At the same time: they wait for a server that counts every five seconds. */
describe('incidents on RabbitMQ', { concurrency: true, skip }, () => {
  test('what consumers rejected is counted by cause in the dead-letter queue: the poison message apart from what was too old', async (t) => {
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
  });

  test('a retry storm is stopped by the canary before all dead letters go round again; once consumers are mended, all of them go', async (t) => {
    const place = await rabbitmqWorkplace(t);
    const connection = await connect(addressOf('rabbitmq'));
    const channel = await connection.createChannel();
    const name = `incident-${randomUUID()}`;
    const [work, dead] = [`${name}-work`, `${name}.dlq`] as const;
    t.after(async () => {
      for (const queue of [work, dead]) await channel.deleteQueue(queue).catch(() => undefined);
      await connection.close();
    });
    const deadLettered = { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': dead };
    await channel.assertQueue(dead, { arguments: { 'x-queue-type': 'quorum' } });
    await channel.assertQueue(work, { arguments: { 'x-queue-type': 'quorum', ...deadLettered } });
    let broken = true;
    let worked = 0;
    await channel.consume(work, (message) => {
      if (message === null) return;
      if (broken) return channel.reject(message, false);
      channel.ack(message);
      worked += 1;
    });
    // Up to 20 are their own canary.
    const count = 24;
    for (let at = 0; at < count; at += 1)
      channel.sendToQueue(work, Buffer.from(`order ${at.toString()}`), { persistent: true });
    const dies = async (expected: number): Promise<void> =>
      eventually(async () => assert.equal((await channel.checkQueue(dead)).messageCount, expected), 60_000);
    await dies(count);

    const redrive = ['dlq', 'redrive', dead, '--to', work, '--all', '--yes', '--rate', 'max', '-o', 'json'];
    // What came back is seen at once where it is counted at once, and else when the broker has counted it.
    const storm = await place.run([...redrive, '--canary-wait', '20s']);
    assert.equal(storm.code, 6, storm.stderr);
    assert.match(storm.stderr, /came back/);
    const report: unknown = JSON.parse(storm.stdout.toString());
    assert.ok(isObject(report) && typeof report['moved'] === 'number');
    assert.equal(report['state'], 'stopped');
    assert.ok(report['moved'] >= 1 && report['moved'] < count, String(report['moved']));
    await dies(count);

    broken = false;
    const calm = await place.done([...redrive, '--canary-wait', '1s']);
    assert.partialDeepStrictEqual(JSON.parse(calm.stdout.toString()), { state: 'done', moved: count });
    await eventually(() => assert.equal(worked, count), 60_000);
    await dies(0);
  });
});
