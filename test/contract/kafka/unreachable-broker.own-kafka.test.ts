import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { KafkaBacklog } from '../../../src/lib/drivers/kafka/backlog.ts';
import { KafkaGroups } from '../../../src/lib/drivers/kafka/groups.ts';
import { KafkaPositions } from '../../../src/lib/drivers/kafka/positions.ts';
import { offsetCommit } from '../../../src/lib/drivers/kafka/protocol/groups/offset-commit.ts';
import { startKafkaCluster } from '../../brokers/kafka-cluster.ts';
import type { KafkaCluster } from '../../brokers/kafka-cluster.ts';
import { countingSession, plainConnection } from './kafka-session.ts';

const signal = new AbortController().signal;
const topic = 'on-two-brokers';
const group = 'reader';

/** A frozen broker takes connections and answers nothing: the worst kind. */
describe('groups while one of two brokers is frozen', { timeout: 240_000 }, () => {
  let cluster: KafkaCluster;
  let frozen: number | null = null;

  before(async () => {
    cluster = await startKafkaCluster();
    const { session } = await countingSession(plainConnection(cluster.address));
    // Committed before the second broker is there: so the first is the coordinator.
    const commit = (offsets: readonly bigint[]) => {
      const partitions = offsets.map((offset, partition) => ({ partition, offset, metadata: null }));
      const request = { group, retentionMs: -1, topics: [{ topic, partitions }] };
      return session.sendToCoordinator('group', group, offsetCommit, request, { signal });
    };
    await commit([]);
    await cluster.add();
    const kafka = new Kafka({ brokers: [cluster.address], logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    const replicaAssignment = [1, 2].map((node, partition) => ({ partition, replicas: [node] }));
    await admin.createTopics({
      topics: [{ topic, replicaAssignment, configEntries: [{ name: 'retention.ms', value: '-1' }] }],
    });
    await admin.disconnect();
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({
      topic,
      messages: [0, 1].map((partition) => ({ partition, value: 'x', timestamp: '1000' })),
    });
    await producer.disconnect();
    assert.deepEqual(
      (await commit([0n, 0n])).map(({ errorCode }) => errorCode),
      [0, 0],
    );
    await session.close();
    frozen = cluster.nodes[1]?.pid ?? null;
    assert.ok(frozen !== null);
    process.kill(frozen, 'SIGSTOP');
  });

  after(async () => {
    if (frozen !== null) process.kill(frozen, 'SIGCONT');
    await cluster.stop();
  });

  test('its partitions are unknown and named, the others are told', async () => {
    const { session } = await countingSession(plainConnection(cluster.address), 1_500);
    try {
      const [backlog] = await new KafkaBacklog(session).read({ groups: [group], channels: null }, signal);
      const seen = backlog?.partitions.map(({ end, waiting, oldest }) => ({ end, waiting, oldest }));
      assert.deepEqual(seen, [
        { end: '1', waiting: 1, oldest: { at: 1000, clock: 'create' } },
        { end: null, waiting: null, oldest: null },
      ]);
      assert.match(
        backlog?.unreachable.join() ?? '',
        /partition 1 of on-two-brokers: broker 2 \(127\.0\.0\.1:\d+\)/,
      );
    } finally {
      await session.close();
    }
  });

  test('groups of the others are listed, and the frozen one is named', async () => {
    const { session } = await countingSession(plainConnection(cluster.address), 1_500);
    try {
      const groups = await new KafkaGroups(session).list({ match: null }, signal);
      assert.deepEqual(
        groups.map((each) => each.group),
        [group],
      );
      const [all] = await new KafkaBacklog(session).read({ groups: null, channels: null }, signal);
      assert.match(all?.unreachable.join() ?? '', /groups coordinated by broker 2/);
    } finally {
      await session.close();
    }
  });

  test('positions are read with the bounds that are known', async () => {
    const { session } = await countingSession(plainConnection(cluster.address), 1_500);
    try {
      const positions = await new KafkaPositions(session).read(group, signal);
      assert.deepEqual(
        positions.map(({ committed, end }) => ({ committed, end })),
        [
          { committed: '0', end: '1' },
          { committed: '0', end: null },
        ],
      );
    } finally {
      await session.close();
    }
  });
});
