import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import type { GroupBacklog } from '../../../src/lib/drivers/driver.ts';
import { KafkaBacklog } from '../../../src/lib/drivers/kafka/backlog.ts';
import type { Session } from '../../../src/lib/drivers/kafka/session.ts';
import { startKafkaCluster } from '../../brokers/kafka-cluster.ts';
import type { KafkaCluster } from '../../brokers/kafka-cluster.ts';
import { commitGroups } from '../../brokers/many-groups.ts';
import { mqctl, scratchFolder } from '../../cli/run-mqctl.ts';
import { eventually } from '../suite/workbench.ts';
import { countingSession, plainConnection } from './kafka-session.ts';

const signal = new AbortController().signal;
const large = { topic: 'large', partitions: 1_000, groups: 100 };
const small = { topic: 'small', partitions: 30, groups: 10 };
const brokers = 3;

/** So many are in a partition, at least: a producer that is refused by some partitions sends to all of them again. */
const recordsIn = (partition: number): number => (partition % 2 === 0 ? 2 : 1);
/** Every other group has read one message more: of some partitions the next is at two places. */
const standing = (group: number): number => group % 2;
const standings = 2;

/** What waits is counted everywhere, and dated where something does. */
function isKnown({ group, partitions }: GroupBacklog): boolean {
  const stands = standing(Number(/\d+$/.exec(group ?? '')?.[0]));
  return partitions.every(
    ({ partition, end, waiting, oldest }) =>
      Number(end) >= recordsIn(Number(partition)) &&
      waiting === Number(end) - stands &&
      (oldest !== null) === waiting > 0,
  );
}

describe('many groups of many partitions, on three brokers', { timeout: 300_000 }, () => {
  let cluster: KafkaCluster;
  let session: Session;
  let requests: Map<string, number>;

  before(async () => {
    cluster = await startKafkaCluster();
    ({ session, requests } = await countingSession(plainConnection(cluster.address)));
    // Committed before the others are there: so the first keeps the groups.
    await commitGroups(session, { topic: 'none', partitions: 0, groups: 1 }, signal);
    for (let more = 1; more < brokers; more++) await cluster.add();
    const kafka = new Kafka({
      brokers: [cluster.address],
      logLevel: logLevel.NOTHING,
      // A leader that is only now one refuses at first.
      retry: { retries: 20 },
    });
    const admin = kafka.admin();
    await admin.connect();
    for (const { topic, partitions } of [small, large])
      await admin.createTopics({
        topics: [
          {
            topic,
            replicaAssignment: Array.from({ length: partitions }, (_, partition) => ({
              partition,
              replicas: [(partition % brokers) + 1],
            })),
          },
        ],
        timeout: 60_000,
        waitForLeaders: false,
      });
    await admin.disconnect();
    await eventually(async () => {
      for (const each of [small, large]) {
        const { partitions } = await session.topic(each.topic);
        assert.ok(partitions.length === each.partitions && partitions.every(({ leader }) => leader >= 0));
      }
    }, 60_000);
    const producer = kafka.producer();
    await producer.connect();
    for (const { topic, partitions } of [small, large]) {
      const messages = Array.from({ length: partitions }, (_, partition) =>
        Array.from({ length: recordsIn(partition) }, () => ({ partition, value: 'waiting' })),
      );
      await producer.send({ topic, messages: messages.flat() });
    }
    await producer.disconnect();
    for (const each of [small, large]) await commitGroups(session, { ...each, standing }, signal);
    // A leader that is only now one refuses at first.
    await eventually(async () => assert.ok((await read(large)).every(isKnown)), 60_000);
  });

  after(async () => {
    await session.close();
    // Nothing of theirs is wanted any more: with one dead, the others would hand over 1,000 partitions in vain.
    await Promise.all(cluster.nodes.map((node) => node.kill()));
    await cluster.stop();
  });

  function read({ topic }: typeof large): Promise<readonly GroupBacklog[]> {
    return new KafkaBacklog(session).read({ groups: null, channels: [topic] }, signal);
  }

  /** How many requests it takes to read the backlog of all groups of a topic. */
  async function counted(of: typeof large): Promise<number> {
    requests.clear();
    const backlogs = await read(of);
    assert.equal(backlogs.length, of.groups);
    assert.ok(backlogs.every((each) => each.partitions.length === of.partitions && isKnown(each)));
    return [...requests.values()].reduce((sum, count) => sum + count, 0);
  }

  test('the number of requests grows with brokers and groups, not with partitions', async () => {
    const few = await counted(small);
    const many = await counted(large);
    // That of the times of what waits, too: of each broker once for each place at which groups stand.
    assert.equal(requests.get('Fetch'), standings * brokers);
    assert.ok(many <= few + 4, `${String(many)} requests for 100,000 partitions, ${String(few)} for 300`);
    assert.ok(many <= 12 * brokers, `${String(many)} requests of ${String(brokers)} brokers`);
  });

  test('with one of three dead the rest is told, the missing part is named, and it is exit 6', async () => {
    await cluster.nodes[2]?.kill();
    await using folder = await scratchFolder();
    const context = ['-c', `kafka://${cluster.address}`, '--timeout', '5s'];
    const group = 'small-group-0';
    const { code, stdout, stderr } = await mqctl(
      ['lag', group, '--by', 'partition', '-o', 'csv', ...context],
      { folder: folder.path },
    );
    assert.equal(code, 6, stderr);
    const [, ...lines] = stdout.toString().trimEnd().split('\n');
    assert.equal(lines.length, small.partitions);
    assert.equal(lines.filter((line) => line.includes(',empty,')).length, (small.partitions * 2) / brokers);
    assert.match(
      stderr,
      /partitions 2, 5, 8.* of small: broker 3 \(127\.0\.0\.1:\d+\)|partitions 2, 5, 8.* of small: the partition has no leader/,
    );
    const plugin = await mqctl(['lag', group, '-o', 'nagios', ...context], { folder: folder.path });
    assert.equal(plugin.code, 3);
    assert.match(plugin.stdout.toString(), /^LAG UNKNOWN - /);
  });
});
