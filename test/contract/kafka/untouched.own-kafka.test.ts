import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { KafkaBacklog } from '../../../src/lib/drivers/kafka/backlog.ts';
import { KafkaGroups } from '../../../src/lib/drivers/kafka/groups.ts';
import { KafkaPositions } from '../../../src/lib/drivers/kafka/positions.ts';
import { offsetCommit } from '../../../src/lib/drivers/kafka/protocol/groups/offset-commit.ts';
import { listOffsets, offsetMarks } from '../../../src/lib/drivers/kafka/protocol/list-offsets.ts';
import type { Session } from '../../../src/lib/drivers/kafka/session.ts';
import { NotFoundError } from '../../../src/lib/errors.ts';
import { startConsoleConsumer } from '../../brokers/kafka-tools.ts';
import { startKafka } from '../../brokers/kafka.ts';
import type { RunningBroker } from '../../brokers/running-broker.ts';
import { eventually } from '../suite/workbench.ts';
import { countingSession, plainConnection } from './kafka-session.ts';

const signal = new AbortController().signal;
const everything = { groups: null, channels: null };

/** On a broker of its own: nobody else writes to `__consumer_offsets` or makes it. */
describe('looking at groups leaves no trace', () => {
  let broker: RunningBroker;
  let session: Session;

  before(async () => {
    broker = await startKafka();
    ({ session } = await countingSession(plainConnection(broker.address)));
  });

  after(async () => {
    await session.close();
    await broker.stop();
  });

  async function offsetsOf(topic: string): Promise<bigint | null> {
    const { topics } = await session.metadata([topic], signal);
    if (topics[0]?.errorCode !== 0) return null;
    const request = {
      readCommitted: false,
      topics: [{ topic, partitions: [{ partition: 0, at: offsetMarks.latest }] }],
    };
    const [answer] = await session.sendToAny(listOffsets, request, { signal });
    assert.equal(answer?.errorCode, 0);
    return answer.offset;
  }

  test('on a fresh cluster it makes no offsets topic', async () => {
    assert.deepEqual(await new KafkaGroups(session).list({ match: null }, signal), []);
    assert.deepEqual(await new KafkaBacklog(session).read(everything, signal), []);
    await assert.rejects(new KafkaGroups(session).describe('missing', signal), NotFoundError);
    assert.equal(await offsetsOf('__consumer_offsets'), null);
  });

  test('offsets, states and members stay as they are', async () => {
    const kafka = new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: 'looked-at', numPartitions: 2 }] });
    const live = await startConsoleConsumer('consumer', broker.address, 'live', 'looked-at');
    const classic = kafka.consumer({ groupId: 'classic' });
    await classic.connect();
    await classic.subscribe({ topic: 'looked-at', fromBeginning: true });
    await classic.run({ eachMessage: async () => undefined });
    try {
      const groups = new KafkaGroups(session);
      await eventually(async () => {
        for (const name of ['live', 'classic'])
          assert.equal((await groups.describe(name, signal)).memberList[0]?.partitions.length, 2);
      }, 60_000);
      const request = {
        group: 'idle',
        retentionMs: -1,
        topics: [{ topic: 'looked-at', partitions: [{ partition: 0, offset: 0n, metadata: null }] }],
      };
      await session.sendToCoordinator('group', 'idle', offsetCommit, request, { signal });

      const state = async () => ({
        descriptions: await Promise.all(
          ['live', 'classic', 'idle'].map((name) => groups.describe(name, signal)),
        ),
        positions: await Promise.all(
          ['live', 'classic', 'idle'].map((name) => new KafkaPositions(session).read(name, signal)),
        ),
      });
      // Two members that commit now and then write too: a look is between two ends that are the same.
      await eventually(async () => {
        const before = { end: await offsetsOf('__consumer_offsets'), ...(await state()) };
        for (let round = 0; round < 5; round++) {
          assert.equal((await new KafkaBacklog(session).read(everything, signal)).length, 3);
          assert.equal((await groups.list({ match: null }, signal)).length, 3);
          for (const group of ['live', 'classic', 'idle']) {
            const to = { every: { kind: 'start', shift: 0n } } as const;
            const targets = [{ channel: 'looked-at', to }];
            const { positions } = await new KafkaPositions(session).plan({ group, targets }, signal);
            assert.equal(positions.length, 2);
          }
        }
        assert.deepEqual({ end: await offsetsOf('__consumer_offsets'), ...(await state()) }, before);
      });
    } finally {
      await classic.disconnect();
      await live.stop();
      await admin.disconnect();
    }
  });
});
