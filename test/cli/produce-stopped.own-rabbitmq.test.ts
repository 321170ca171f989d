import { after, before, test } from 'node:test';
import { meansToRun } from '../brokers/rabbitmq-installation.ts';
import { startRabbitmq, type RunningRabbitmq } from '../brokers/rabbitmq.ts';
import { eventually } from '../contract/suite/workbench.ts';
import { valuesOf } from './produce-report.ts';
import { assertNothingReportedIsLost } from './produce-to-a-stopped-broker.ts';
import { workplace } from './workplace.ts';

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
  'RabbitMQ is killed in mid-stream: every line is accounted for, and all that was reported as produced is there',
  { skip },
  async (t) => {
    const place = await workplace(t, broker.address);
    const queue = await place.channel('--type', 'quorum');
    // A quorum queue that is seconds old when its only node is killed comes back empty, confirmed messages included: RabbitMQ
    // writes down late that it is there, and surely when it stops in order.
    await broker.restart();
    await assertNothingReportedIsLost(place, broker, queue, async () => {
      await eventually(
        async () => void (await place.done(['consume', queue, '--limit', '1', '--require', '1'])),
        60_000,
      );
      return valuesOf(
        await place.done([
          'consume',
          queue,
          '--ack',
          '-o',
          'value',
          '--prefetch',
          '2000',
          '--timeout',
          '60s',
        ]),
      );
    });
  },
);
