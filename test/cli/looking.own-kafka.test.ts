/** On a broker of its own: nobody else writes to `__consumer_offsets`. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startConsoleConsumer } from '../brokers/kafka-tools.ts';
import { meansToRun } from '../brokers/kafka-libraries.ts';
import { startKafka } from '../brokers/kafka.ts';
import type { RunningBroker } from '../brokers/running-broker.ts';
import { eventually } from '../contract/suite/workbench.ts';
import { isObject } from './random-records.ts';
import { workplace, type Workplace } from './workplace.ts';

const means = await meansToRun();
const skip = means.able ? false : `${means.reason}: ${means.remedy}`;

let broker: RunningBroker;

if (!skip) {
  before(async () => {
    broker = await startKafka({ settings: { 'offsets.topic.num.partitions': '5' } });
  });
  after(() => broker.stop());
}

/** The end of each partition of the topic in which Kafka keeps what groups commit, and how members come and go. */
async function groupLog({ done }: Workplace): Promise<unknown> {
  const { stdout } = await done(['describe', '__consumer_offsets', '-o', 'json']);
  const described: unknown = JSON.parse(stdout.toString());
  assert.ok(isObject(described) && Array.isArray(described['partitionList']));
  assert.equal(described['partitionList'].length, 5);
  return described['partitionList'].map((partition: unknown) =>
    isObject(partition) ? partition['end'] : null,
  );
}

test(
  'a look, lag, check, offsets and groups leave the log of the groups and every group as they were',
  { skip },
  async (t) => {
    const place = await workplace(t, `kafka://${broker.address}`);
    const { channel, done } = place;
    const topic = await channel('--partitions', '3');
    await done(
      ['produce', topic],
      Array.from({ length: 300 }, (_, at) => `message ${at.toString()}`).join('\n'),
    );
    // A group that went away, so that there are committed positions which nobody moves.
    const member = await startConsoleConsumer('consumer', broker.address, 'billing', topic);
    await eventually(async () => {
      const { stdout } = await done(['offsets', 'show', 'billing', '-o', 'json']);
      assert.match(stdout.toString(), /"committed":"\d+"/);
    }, 60_000);
    await member.stop();
    const stateOf = async (): Promise<string> =>
      (await done(['groups', 'describe', 'billing', '-o', 'json'])).stdout.toString() +
      (await done(['offsets', 'show', 'billing', '-o', 'json'])).stdout.toString();
    await eventually(async () => assert.match(await stateOf(), /Empty/i), 60_000);

    const before = { log: await groupLog(place), state: await stateOf() };
    const looked = await done(['consume', topic, '-o', 'value']);
    assert.equal(looked.stdout.toString().trimEnd().split('\n').length, 300);
    await done(['consume', topic, '--last', '10']);
    await done(['consume', topic, '--from', 'group:billing', '--limit', '5']);
    await done(['consume', topic, '--from', '@-1h', '--follow', '--limit', '300']);
    await done(['lag']);
    await done(['lag', 'billing', '-o', 'json']);
    await done(['lag', '--by', 'partition', '--explain', '--sample', '1s']);
    await done(['lag', '-o', 'openmetrics']);
    await done(['check', topic, 'billing', '--set', 'duplicates=100']);
    await done(['offsets', 'show', 'billing']);
    await done(['groups', 'ls']);
    await done(['describe', topic]);
    await done(['ls']);
    await done(['status']);
    assert.deepEqual({ log: await groupLog(place), state: await stateOf() }, before);
    const groups = await done(['groups', 'ls', '-o', 'csv']);
    assert.equal(groups.stdout.toString().trimEnd().split('\n').length, 2, groups.stdout.toString());
  },
);
