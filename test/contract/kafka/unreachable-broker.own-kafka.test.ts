import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { KafkaBacklog } from '../../../src/lib/drivers/kafka/backlog.ts';
import { KafkaGroups } from '../../../src/lib/drivers/kafka/groups.ts';
import { KafkaPositions } from '../../../src/lib/drivers/kafka/positions.ts';
import { offsetCommit } from '../../../src/lib/drivers/kafka/protocol/groups/offset-commit.ts';
import { UnreachableError } from '../../../src/lib/errors.ts';
import { startKafkaCluster } from '../../brokers/kafka-cluster.ts';
import type { KafkaCluster } from '../../brokers/kafka-cluster.ts';
import { eventually } from '../suite/workbench.ts';
import { countingSession, plainConnection } from './kafka-session.ts';

const signal = new AbortController().signal;
const topic = 'on-two-brokers';
const group = 'reader';
const others = Array.from({ length: 20 }, (_, at) => `other-${String(at)}`);

/** A frozen broker takes connections and answers nothing: the worst kind. */
describe('groups while one of two brokers is frozen', { timeout: 240_000 }, () => {
  let cluster: KafkaCluster;
  let frozen: number | null = null;
  let moved = '';

  before(async () => {
    cluster = await startKafkaCluster({ 'offsets.topic.num.partitions': '2' });
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
    // Half of the topic in which groups are kept goes to the second broker, which takes one group with it.
    const { partitions } = await session.topic('__consumer_offsets');
    const even = partitions.map(({ partition }) => partition).filter((partition) => partition % 2 === 0);
    await admin.alterPartitionReassignments({
      topics: [
        {
          topic: '__consumer_offsets',
          partitionAssignment: even.map((partition) => ({ partition, replicas: [2] })),
        },
      ],
    });
    await admin.disconnect();
    await eventually(async () => {
      const leaders = (await session.topic('__consumer_offsets')).partitions;
      assert.ok(leaders.every(({ partition, leader }) => leader === 2 - (partition % 2)));
    }, 60_000);
    const stays = (await countingSession(plainConnection(cluster.address))).session;
    const found = await stays.coordinators('group', [group, ...others], signal);
    moved = others.find((each) => found.get(each) === 2) ?? '';
    assert.equal(found.get(group), 1, 'its name is chosen so that it stays');
    const request = {
      group: moved,
      retentionMs: -1,
      topics: [{ topic, partitions: [{ partition: 0, offset: 0n, metadata: null }] }],
    };
    // Its new coordinator may still be loading.
    await eventually(async () => {
      const committed = await stays.sendToCoordinator('group', moved, offsetCommit, request, { signal });
      assert.deepEqual(
        committed.map(({ errorCode }) => errorCode),
        [0],
      );
    }, 60_000);
    await stays.close();
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

  test('of two groups that are named, the one is told, and whose coordinator is silent is named', async () => {
    const { session } = await countingSession(plainConnection(cluster.address), 1_500);
    try {
      const read = (groups: readonly string[]) =>
        new KafkaBacklog(session).read({ groups, channels: null }, signal);
      const backlogs = await read([group, moved]);
      assert.deepEqual(
        backlogs.map((each) => each.group),
        [group],
      );
      assert.match(backlogs[0]?.unreachable.join() ?? '', /broker 2|127\.0\.0\.1/);
      await assert.rejects(read([moved]), UnreachableError);
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

  test('once it has gone, the part of the groups that has no leader is named, and the rest is told', async () => {
    assert.ok(frozen !== null);
    process.kill(frozen, 'SIGCONT');
    frozen = null;
    await cluster.nodes[1]?.stop();
    const { session } = await countingSession(plainConnection(cluster.address), 1_500);
    try {
      const read = (groups: readonly string[] | null) =>
        new KafkaBacklog(session).read({ groups, channels: null }, signal);
      await eventually(async () => {
        const [all, ...more] = await read(null);
        assert.deepEqual([all?.group, more.length], [group, 0]);
        assert.match(
          all?.unreachable.join() ?? '',
          /groups kept in 1 of 2 partitions of __consumer_offsets: no leader now/,
        );
      }, 60_000);
      const [named] = await read([group, moved]);
      assert.equal(named?.group, group);
      assert.match(named.unreachable.join(), new RegExp(`"${moved}"`));
    } finally {
      await session.close();
    }
  });
});
