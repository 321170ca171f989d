/** The command line at the emulator of SNS: what is published, seen through a temporary queue; subscriptions and their dead letters. */
import { CreateQueueCommand, ListQueuesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
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

test(
  'subscriptions are described with their filter, where their dead letters go, and how many wait there',
  { skip },
  async (t) => {
    const { sns, sqs } = clients(t);
    const { done, channel, run } = await workplace(t, context());
    const topic = await channel();
    const queue = async (name: string) => {
      const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
      return { QueueUrl, arn: `arn:aws:sqs:us-east-1:000000000000:${name}` };
    };
    const [orders, dead] = [await queue(`orders-${randomUUID()}`), await queue(`dead-${randomUUID()}`)];
    const TopicArn = `arn:aws:sns:us-east-1:000000000000:${topic}`;
    const { SubscriptionArn } = await sns.send(
      new SubscribeCommand({
        TopicArn,
        Protocol: 'sqs',
        Endpoint: orders.arn,
        Attributes: { FilterPolicy: '{"region":["eu"]}' },
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
        deadLetter: { channel: dead.arn.split(':').at(-1), messages: 1 },
      },
    ]);
    const refused = await run(['dlq', 'inspect', topic]);
    assert.equal(refused.code, 5);
    assert.match(refused.stderr, /dlq inspect QUEUE -c sqs:/);
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
