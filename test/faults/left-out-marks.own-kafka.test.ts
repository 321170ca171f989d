/**
 * A coordinator of Kafka 4 leaves out the mark in a partition that has no leader when the marks are written, as that of a broker
 * which is killed and comes back: the transaction stays open there for good, though everybody was told that it is committed.
 *
 * The same is had here without that race: a partition that the coordinator was never told of, on a broker that does not check.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { KafkaAtomicMove } from '../../src/lib/drivers/kafka/atomic-move.ts';
import { open } from '../../src/lib/drivers/kafka/index.ts';
import { KafkaPublish } from '../../src/lib/drivers/kafka/publish.ts';
import { resolvedGroup } from '../../src/lib/drivers/kafka/resolved-offsets.ts';
import type { Session } from '../../src/lib/drivers/kafka/session.ts';
import { Transactions } from '../../src/lib/drivers/kafka/transaction.ts';
import type { Driver, MoveItem } from '../../src/lib/drivers/driver.ts';
import { startKafka } from '../brokers/kafka.ts';
import type { RunningBroker } from '../brokers/running-broker.ts';
import { countingSession, plainConnection } from '../contract/kafka/kafka-session.ts';
import { everything, fill } from './redrive-kill.ts';

const { signal } = new AbortController();
const messages = 4;
const texts = Array.from({ length: messages }, (_, number) => `message ${number.toString()}`);

describe('where Kafka leaves out the mark of a transaction', () => {
  let broker: RunningBroker;
  let driver: Driver;
  let session: Session;

  before(async () => {
    broker = await startKafka({ settings: { 'transaction.partition.verification.enable': 'false' } });
    const connection = plainConnection(broker.address);
    driver = await open(connection, {
      log: () => undefined,
      timeoutMs: 10_000,
      signal,
      stateFolder: '/nonexistent',
    });
    ({ session } = await countingSession(connection, 10_000));
  });

  after(async () => {
    await session.close();
    await driver.close();
    await broker.stop();
  });

  /** A topic of two partitions and its dead letters, each as it is to be moved back. */
  async function filled(name: string): Promise<readonly MoveItem[]> {
    for (const [channel, partitions] of [
      [name, 2],
      [`${name}.dlq`, 1],
    ] as const)
      await driver.admin?.create({ channel, type: null, partitions, settings: {}, deadLetter: null }, signal);
    await fill(driver, `${name}.dlq`, messages);
    const dead = await everything(driver, `${name}.dlq`);
    return dead.map((source, index) => {
      const { key, value, headers, properties } = source;
      const partition = (index % 2).toString();
      return { source, outgoing: { key, value, headers, properties, partition, timestamp: null } };
    });
  }

  /** What readers of committed records get. */
  async function seen(channel: string): Promise<readonly string[]> {
    return (await everything(driver, channel)).map(({ value }) => Buffer.from(value ?? []).toString()).sort();
  }

  const moveOf = (on: Session, name: string): Promise<KafkaAtomicMove> =>
    KafkaAtomicMove.open({ session: on, source: `${name}.dlq`, channel: name, name }, signal);

  for (const api of ['AddPartitionsToTxn', 'AddOffsetsToTxn'])
    test(`what is said to be moved shows, and is remembered: without ${api}`, async (context) => {
      const name = `shown-${api}`;
      const items = await filled(name);
      const { session: forgetful } = await countingSession(plainConnection(broker.address), 10_000);
      context.after(() => forgetful.close());
      const move = await moveOf(forgetful, name);
      const left = leaveOutOnce(forgetful, api);
      const outcomes = await move.move(items, signal);
      assert.ok(left.out, 'the coordinator was not told');
      assert.ok(outcomes.every(({ status }) => status === 'accepted'));
      assert.deepEqual(await seen(name), texts);
      assert.equal((await driver.deadLetters?.resolved?.(`${name}.dlq`, signal))?.unresolved, 0);
      await move.close();
    });

  for (const commit of [true, false])
    test(`the run after one that ended there keeps to what was decided: ${commit ? 'committed' : 'aborted'}`, async (context) => {
      const name = `former-${commit ? 'committed' : 'aborted'}`;
      const items = await filled(name);
      const { session: forgetful } = await countingSession(plainConnection(broker.address), 10_000);
      context.after(() => forgetful.close());
      const former = await Transactions.open(forgetful, `mqctl-move.${name}`, 15_000, signal);
      const publisher = await new KafkaPublish(forgetful).openIn(former, name, signal);
      const left = leaveOutOnce(forgetful, 'AddPartitionsToTxn');
      await publisher.send(items.map(({ outgoing }) => outgoing));
      assert.ok(left.out, 'the coordinator was not told');
      const partitions = [{ partition: 0, offset: BigInt(messages), metadata: null }];
      const topic = `${name}.dlq`;
      await former.commitOffsets({ group: resolvedGroup(topic), topic, partitions }, signal);
      await former.end(commit, signal);

      const move = await moveOf(session, name);
      assert.deepEqual(await seen(name), commit ? texts : []);
      const truth = await move.recover(
        items.map(({ source }) => source),
        signal,
      );
      assert.deepEqual(new Set(truth), new Set([commit ? 'moved' : 'not-moved']));
      if (!commit) await move.move(items, signal);
      await move.close();
      assert.deepEqual(await seen(name), texts, 'each once');
    });

  test('where another producer has a transaction open, ours is done all the same', async () => {
    const name = 'occupied';
    const items = await filled(name);
    const topic = `${name}.dlq`;
    const other = await Transactions.open(session, 'of-somebody-else', 60_000, signal);
    const publisher = await new KafkaPublish(session).openIn(other, name, signal);
    await publisher.send(
      items.slice(0, 1).map(({ outgoing }) => ({ ...outgoing, value: Buffer.from('theirs') })),
    );
    const partitions = [{ partition: 0, offset: 0n, metadata: null }];
    await other.commitOffsets({ group: resolvedGroup(topic), topic, partitions }, signal);

    const move = await moveOf(session, name);
    assert.ok((await move.move(items, signal)).every(({ status }) => status === 'accepted'));
    await move.close();
    await publisher.close();
    assert.deepEqual(await seen(name), texts);
  });
});

/** The next request of this kind is answered as if it had been done. */
function leaveOutOnce(session: Session, api: string): { readonly out: boolean } {
  const left = { out: false };
  const send = session.sendToCoordinator.bind(session);
  Object.assign(session, {
    sendToCoordinator: async (...request: Parameters<typeof send>): Promise<unknown> => {
      if (left.out || request[2].name !== api) return send(...request);
      left.out = true;
      return { errorCode: 0 };
    },
  });
  return left;
}
