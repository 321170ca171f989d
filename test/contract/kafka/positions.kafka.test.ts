import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import type { Admin, Consumer } from 'kafkajs';
import type { CommittedPosition, PositionChange } from '../../../src/lib/drivers/driver.ts';
import { KafkaGroups } from '../../../src/lib/drivers/kafka/groups.ts';
import { KafkaPositions } from '../../../src/lib/drivers/kafka/positions.ts';
import type { Session } from '../../../src/lib/drivers/kafka/session.ts';
import { MqctlError } from '../../../src/lib/errors.ts';
import { startConsoleConsumer } from '../../brokers/kafka-tools.ts';
import type { ConsoleConsumer } from '../../brokers/kafka-tools.ts';
import { addressOf, without } from '../../brokers/needs.ts';
import { eventually } from '../suite/workbench.ts';
import { countingSession, plainConnection } from './kafka-session.ts';

const signal = new AbortController().signal;
const start = { every: { kind: 'start', shift: 0n } } as const;
const end = { every: { kind: 'end', shift: 0n } } as const;

describe('positions of the groups of Kafka', { skip: without('kafka') }, () => {
  const names = {
    classic: `classic-${randomUUID()}`,
    consumer: `consumer-${randomUUID()}`,
    share: `share-${randomUUID()}`,
  };
  const topic = `positions-${randomUUID()}`;
  let admin: Admin;
  let session: Session;
  let groups: KafkaGroups;
  let positions: KafkaPositions;
  let classic: Consumer;
  const consumers: ConsoleConsumer[] = [];
  /** To each partition. */
  let sent = 0;

  before(async () => {
    const address = addressOf('kafka');
    const kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING });
    admin = kafka.admin();
    await admin.connect();
    ({ session } = await countingSession(plainConnection(address)));
    groups = new KafkaGroups(session);
    positions = new KafkaPositions(session);
    await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] });
    await eventually(async () =>
      assert.ok((await session.topic(topic)).partitions.every(({ leader }) => leader >= 0)),
    );
    consumers.push(await startConsoleConsumer('consumer', address, names.consumer, topic));
    consumers.push(await startConsoleConsumer('share', address, names.share, topic));
    classic = kafka.consumer({ groupId: names.classic });
    await classic.connect();
    await classic.subscribe({ topic, fromBeginning: true });
    await classic.run({ eachMessage: async () => undefined, autoCommitInterval: 100 });
    await eventually(async () => {
      for (const name of Object.values(names))
        assert.equal((await groups.describe(name, signal)).memberList[0]?.partitions.length, 2);
    }, 60_000);
    const producer = kafka.producer();
    await producer.connect();
    const messages = [0, 1].map((partition) => ({ value: 'x', partition }));
    // A share group begins at what comes after its member's first look, and tells its place some time after it has acknowledged.
    await eventually(async () => {
      await producer.send({ topic, messages });
      sent += 1;
      await eventually(
        async () => assert.ok((await committed(names.share)).every((each) => each !== null)),
        5_000,
      );
    }, 60_000);
    await producer.disconnect();
    await eventually(async () => {
      for (const name of [names.classic, names.consumer])
        assert.deepEqual(await committed(name), [String(sent), String(sent)], `${name} has read everything`);
    }, 60_000);
  });

  after(async () => {
    await classic.disconnect();
    await Promise.all(consumers.map((consumer) => consumer.stop()));
    for (const name of Object.values(names)) await groups.delete(name, signal).catch(() => undefined);
    await admin.deleteTopics({ topics: [topic] });
    await admin.disconnect();
    await session.close();
  });

  const committed = async (group: string): Promise<(string | null)[]> =>
    (await positions.read(group, signal)).map((each) => each.committed);

  const changesTo = (from: readonly CommittedPosition[], position: string | null): PositionChange[] =>
    from.map(({ channel, partition }) => ({ channel, partition, position, metadata: null }));

  for (const kind of ['classic', 'consumer', 'share'] as const)
    test(`a live ${kind} group is refused with its members, and stays as it is`, async () => {
      const group = names[kind];
      const before = { group: await groups.describe(group, signal), at: await positions.read(group, signal) };
      const plan = await positions.plan({ group, targets: [{ channel: topic, to: start }] }, signal);
      assert.equal(plan.kind, kind);
      assert.equal(plan.refusal?.code, 'ACTIVE');
      assert.deepEqual(plan.refusal.members, before.group.memberList);
      for (const work of [
        () => positions.set(group, changesTo(before.at, '0'), signal),
        () => groups.delete(group, signal),
      ])
        await assert.rejects(work(), (error: unknown) => {
          assert.ok(error instanceof MqctlError && error.code === 'ACTIVE', String(error));
          return true;
        });
      assert.deepEqual(
        { group: await groups.describe(group, signal), at: await positions.read(group, signal) },
        before,
      );
    });

  test('without members each is set and put back, and stays what it is', async () => {
    await classic.disconnect();
    await Promise.all(consumers.map((consumer) => consumer.stop()));
    for (const [kind, group] of Object.entries(names)) {
      await eventually(async () => {
        assert.equal((await groups.describe(group, signal)).state, 'Empty');
      }, 60_000);
      const before = await positions.read(group, signal);
      const atEnd = before.every((each) => each.committed === String(sent));
      const [to, then, effect] = atEnd
        ? ([start, '0', 'again'] as const)
        : ([end, String(sent), 'skipped'] as const);
      const plan = await positions.plan({ group, targets: [{ channel: topic, to }] }, signal);
      assert.equal(plan.refusal, null);
      assert.deepEqual(
        plan.positions.map((each) => [each.after, each.effect, each.messages]),
        before.map(({ committed: from }) => [then, effect, Math.abs(Number(then) - Number(from))]),
      );
      assert.deepEqual(
        await positions.set(group, changesTo(before, then), signal),
        before.map(() => ({ status: 'set' })),
      );
      assert.deepEqual(await committed(group), [then, then]);
      const back = before.map(({ channel, partition, committed: position, metadata }) => ({
        channel,
        partition,
        position,
        metadata,
      }));
      await positions.set(group, back, signal);
      assert.deepEqual(await positions.read(group, signal), before);
      assert.equal((await groups.describe(group, signal)).kind, kind);
    }
  });

  test('what was never committed is so again, in a share group too', async () => {
    for (const group of [names.classic, names.share]) {
      const before = await positions.read(group, signal);
      assert.deepEqual(
        (await positions.set(group, changesTo(before, null), signal)).map(({ status }) => status),
        ['set', 'set'],
      );
      assert.deepEqual(
        (await positions.read(group, signal)).filter((each) => each.committed !== null),
        [],
      );
    }
  });
});
