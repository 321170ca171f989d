/** A RabbitMQ that is short of memory: what the state of the cluster says then. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { meansToRun } from '../../brokers/rabbitmq-installation.ts';
import { startRabbitmq } from '../../brokers/rabbitmq.ts';
import type { RunningRabbitmq } from '../../brokers/rabbitmq.ts';
import { connectionTo, eventually, openDriver } from './rabbitmq-server.ts';

const means = await meansToRun();
const skip = means.able ? false : `${means.reason}: ${means.remedy}`;

let broker: RunningRabbitmq;

if (!skip) {
  before(async () => {
    broker = await startRabbitmq();
  });
  after(() => broker.stop());
}

test(
  'a memory alarm is a problem as long as it lasts, and names the publishers that wait',
  { skip },
  async (t) => {
    const managementUrl = broker.environment['MQCTL_TEST_RABBITMQ_MANAGEMENT'] ?? null;
    const driver = await openDriver(t, connectionTo(broker.address, { managementUrl }));
    const { cluster, admin, publish } = driver;
    assert.ok(cluster !== undefined && admin !== undefined && publish !== undefined);
    const problems = async () => (await cluster.status(t.signal)).problems;
    assert.deepEqual(await problems(), []);
    const nothing = { type: null, partitions: null, settings: {}, deadLetter: null };
    await admin.create({ channel: 'orders', ...nothing }, t.signal);

    await broker.control('set_vm_memory_high_watermark', 'absolute', '1MB');
    const during = await eventually(problems, (found) => found.length > 0);
    assert.match(during.join(), /memory alarm on mqctl-.*publishers are blocked/);
    const request = { channel: 'orders', delivery: 'at-least-once', compression: null } as const;
    const publisher = await publish.open(request, t.signal);
    const message = {
      key: null,
      value: Buffer.from('a'),
      headers: [],
      properties: {},
      partition: null,
      timestamp: null,
    };
    const sending = publisher.send([message]);
    await eventually(problems, (found) =>
      found.some((problem) => problem.includes('blocked from publishing')),
    );

    await broker.control('set_vm_memory_high_watermark', 'absolute', '1GB');
    await eventually(problems, (found) => found.length === 0);
    assert.equal((await sending)[0]?.status, 'accepted');
    await publisher.close();
  },
);
