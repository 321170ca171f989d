/** What `check` measures and its checklist, provoked on a real RabbitMQ and found, and quiet where all is well. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { connect, type Channel } from 'amqplib';
import { ManagementServer } from '../contract/rabbitmq/rabbitmq-server.ts';
import { eventually } from '../contract/suite/workbench.ts';
import { isObject } from './random-records.ts';
import { addressOf, without } from '../brokers/needs.ts';
import { betweenLooksMs, checkAnswers } from './check-answers.ts';
import { rabbitmqWorkplace } from './rabbitmq-workplace.ts';

const skip = without('rabbitmq');

/** As a service that is ready for production publishes. */
function publishWell(channel: Channel, queue: string, count: number): void {
  for (let turn = 0; turn < count; turn++)
    channel.sendToQueue(queue, Buffer.from(`order ${turn.toString()}`), {
      persistent: true,
      contentType: 'application/avro',
      messageId: randomUUID(),
      correlationId: randomUUID(),
      timestamp: Math.floor(Date.now() / 1_000) - 60,
      headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
    });
}

/** The same one again and again, from a machine whose clock is ahead. */
function publishSick(channel: Channel, queue: string, count: number): void {
  const timestamp = Math.floor(Date.now() / 1_000) + 3_600;
  for (let turn = 0; turn < count; turn++)
    channel.sendToQueue(queue, Buffer.from('order'), { persistent: true, messageId: 'one', timestamp });
}

test('each row is found where it is provoked, and quiet where it is well', { skip }, async (t) => {
  const place = await rabbitmqWorkplace(t);
  const connection = await connect(addressOf('rabbitmq'));
  const consumers = [await connection.createChannel(), await connection.createChannel()];
  const sickConsumer = await connection.createChannel();
  const publisher = await connection.createChannel();
  const name = `check-${randomUUID()}`;
  // Those that are consumed, and those whose messages lie there to be looked at.
  const [well, wellLying, sick, sickLying] = [
    ...[`${name}-well`, `${name}-well-lying`, `${name}-sick`, `${name}-sick-lying`],
  ] as const;
  const dead = [`${wellLying}.dlq`, `${sickLying}.dlq`];
  const [wellDead = '', sickDead = ''] = dead;
  let working = true;
  t.after(async () => {
    working = false;
    for (const queue of [well, wellLying, sick, sickLying, ...dead])
      await publisher.deleteQueue(queue).catch(() => undefined);
    await connection.close();
  });
  const quorum = (queue: string, deadLetter: string | null, more = {}) =>
    publisher.assertQueue(queue, {
      durable: true,
      arguments: {
        'x-queue-type': 'quorum',
        ...(deadLetter !== null && { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': deadLetter }),
        ...more,
      },
    });
  for (const queue of dead) await quorum(queue, null);
  for (const queue of [well, wellLying]) await quorum(queue, wellDead, { 'x-delivery-limit': 5 });
  await publisher.assertQueue(sick, { durable: false, arguments: { 'x-queue-type': 'classic' } });
  await quorum(sickLying, sickDead, { 'x-delivery-limit': 50 });
  for (const channel of consumers) {
    await channel.prefetch(10);
    await channel.consume(well, (message) => {
      if (message !== null) channel.ack(message);
    });
  }
  // Without a bound on what it holds; each message is given back, to come again.
  await sickConsumer.consume(sick, (message) => {
    const giveBack = (): void => {
      if (message !== null && working) sickConsumer.nack(message, false, true);
    };
    setTimeout(giveBack, 500).unref();
  });

  const management = new ManagementServer(process.env['MQCTL_TEST_RABBITMQ_MANAGEMENT'] ?? '');
  /** The management API is some seconds behind. */
  const counted = (queue: string, published: number, more: { readonly again?: number } = {}) =>
    eventually(async () => {
      const facts = await management.send('GET', `queues/%2F/${queue}`);
      assert.ok(isObject(facts) && isObject(facts['message_stats']), 'no statistics yet');
      const { publish, redeliver = 0 } = facts['message_stats'];
      assert.equal(publish, published);
      assert.ok(Number(redeliver) >= (more.again ?? 0));
    }, 60_000);

  // Three looks make a trend.
  const look = () => place.done(['lag', well, sickLying]);
  publishWell(publisher, well, 20);
  publishWell(publisher, wellLying, 20);
  publishSick(publisher, sick, 4);
  publishSick(publisher, sickLying, 20);
  publishSick(publisher, sickDead, 101);
  await counted(well, 20);
  await counted(sickLying, 20);
  await look();
  await sleep(betweenLooksMs);
  publishWell(publisher, well, 20);
  publishSick(publisher, sickLying, 20);
  await counted(well, 40);
  await counted(sickLying, 40);
  await look();
  await sleep(betweenLooksMs);
  publishWell(publisher, well, 400);
  publishSick(publisher, sickLying, 1);
  await counted(well, 440);
  await counted(sickLying, 41);
  await counted(sick, 4, { again: 8 });

  const found = await checkAnswers(place, [sick, sickLying, '--sample', '100']);
  assert.deepEqual(
    Object.fromEntries(found.answers),
    {
      'publish-rate': 'fail',
      'lag-trend': 'fail',
      'dlq-depth': 'fail',
      'retry-rate': 'fail',
      'processing-time': 'unknown',
      duplicates: 'fail',
      idempotency: 'unknown',
      'correlation-id': 'warn',
      dlq: 'warn',
      'lag-alert': 'unknown',
      backoff: 'fail',
      schema: 'warn',
      traceparent: 'warn',
      failover: 'warn',
      durability: 'fail',
      prefetch: 'fail',
      clock: 'fail',
      order: 'pass',
    },
    found.text,
  );
  assert.equal(found.code, 3);
  assert.match(found.text, /1 consumer is working on it: --yes looks all the same/);

  const wellWords = [well, wellLying, '--sample', '100', '--set', 'durability=1'];
  const quiet = await checkAnswers(place, wellWords);
  assert.deepEqual(
    Object.fromEntries(quiet.answers),
    {
      ...Object.fromEntries([...found.answers.keys()].map((id) => [id, 'pass'])),
      // Nothing is there to tell it by; and of the one whose messages lie there, nobody is to take them.
      'processing-time': 'unknown',
      idempotency: 'unknown',
      'lag-alert': 'unknown',
      backoff: 'unknown',
      'lag-trend': 'warn',
      failover: 'warn',
    },
    quiet.text,
  );
  assert.equal(quiet.code, 0, quiet.text);
  const members = await checkAnswers(place, [well, '--only', 'failover,lag-trend']);
  assert.deepEqual([...members.answers.values()], ['pass', 'pass'], members.text);

  // An unbounded queue is found, and bounded; what is worked off is quiet.
  const unbounded = await place.run(['lag', sickLying, '--max-drain', '1m']);
  assert.equal(unbounded.code, 3);
  assert.match(unbounded.stderr, /is not being drained, in 1 min/);
  await place.done(['lag', well, '--max-drain', '1m']);
  await place.done(['set', sickLying, '--setting', 'max-length=10', '--yes']);
  await eventually(async () => {
    const { messageCount } = await publisher.checkQueue(sickLying);
    assert.equal(messageCount, 10);
  }, 60_000);

  // A check by a timer must not use up the five deliveries that a message has.
  await checkAnswers(place, wellWords);
  const worn = await checkAnswers(place, wellWords);
  assert.match(worn.text, /when it was last looked at, .*delivered 2 times of 5.*--look-again/);
  const unasked = await checkAnswers(place, [wellLying, '--only', 'duplicates']);
  assert.equal(unasked.answers.get('duplicates'), 'unknown');
  assert.match(unasked.text, /not free \(delivery\), so none was taken: --sample N takes one/);
  const { messageCount } = await publisher.checkQueue(wellLying);
  assert.equal(messageCount, 20, 'what was looked at is given back');
});
