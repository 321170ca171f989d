import { after, before, test } from 'node:test';
import { meansToRun } from '../brokers/kafka-libraries.ts';
import { startKafka } from '../brokers/kafka.ts';
import type { RunningBroker } from '../brokers/running-broker.ts';
import { valuesOf } from './produce-report.ts';
import { assertNothingReportedIsLost } from './produce-to-a-stopped-broker.ts';
import { workplace } from './workplace.ts';

const means = await meansToRun();
const skip = means.able ? false : `${means.reason}: ${means.remedy}`;

let broker: RunningBroker;

if (!skip) {
  before(async () => {
    broker = await startKafka();
  });
  after(() => broker.stop());
}

test(
  'Kafka is killed in mid-stream: every line is accounted for, and all that was reported as produced is there',
  { skip },
  async (t) => {
    const place = await workplace(t, `kafka://${broker.address}`);
    const topic = await place.channel();
    await assertNothingReportedIsLost(place, broker, topic, async () =>
      valuesOf(await place.done(['consume', topic, '-o', 'value'])),
    );
  },
);
