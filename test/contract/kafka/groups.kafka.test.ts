import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { CompressionTypes, Kafka, logLevel } from 'kafkajs';
import type { Admin, Consumer, Message } from 'kafkajs';
import type { GroupBacklog, PartitionBacklog } from '../../../src/lib/drivers/driver.ts';
import { KafkaBacklog } from '../../../src/lib/drivers/kafka/backlog.ts';
import { KafkaGroups } from '../../../src/lib/drivers/kafka/groups.ts';
import { KafkaPositions } from '../../../src/lib/drivers/kafka/positions.ts';
import { deleteGroups } from '../../../src/lib/drivers/kafka/protocol/groups/delete-groups.ts';
import { errorCodes } from '../../../src/lib/drivers/kafka/protocol/error-codes.ts';
import {
  offsetCommit,
  offsetCommitWithRetention,
} from '../../../src/lib/drivers/kafka/protocol/groups/offset-commit.ts';
import type { OffsetCommitAnswer } from '../../../src/lib/drivers/kafka/protocol/groups/offset-commit.ts';
import type { Session } from '../../../src/lib/drivers/kafka/session.ts';
import { NotFoundError } from '../../../src/lib/errors.ts';
import { startConsoleConsumer } from '../../brokers/kafka-tools.ts';
import type { ConsoleConsumer } from '../../brokers/kafka-tools.ts';
import { addressOf, without } from '../../brokers/needs.ts';
import { eventually } from '../suite/workbench.ts';
import { countingSession, plainConnection } from './kafka-session.ts';

const signal = new AbortController().signal;

describe('groups of Kafka', { skip: without('kafka') }, () => {
  let kafka: Kafka;
  let admin: Admin;
  let session: Session;
  let requests: Map<string, number>;
  const topics: string[] = [];
  const committed: string[] = [];

  before(async () => {
    const address = addressOf('kafka');
    kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING });
    admin = kafka.admin();
    await admin.connect();
    ({ session, requests } = await countingSession(plainConnection(address)));
  });

  after(async () => {
    await session.sendToAny(deleteGroups, committed, { signal });
    await admin.deleteTopics({ topics });
    await admin.disconnect();
    await session.close();
  });

  async function topicOf(
    partitions: number,
    settings: Readonly<Record<string, string>> = {},
    messages: Message[] = [],
    compression = CompressionTypes.None,
  ): Promise<string> {
    const topic = `groups-${randomUUID()}`;
    // Messages here have times long ago, which the broker would soon delete.
    const configEntries = Object.entries({ 'retention.ms': '-1', ...settings }).map(([name, value]) => ({
      name,
      value,
    }));
    await admin.createTopics({ topics: [{ topic, numPartitions: partitions, configEntries }] });
    topics.push(topic);
    await eventually(async () => {
      const { partitions: list } = await session.topic(topic);
      assert.ok(list.length === partitions && list.every(({ leader }) => leader >= 0));
    });
    if (messages.length > 0) {
      const producer = kafka.producer();
      await producer.connect();
      await producer.send({ topic, messages, compression });
      await producer.disconnect();
    }
    return topic;
  }

  async function commit(
    group: string,
    topic: string,
    offsets: readonly bigint[],
    metadata: string | null = null,
  ): Promise<OffsetCommitAnswer> {
    committed.push(group);
    const partitions = offsets.map((offset, partition) => ({ partition, offset, metadata }));
    const request = { group, retentionMs: -1, topics: [{ topic, partitions }] };
    return session.sendToCoordinator('group', group, offsetCommit, request, { signal });
  }

  async function committedGroup(topic: string, offsets: readonly bigint[]): Promise<string> {
    const group = `group-${randomUUID()}`;
    const outcomes = await commit(group, topic, offsets);
    assert.deepEqual(new Set(outcomes.map(({ errorCode }) => errorCode)), new Set([0]));
    return group;
  }

  async function backlogOf(group: string): Promise<GroupBacklog> {
    const [backlog, ...others] = await new KafkaBacklog(session).read(
      { groups: [group], channels: null },
      signal,
    );
    assert.ok(backlog !== undefined && others.length === 0);
    return backlog;
  }

  function partition(backlog: GroupBacklog, index: number): PartitionBacklog {
    const found = backlog.partitions[index];
    assert.ok(found !== undefined);
    return found;
  }

  describe('with live members', () => {
    const names = {
      classic: `classic-${randomUUID()}`,
      consumer: `consumer-${randomUUID()}`,
      share: `share-${randomUUID()}`,
    };
    let topic: string;
    let classic: Consumer;
    const console: ConsoleConsumer[] = [];

    before(async () => {
      topic = await topicOf(2, {}, [
        { value: 'a', partition: 0, timestamp: '1000000' },
        { value: 'b', partition: 1, timestamp: '2000000' },
      ]);
      const address = addressOf('kafka');
      console.push(await startConsoleConsumer('consumer', address, names.consumer, topic));
      console.push(await startConsoleConsumer('share', address, names.share, topic));
      classic = kafka.consumer({ groupId: names.classic });
      await classic.connect();
      await classic.subscribe({ topic, fromBeginning: true });
      await classic.run({ eachMessage: async () => undefined });
      await eventually(async () => {
        for (const name of Object.values(names)) {
          const { memberList } = await new KafkaGroups(session).describe(name, signal);
          assert.equal(memberList[0]?.partitions.length, 2);
        }
      }, 60_000);
    });

    after(async () => {
      await classic.disconnect();
      await Promise.all(console.map((consumer) => consumer.stop()));
      committed.push(...Object.values(names));
    });

    test('their kinds are told apart', async () => {
      const groups = await new KafkaGroups(session).list({ match: '*-*-*' }, signal);
      const kindOf = (name: string) => groups.find(({ group }) => group === name);
      for (const [kind, group] of Object.entries(names))
        assert.deepEqual(kindOf(group), { group, kind, state: 'Stable', members: 1 });
    });

    test('a list holds only what matches', async () => {
      const groups = await new KafkaGroups(session).list(
        { match: names.share.replace('share', '*') },
        signal,
      );
      assert.deepEqual(
        groups.map(({ group }) => group),
        [names.share],
      );
    });

    test('a description names members, their clients and partitions', async () => {
      const clients = { classic: 'kafkajs', consumer: 'console-consumer', share: 'console-share-consumer' };
      for (const [kind, group] of Object.entries(names)) {
        const description = await new KafkaGroups(session).describe(group, signal);
        const [member] = description.memberList;
        assert.equal(description.kind, kind);
        assert.deepEqual(description.channels, [topic]);
        assert.match(description.coordinator ?? '', /^broker \d+ \(.+:\d+\)$/);
        assert.equal(member?.client, kind === 'classic' ? clients.classic : member?.client);
        assert.ok(member !== undefined && member.id.length > 0);
        assert.match(member.host ?? '', /^[\d.]+$/);
        assert.deepEqual(member.partitions.map(({ partition: number }) => number).sort(), ['0', '1']);
      }
    });

    test('the backlog names who holds a partition', async () => {
      for (const group of Object.values(names)) {
        const backlog = await backlogOf(group);
        const { memberList } = await new KafkaGroups(session).describe(group, signal);
        assert.equal(backlog.members, 1);
        assert.deepEqual(
          backlog.partitions.map(({ owner }) => owner),
          [memberList[0]?.id, memberList[0]?.id],
        );
      }
    });

    test('a KIP-848 group that has read everything has no backlog', async () => {
      await eventually(async () => {
        const backlog = await backlogOf(names.consumer);
        assert.deepEqual(
          backlog.partitions.map(({ waiting, oldest }) => ({ waiting, oldest })),
          [
            { waiting: 0, oldest: null },
            { waiting: 0, oldest: null },
          ],
        );
      });
    });

    test('what a share group has not begun with is unknown, not nothing', async () => {
      // A new share group begins at the end, and says so once it was given a record.
      const backlog = await backlogOf(names.share);
      assert.deepEqual(
        backlog.partitions.map(({ committed: next, waiting }) => ({ next, waiting })),
        [
          { next: null, waiting: null },
          { next: null, waiting: null },
        ],
      );
    });

    test('a share group that has read everything has no backlog', async () => {
      const producer = kafka.producer();
      await producer.connect();
      await producer.send({ topic, messages: [{ value: 'c', partition: 0 }] });
      await producer.disconnect();
      await eventually(async () => {
        const { committed: begun, waiting, oldest } = partition(await backlogOf(names.share), 0);
        assert.deepEqual(
          { begun: begun !== null, waiting, oldest },
          { begun: true, waiting: 0, oldest: null },
        );
      });
    });

    test('offsets cannot be committed from outside', async () => {
      for (const group of [names.classic, names.consumer]) {
        const before = await new KafkaPositions(session).read(group, signal);
        const request = {
          group,
          retentionMs: -1,
          topics: [{ topic, partitions: [{ partition: 0, offset: 0n, metadata: null }] }],
        };
        const [outcome] = await session.sendToCoordinator('group', group, offsetCommit, request, { signal });
        assert.equal(outcome?.errorCode, errorCodes.UNKNOWN_MEMBER_ID);
        assert.deepEqual(await new KafkaPositions(session).read(group, signal), before);
      }
    });
  });

  test('positions are read back with metadata, start and end', async () => {
    const topic = await topicOf(2, {}, [
      { value: 'a', partition: 0 },
      { value: 'b', partition: 0 },
    ]);
    const group = `group-${randomUUID()}`;
    await commit(group, topic, [1n, 0n], 'a note');
    const expected = { channel: topic, start: '0', metadata: 'a note' };
    assert.deepEqual(await new KafkaPositions(session).read(group, signal), [
      { ...expected, partition: '0', committed: '1', end: '2' },
      { ...expected, partition: '1', committed: '0', end: '0' },
    ]);
  });

  test('partitions without a position are told as such', async () => {
    const topic = await topicOf(2);
    const group = await committedGroup(topic, [0n]);
    const positions = await new KafkaPositions(session).read(group, signal);
    assert.deepEqual(
      positions.map(({ committed: next }) => next),
      ['0', null],
    );
  });

  test('a commit with a retention time goes in a version that carries it', async () => {
    const topic = await topicOf(1);
    const group = `group-${randomUUID()}`;
    committed.push(group);
    const request = {
      group,
      retentionMs: 3_600_000,
      topics: [{ topic, partitions: [{ partition: 0, offset: 0n, metadata: null }] }],
    };
    const outcomes = await session.sendToCoordinator('group', group, offsetCommitWithRetention, request, {
      signal,
    });
    assert.deepEqual(outcomes, [{ topic, partition: 0, errorCode: 0 }]);
  });

  test('the oldest waiting message is the one at the committed offset, also inside a compressed batch', async () => {
    const messages = ['5000', '3000', '4000'].map((timestamp) => ({ value: 'x', timestamp }));
    const topic = await topicOf(1, {}, messages, CompressionTypes.GZIP);
    const backlog = await backlogOf(await committedGroup(topic, [1n]));
    assert.deepEqual(partition(backlog, 0), {
      partition: '0',
      committed: '1',
      start: '0',
      end: '3',
      waiting: 2,
      inFlight: null,
      oldest: { at: 3000, clock: 'create' },
      owner: null,
      // By the records' own times, nothing came within the last minutes.
      rateIn: 0,
      rateOut: null,
      lost: 0,
      retentionMs: null,
    });
    assert.equal(backlog.kind, 'classic');
    assert.equal(backlog.state, 'Empty');
    assert.equal(backlog.approximate, false);
    assert.deepEqual(backlog.unknown, []);
  });

  test('batches of every size give their time', async () => {
    const sizes = [10, 20_000, 900_000];
    const topic = await topicOf(3, { 'retention.ms': '3600000' });
    const producer = kafka.producer();
    await producer.connect();
    for (const [index, size] of sizes.entries()) {
      const message = { value: Buffer.alloc(size), partition: index, timestamp: String(Date.now() - index) };
      await producer.send({ topic, messages: [message] });
    }
    await producer.disconnect();
    const backlog = await backlogOf(await committedGroup(topic, [0n, 0n, 0n]));
    const [first, second, third] = backlog.partitions.map(({ oldest }) => oldest?.at ?? 0);
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    assert.ok(first > 0 && second > 0 && third > 0);
    assert.equal(partition(backlog, 0).retentionMs, 3_600_000);
  });

  test('where the broker sets the time, its clock is named', async () => {
    const settings = { 'message.timestamp.type': 'LogAppendTime' };
    const begun = Date.now();
    const topic = await topicOf(1, settings, [{ value: 'x', timestamp: '5000' }]);
    const { oldest } = partition(await backlogOf(await committedGroup(topic, [0n])), 0);
    assert.equal(oldest?.clock, 'append');
    assert.ok(oldest.at >= begun);
  });

  test('what was deleted before the start is not waiting', async () => {
    const messages = ['1000', '2000', '3000'].map((timestamp) => ({ value: 'x', timestamp }));
    const topic = await topicOf(1, {}, messages);
    // kafkajs deletes records of topics only whose leaders it has looked up for something else.
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '2' }] });
    const backlog = await backlogOf(await committedGroup(topic, [0n]));
    const { committed: next, start, waiting } = partition(backlog, 0);
    assert.deepEqual({ next, start, waiting }, { next: '0', start: '2', waiting: 1 });
  });

  test('a backlog with transactions is approximate, and control records are passed over', async () => {
    const topic = await topicOf(1);
    const producer = kafka.producer({
      transactionalId: randomUUID(),
      idempotent: true,
      maxInFlightRequests: 1,
    });
    await producer.connect();
    for (const timestamp of ['1000', '2000']) {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [{ value: 'x', timestamp }] });
      await transaction.commit();
    }
    await producer.disconnect();
    // Offset 1 is the first transaction's end.
    const backlog = await backlogOf(await committedGroup(topic, [1n]));
    assert.equal(backlog.approximate, true);
    assert.deepEqual(partition(backlog, 0).oldest, { at: 2000, clock: 'create' });
  });

  test('a backlog of a compacted topic is approximate', async () => {
    const topic = await topicOf(1, { 'cleanup.policy': 'compact' }, [{ key: 'k', value: 'x' }]);
    assert.equal((await backlogOf(await committedGroup(topic, [0n]))).approximate, true);
  });

  test('only the asked channels are told', async () => {
    const [one, other] = [await topicOf(1), await topicOf(1)];
    const group = await committedGroup(one, [0n]);
    await commit(group, other, [0n]);
    const backlogs = await new KafkaBacklog(session).read({ groups: null, channels: [other] }, signal);
    assert.deepEqual(
      backlogs.map(({ group: name, channel }) => ({ name, channel })),
      [{ name: group, channel: other }],
    );
  });

  test('a group or a channel that is named and missing is not found', async () => {
    const name = randomUUID();
    const backlog = new KafkaBacklog(session);
    await assert.rejects(backlog.read({ groups: [name], channels: null }, signal), NotFoundError);
    await assert.rejects(backlog.read({ groups: null, channels: [name] }, signal), NotFoundError);
    await assert.rejects(new KafkaGroups(session).describe(name, signal), NotFoundError);
    await assert.rejects(new KafkaPositions(session).read(name, signal), NotFoundError);
  });

  test('the number of requests does not grow with groups and partitions', async () => {
    const partitions = 60;
    const messages = Array.from({ length: partitions }, (_, index) => ({ value: 'x', partition: index }));
    const topic = await topicOf(partitions, {}, messages);
    const offsets = messages.map(() => 0n);
    for (let index = 0; index < 5; index++) await committedGroup(topic, offsets);
    // Of all tests before this one, too: a hundred go into one request.
    const groups = await new KafkaGroups(session).list({ match: null }, signal);
    const ofGroups = Math.ceil(groups.length / 100);
    requests.clear();
    const backlogs = await new KafkaBacklog(session).read({ groups: null, channels: [topic] }, signal);
    assert.equal(backlogs.length, 5);
    assert.ok(backlogs.every((each) => each.partitions.every(({ oldest }) => oldest !== null)));
    const counted = Object.fromEntries(requests);
    assert.ok((counted['ListOffsets'] ?? 0) <= 3, JSON.stringify(counted));
    assert.ok((counted['OffsetFetch'] ?? 0) <= ofGroups, JSON.stringify(counted));
    assert.ok((counted['Fetch'] ?? 0) <= 2, JSON.stringify(counted));
    assert.ok((counted['DescribeConfigs'] ?? 0) <= 1, JSON.stringify(counted));
  });
});
