/** The command line at the emulator of SNS: what is published, seen through a temporary queue; subscriptions and their dead letters. */
import {
  CreateQueueCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import {
  ListSubscriptionsCommand,
  SetSubscriptionAttributesCommand,
  SNSClient,
  SubscribeCommand,
} from '@aws-sdk/client-sns';
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { addressOf, without } from '../brokers/needs.ts';
import { ended, startMqctl } from './run-mqctl.ts';
import { workplace } from './workplace.ts';

const skip = without('sns');

function clients(t: TestContext) {
  const settings = {
    region: 'us-east-1',
    endpoint: addressOf('sns'),
    credentials: { accessKeyId: 'test', secretAccessKey: 'secret-test' },
  };
  const [sns, sqs] = [new SNSClient(settings), new SQSClient(settings)];
  t.after(() => {
    sns.destroy();
    sqs.destroy();
  });
  return { sns, sqs };
}

const context = (): string => `sns://test:secret-test@us-east-1?endpoint=${addressOf('sns')}`;

async function leftBehind({ sns, sqs }: ReturnType<typeof clients>): Promise<readonly string[]> {
  const { QueueUrls = [] } = await sqs.send(new ListQueuesCommand({ QueueNamePrefix: 'mqctl-look-' }));
  const { Subscriptions = [] } = await sns.send(new ListSubscriptionsCommand({}));
  const subscribed = Subscriptions.map(({ Endpoint = '' }) => Endpoint);
  return [...QueueUrls, ...subscribed.filter((endpoint) => endpoint.includes('mqctl-look-'))];
}

/** Until the temporary queue is there and subscribed. */
async function looking(at: ReturnType<typeof clients>, child: ChildProcess): Promise<void> {
  while ((await leftBehind(at)).length < 2) {
    assert.equal(child.exitCode, null, 'it ended before it looked');
    await sleep(100);
  }
}

for (const suffix of ['', '.fifo'])
  test(
    `what is published to a${suffix === '' ? ' standard' : ' FIFO'} topic is seen through a temporary queue, which is removed at the end`,
    { skip },
    async (t) => {
      const at = clients(t);
      const { folder, done } = await workplace(t, context());
      const topic = `cli-${randomUUID()}${suffix}`;
      await done(['create', topic, '--type', suffix === '' ? 'standard' : 'fifo']);
      const child = startMqctl(
        ['consume', topic, '--follow', '--via-queue', '--limit', '13', '-o', 'ndjson', '-c', context()],
        { folder },
      );
      const end = ended(child);
      await looking(at, child);
      const lines = Array.from({ length: 12 }, (_, index) => `{"n":${index}}`);
      const group = suffix === '' ? [] : ['--property', 'groupId=g'];
      await done(['produce', topic, '-H', 'region=eu', ...group], lines.join('\n'));
      await done(['produce', topic, ...group, '--value', 'naïve ☃']);
      const { code, stdout, stderr } = await end;
      assert.equal(code, 0, stderr);
      const seen = stdout
        .toString()
        .trim()
        .split('\n')
        .map((line): unknown => JSON.parse(line));
      const values = seen.map((one) =>
        typeof one === 'object' && one !== null && 'value' in one ? one.value : null,
      );
      const expected = [...lines, 'naïve ☃'];
      if (suffix === '') assert.deepEqual(values.toSorted(), expected.toSorted());
      else assert.deepEqual(values, expected);
      assert.match(stdout.toString(), /"headers":\[\["region","eu"\]\]/);
      assert.deepEqual(await leftBehind(at), []);
      await done(['delete', topic, '--yes']);
    },
  );

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  test(`the temporary queue and its subscription are removed after ${signal}`, { skip }, async (t) => {
    const at = clients(t);
    const { folder, channel } = await workplace(t, context());
    const topic = await channel();
    const child = startMqctl(['consume', topic, '--follow', '--via-queue', '-c', context()], { folder });
    const end = ended(child);
    await looking(at, child);
    child.kill(signal);
    const { code, stderr } = await end;
    assert.equal(code, signal === 'SIGINT' ? 130 : 143, stderr);
    assert.deepEqual(await leftBehind(at), []);
  });

/** A topic with a subscribed queue, and the queue of what could not be delivered there. */
async function subscribed(
  { sns, sqs }: ReturnType<typeof clients>,
  topic: string,
  attributes: Readonly<Record<string, string>>,
) {
  const queue = async (kind: string) => {
    const name = `${kind}-${randomUUID()}`;
    const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
    return { name, QueueUrl, arn: `arn:aws:sqs:us-east-1:000000000000:${name}` };
  };
  const [orders, dead] = [await queue('orders'), await queue('dead')];
  const TopicArn = `arn:aws:sns:us-east-1:000000000000:${topic}`;
  const { SubscriptionArn = '' } = await sns.send(
    new SubscribeCommand({
      TopicArn,
      Protocol: 'sqs',
      Endpoint: orders.arn,
      Attributes: attributes,
      ReturnSubscriptionArn: true,
    }),
  );
  await sns.send(
    new SetSubscriptionAttributesCommand({
      SubscriptionArn,
      AttributeName: 'RedrivePolicy',
      AttributeValue: JSON.stringify({ deadLetterTargetArn: dead.arn }),
    }),
  );
  return { orders, dead, TopicArn, SubscriptionArn };
}

const bodies = async ({ sqs }: ReturnType<typeof clients>, QueueUrl: string) => {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'] }),
  );
  return Messages.map(({ Body, MessageAttributes = {} }) => ({
    Body,
    names: Object.keys(MessageAttributes),
  }));
};

const envelopeOf = (TopicArn: string, text: string): string =>
  JSON.stringify(
    {
      Type: 'Notification',
      MessageId: randomUUID(),
      TopicArn,
      Subject: 'Order',
      Message: text,
      MessageAttributes: { region: { Type: 'String', Value: 'eu' }, n: { Type: 'Number', Value: '1.50' } },
    },
    null,
    2,
  );

const records = (stdout: Buffer) =>
  stdout
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);

const redrive = ['--all', '--no-canary', '--rate', 'max', '--yes'];

test(
  'dead letters of a subscription are found, read without the envelope, and go back to its queue in it, byte for byte',
  { skip },
  async (t) => {
    const at = clients(t);
    const { done, channel } = await workplace(t, context());
    const { orders, dead, TopicArn } = await subscribed(at, await channel(), {});
    const envelope = envelopeOf(TopicArn, '{"total":7}');
    // The emulator delivers to no dead-letter queue of a subscription: the test puts what SNS would.
    await at.sqs.send(new SendMessageCommand({ QueueUrl: dead.QueueUrl, MessageBody: envelope }));
    const listed: unknown = JSON.parse((await done(['dlq', 'ls', '-o', 'json'])).stdout.toString());
    assert.ok(typeof listed === 'object' && listed !== null && 'channels' in listed);
    const found = (listed.channels as readonly Record<string, unknown>[]).find(
      (one) => one['channel'] === `queue:${dead.name}`,
    );
    assert.deepEqual([found?.['depth'], found?.['sources']], [1, [`queue:${orders.name}`]]);
    const [seen = {}] = records(
      (await done(['dlq', 'inspect', `queue:${dead.name}`, '-o', 'ndjson'])).stdout,
    );
    assert.equal(seen['value'], '{"total":7}');
    assert.deepEqual(seen['headers'], [
      ['region', 'eu'],
      ['n', { type: 'Number', value: '1.50' }],
    ]);
    await done(['dlq', 'redrive', `queue:${dead.name}`, '--filter', 'value.total == 7', ...redrive.slice(1)]);
    const [back] = await bodies(at, orders.QueueUrl);
    assert.equal(back?.Body, envelope);
    assert.ok(back.names.includes('mqctl-redrive'));
    assert.deepEqual(await bodies(at, dead.QueueUrl), []);
  },
);

test(
  'raw dead letters go back as they are; to the topic only with --fan-out where others read it, and then without the envelope',
  { skip },
  async (t) => {
    const at = clients(t);
    const { done, run, channel } = await workplace(t, context());
    const topic = await channel();
    const first = await subscribed(at, topic, { RawMessageDelivery: 'true' });
    const second = await subscribed(at, topic, { RawMessageDelivery: 'true' });
    await at.sqs.send(
      new SendMessageCommand({
        QueueUrl: first.dead.QueueUrl,
        MessageBody: 'raw',
        MessageAttributes: { region: { DataType: 'String', StringValue: 'eu' } },
      }),
    );
    await done(['dlq', 'redrive', `queue:${first.dead.name}`, ...redrive]);
    const [back] = await bodies(at, first.orders.QueueUrl);
    assert.equal(back?.Body, 'raw');
    assert.ok(back.names.includes('region'));
    const MessageBody = envelopeOf(first.TopicArn, 'wrapped');
    await at.sqs.send(new SendMessageCommand({ QueueUrl: second.dead.QueueUrl, MessageBody }));
    const words = ['dlq', 'redrive', `queue:${second.dead.name}`, ...redrive, '--to', topic];
    const refused = await run(words);
    assert.equal(refused.code, 2);
    assert.ok(refused.stderr.includes(`queue:${first.orders.name}`), refused.stderr);
    assert.match(refused.stderr, /--fan-out/);
    await done([...words, '--fan-out']);
    for (const { orders } of [first, second])
      assert.ok(
        (await bodies(at, orders.QueueUrl)).some(({ Body }) => Body === 'wrapped'),
        orders.name,
      );
  },
);

test(
  'subscriptions are described with their filter, where their dead letters go, and how many wait there',
  { skip },
  async (t) => {
    const { sns, sqs } = clients(t);
    const { done, channel, run } = await workplace(t, context());
    const topic = await channel();
    const { orders, dead, SubscriptionArn } = await subscribed({ sns, sqs }, topic, {
      FilterPolicy: '{"region":["eu"]}',
    });
    // The emulator delivers to no dead-letter queue of a subscription: the test puts what SNS would.
    await sqs.send(new SendMessageCommand({ QueueUrl: dead.QueueUrl, MessageBody: '{"total":7}' }));
    const described = await done(['describe', topic, '-o', 'json']);
    const document: unknown = JSON.parse(described.stdout.toString());
    assert.ok(typeof document === 'object' && document !== null && 'subscriptions' in document);
    assert.deepEqual(document.subscriptions, [
      {
        id: SubscriptionArn,
        protocol: 'sqs',
        endpoint: orders.arn,
        settings: { FilterPolicy: '{"region":["eu"]}', RawMessageDelivery: 'false' },
        deadLetter: { channel: `queue:${dead.name}`, messages: 1 },
      },
    ]);
    const refused = await run(['dlq', 'inspect', topic]);
    assert.equal(refused.code, 5);
    assert.match(refused.stderr, /dlq inspect queue:NAME/);
  },
);

test(
  'a topic that is named by an ARN of another region is refused before it is asked for',
  { skip },
  async (t) => {
    const { run } = await workplace(t, context());
    const { code, stderr } = await run([
      'produce',
      'arn:aws:sns:eu-central-1:000000000000:orders',
      '--value',
      'x',
    ]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /of another region than .*sns:\/\/eu-central-1$/m);
  },
);

test(
  'a look without a queue is refused with how to make one, and what cannot be sent is named by its line',
  { skip },
  async (t) => {
    const { run, channel } = await workplace(t, context());
    const topic = await channel();
    const refused = await run(['consume', topic, '--follow']);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /--follow --via-queue/);
    const produced = await run(['produce', topic], `one\n${'x'.repeat(262_145)}\nthree\n`);
    assert.equal(produced.code, 6);
    assert.match(produced.stderr, /line 2: not accepted: it has 262145 bytes, and SNS takes 262144 bytes/);
    assert.match(produced.stderr, /produced 2 to/);
  },
);
