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

function isKnown({ partitions }: GroupBacklog): boolean {
  return partitions.every(({ waiting }) => waiting === 0);
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
    const admin = new Kafka({ brokers: [cluster.address], logLevel: logLevel.NOTHING }).admin();
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
      });
    await admin.disconnect();
    await eventually(async () => {
      const { partitions } = await session.topic(large.topic);
      assert.ok(partitions.length === large.partitions && partitions.every(({ leader }) => leader >= 0));
    }, 60_000);
    for (const each of [small, large]) await commitGroups(session, each, signal);
    // A leader that is only now one refuses at first.
    await eventually(async () => assert.ok((await read(large)).every(isKnown)), 60_000);
  });

  after(async () => {
    await session.close();
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
    assert.equal(lines.filter((line) => line.includes(',idle,')).length, (small.partitions * 2) / brokers);
    assert.match(
      stderr,
      /partitions 2, 5, 8.* of small: broker 3 \(127\.0\.0\.1:\d+\)|partitions 2, 5, 8.* of small: the partition has no leader/,
    );
    const plugin = await mqctl(['lag', group, '-o', 'nagios', ...context], { folder: folder.path });
    assert.equal(plugin.code, 3);
    assert.match(plugin.stdout.toString(), /^LAG UNKNOWN - /);
  });
});
