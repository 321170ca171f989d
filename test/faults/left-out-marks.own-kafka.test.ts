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
import { moveId } from '../../src/lib/drivers/kafka/move-id.ts';
import { KafkaPublish } from '../../src/lib/drivers/kafka/publish.ts';
import { resolvedGroup } from '../../src/lib/drivers/kafka/resolved-offsets.ts';
import { errorCodes } from '../../src/lib/drivers/kafka/protocol/error-codes.ts';
import { endTxn } from '../../src/lib/drivers/kafka/protocol/transactions/end-txn.ts';
import type { Session } from '../../src/lib/drivers/kafka/session.ts';
import { Transactions } from '../../src/lib/drivers/kafka/transaction.ts';
import { describe as describeTransaction } from '../../src/lib/drivers/kafka/transaction-requests.ts';
import type { Driver, MoveItem } from '../../src/lib/drivers/driver.ts';
import { startKafka } from '../brokers/kafka.ts';
import { FailedError, UnreachableError } from '../../src/lib/errors.ts';
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
      const outcomes = [...(await move.move(items.slice(0, 2), signal))];
      assert.ok(left.out, 'the coordinator was not told');
      assert.deepEqual(await seen(name), texts.slice(0, 2));
      outcomes.push(...(await move.move(items.slice(2), signal)));
      assert.ok(outcomes.every(({ status }) => status === 'accepted'));
      assert.deepEqual(await seen(name), texts, 'and so does what comes after it');
      assert.equal((await driver.deadLetters?.resolved?.(`${name}.dlq`, signal))?.unresolved, 0);
      await move.close();
    });

  for (const commit of [true, false])
    test(`the run after one that ended there keeps to what was decided: ${commit ? 'committed' : 'aborted'}`, async (context) => {
      const name = `former-${commit ? 'committed' : 'aborted'}`;
      const items = await filled(name);
      const { session: forgetful } = await countingSession(plainConnection(broker.address), 10_000);
      context.after(() => forgetful.close());
      const former = await Transactions.open(
        forgetful,
        moveId({ source: `${name}.dlq`, channel: name, name }),
        15_000,
        signal,
      );
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

  for (const [before, nth] of [
    ['InitProducerId', 1],
    ['AddPartitionsToTxn', 1],
    ['EndTxn', 1],
    ['InitProducerId', 2],
  ] as const)
    test(`a run that is killed while it writes a mark that was left out has moved them: before ${before}, ${nth.toString()}`, async (context) => {
      const name = `killed-${before}-${nth.toString()}`;
      const items = await filled(name);
      const { session: dying } = await countingSession(plainConnection(broker.address), 10_000);
      context.after(() => dying.close());
      const killed = await moveOf(dying, name);
      leaveOutOnce(dying, 'AddPartitionsToTxn');
      const death = dieAfterDecision(dying, before, nth);
      await assert.rejects(killed.move(items, signal));
      assert.ok(death.died, 'it was killed there');

      const move = await moveOf(session, name);
      assert.deepEqual(await seen(name), texts);
      const sources = items.map(({ source }) => source);
      assert.deepEqual(new Set(await move.recover(sources, signal)), new Set(['moved']));
      await move.close();
      assert.deepEqual(await seen(name), texts, 'each once');
    });

  test('the same on a broker that allows no transaction of 15 minutes', async (context) => {
    const name = 'short';
    const items = await filled(name);
    const { session: dying } = await countingSession(plainConnection(broker.address), 10_000);
    context.after(() => dying.close());
    const killed = await moveOf(dying, name);
    leaveOutOnce(dying, 'AddPartitionsToTxn');
    const refused = allowAtMost(dying, 60_000);
    const death = dieAfterDecision(dying, 'EndTxn', 1);
    await assert.rejects(killed.move(items, signal));
    assert.deepEqual([refused.count, death.died], [1, true]);

    const move = await moveOf(session, name);
    assert.deepEqual(await seen(name), texts);
    const sources = items.map(({ source }) => source);
    assert.deepEqual(new Set(await move.recover(sources, signal)), new Set(['moved']));
    await move.close();
  });

  test('a leader that never tells of its marks holds up nobody for longer than the time-out', async (context) => {
    const name = 'silent';
    const items = await filled(name);
    const { session: hasty } = await countingSession(plainConnection(broker.address), 1_000);
    context.after(() => hasty.close());
    const move = await moveOf(hasty, name);
    const silent = silence(hasty, 'DescribeProducers');
    await assert.rejects(move.move(items, signal), /not all partitions that it wrote to show it/);
    silent.end();
    const sources = items.map(({ source }) => source);
    assert.deepEqual(new Set(await move.recover(sources, signal)), new Set(['moved']));
    await move.close();
    assert.deepEqual(await seen(name), texts, 'each once');
  });

  test('a run whose coordinator was away when it decided finds out by itself, and goes on', async (context) => {
    const name = 'away';
    const items = await filled(name);
    const { session: hasty } = await countingSession(plainConnection(broker.address), 1_000);
    context.after(() => hasty.close());
    const move = await moveOf(hasty, name);
    const away = loseAll(hasty, 'EndTxn');
    await assert.rejects(move.move(items, signal), UnreachableError);
    away.end();
    const sources = items.map(({ source }) => source);
    assert.deepEqual(new Set(await move.recover(sources, signal)), new Set(['not-moved']));
    await move.move(items, signal);
    await move.close();
    assert.deepEqual(await seen(name), texts, 'each once');
  });

  test('a run that is killed while it writes the mark of what was aborted has moved nothing', async (context) => {
    const name = 'killed-aborted';
    const items = await filled(name);
    const { session: dying } = await countingSession(plainConnection(broker.address), 10_000);
    context.after(() => dying.close());
    const id = moveId({ source: `${name}.dlq`, channel: name, name });
    const former = await Transactions.open(dying, id, 15_000, signal);
    const publisher = await new KafkaPublish(dying).openIn(former, name, signal);
    leaveOutOnce(dying, 'AddPartitionsToTxn');
    await publisher.send(items.map(({ outgoing }) => outgoing));
    const partitions = [{ partition: 0, offset: BigInt(messages), metadata: null }];
    const topic = `${name}.dlq`;
    await former.commitOffsets({ group: resolvedGroup(topic), topic, partitions }, signal);
    await former.end(false, signal);
    const death = dieAfter(dying, (name) => name === 'DescribeTransactions', 'EndTxn', 1);
    await assert.rejects(former.shown(signal));
    assert.ok(death.died, 'it was killed there');

    const move = await moveOf(session, name);
    assert.deepEqual(await seen(name), []);
    assert.ok((await move.move(items, signal)).every(({ status }) => status === 'accepted'));
    await move.close();
    assert.deepEqual(await seen(name), texts, 'each once');
  });

  test('where the broker aborts what was being finished, that is said for as long as anybody asks', async (context) => {
    const name = 'undone';
    const items = await filled(name);
    const { session: dying } = await countingSession(plainConnection(broker.address), 10_000);
    context.after(() => dying.close());
    const killed = await moveOf(dying, name);
    leaveOutOnce(dying, 'AddPartitionsToTxn');
    const death = dieAfterDecision(dying, 'EndTxn', 1);
    const [late, ...first] = items;
    assert.ok(late !== undefined);
    await assert.rejects(killed.move(first, signal));
    assert.ok(death.died, 'it was killed there');
    // As the broker does after the time-out.
    const transactionalId = moveId({ source: `${name}.dlq`, channel: name, name });
    const { producerId, epoch } = await describeTransaction(session, transactionalId, signal);
    const abort = { transactionalId, producerId, epoch, commit: false };
    await session.sendToCoordinator('transaction', transactionalId, endTxn, abort, { signal });

    const sources = items.map(({ source }) => source);
    for (const attempt of ['at once', 'later', 'after another batch']) {
      const move = await moveOf(session, name);
      const [ofLate, ...ofFirst] = await move.recover(sources, signal);
      assert.deepEqual(new Set(ofFirst), new Set(['in-doubt']), attempt);
      assert.equal(ofLate, attempt === 'after another batch' ? 'in-doubt' : 'not-moved');
      if (attempt === 'later') await move.move([late], signal);
      await move.close();
    }
  });

  for (const who of ['the same redrive', 'another redrive of the same dead letters'])
    for (const before of ['AddPartitionsToTxn', 'TxnOffsetCommit', 'EndTxn', 'DescribeTransactions'])
      test(`a run that is suspended before ${before} and goes on after ${who} took over moves nothing twice, and leaves that one alone`, async (context) => {
        const name = `suspended-${before}-${who.replaceAll(' ', '-')}`;
        const items = await filled(name);
        const { session: slow } = await countingSession(plainConnection(broker.address), 10_000);
        context.after(() => slow.close());
        const suspended = await moveOf(slow, name);
        const held = holdOnce(slow, before);
        const [first, second, ...rest] = items;
        assert.ok(first !== undefined && second !== undefined);
        const ending = suspended.move([first, second], signal).then(
          () => null,
          (thrown: unknown) => thrown,
        );
        await held.reached;

        const options = { session, source: `${name}.dlq`, channel: name };
        const move = await KafkaAtomicMove.open(
          { ...options, name: who === 'the same redrive' ? name : `${name}-2` },
          signal,
        );
        const truth = await move.recover([first.source, second.source], signal);
        const decided = before === 'DescribeTransactions';
        assert.deepEqual(new Set(truth), new Set([decided ? 'moved' : 'not-moved']));
        if (!decided) await move.move([first, second], signal);
        held.release();
        assert.ok((await ending) instanceof FailedError, 'it was fenced');
        await assert.rejects(
          suspended.recover([first.source, second.source], signal),
          /another run took it over/,
        );
        await suspended.close();

        assert.ok((await move.move(rest, signal)).every(({ status }) => status === 'accepted'));
        await move.close();
        assert.deepEqual(await seen(name), texts, 'each once');
        assert.equal((await driver.deadLetters?.resolved?.(`${name}.dlq`, signal))?.unresolved, 0);
      });

  test('another redrive of the same dead letters, to another place, ends what an older one left open', async (context) => {
    const name = 'older';
    const items = await filled(name);
    await driver.admin?.create(
      { channel: 'elsewhere', type: null, partitions: 1, settings: {}, deadLetter: null },
      signal,
    );
    const { session: dying } = await countingSession(plainConnection(broker.address), 10_000);
    context.after(() => dying.close());
    const killed = await moveOf(dying, name);
    leaveOutOnce(dying, 'AddPartitionsToTxn');
    const death = dieAfterDecision(dying, 'DescribeTransactions', 1);
    await assert.rejects(killed.move(items, signal));
    assert.ok(death.died, 'it was killed there');
    assert.notDeepEqual(await seen(name), texts, 'a mark is missing');

    const options = { session, source: `${name}.dlq`, channel: 'elsewhere', name: 'newer' };
    const move = await KafkaAtomicMove.open(options, signal);
    assert.deepEqual(await seen(name), texts);
    await move.close();
    assert.equal((await driver.deadLetters?.resolved?.(`${name}.dlq`, signal))?.unresolved, 0);
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

/** Once a transaction is decided: the nth request of this kind is not sent, and nothing after it. */
function dieAfterDecision(session: Session, api: string, nth: number): { readonly died: boolean } {
  return dieAfter(session, (name) => name === 'EndTxn', api, nth);
}

function dieAfter(
  session: Session,
  begins: (name: string) => boolean,
  api: string,
  nth: number,
): { readonly died: boolean } {
  const death = { died: false };
  let begun = false;
  let left = nth;
  const send = session.sendToCoordinator.bind(session);
  Object.assign(session, {
    sendToCoordinator: async (...request: Parameters<typeof send>): Promise<unknown> => {
      const { name } = request[2];
      if (begun && name === api) left -= 1;
      if (left === 0) {
        death.died = true;
        await session.close();
        throw new Error('killed');
      }
      const answer: unknown = await send(...request);
      begun ||= begins(name);
      return answer;
    },
  });
  return death;
}

/** Longer transactions are refused, as `transaction.max.timeout.ms` does. */
function allowAtMost(session: Session, timeoutMs: number): { readonly count: number } {
  const refused = { count: 0 };
  const send = session.sendToCoordinator.bind(session);
  Object.assign(session, {
    sendToCoordinator: async (...request: Parameters<typeof send>): Promise<unknown> => {
      const asked: unknown = request[3];
      const tooLong =
        request[2].name === 'InitProducerId' &&
        typeof asked === 'object' &&
        asked !== null &&
        'timeoutMs' in asked &&
        Number(asked.timeoutMs) > timeoutMs;
      if (!tooLong) return send(...request);
      refused.count += 1;
      return { errorCode: errorCodes.INVALID_TRANSACTION_TIMEOUT, producerId: -1n, epoch: -1 };
    },
  });
  return refused;
}

/** Requests of this kind to a leader are not answered until it is over. */
function silence(session: Session, api: string): { readonly end: () => void } {
  const send = session.send.bind(session);
  const silent = { over: false };
  Object.assign(session, {
    send: async (...request: Parameters<typeof send>): Promise<unknown> => {
      const [, { name }, , options] = request;
      if (silent.over || name !== api) return send(...request);
      return new Promise((_, reject) => {
        options?.signal?.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
      });
    },
  });
  return {
    end: () => {
      silent.over = true;
    },
  };
}

/** Requests of this kind to a coordinator are lost until it is over. */
function loseAll(session: Session, api: string): { readonly end: () => void } {
  const send = session.sendToCoordinator.bind(session);
  const lost = { over: false };
  Object.assign(session, {
    sendToCoordinator: async (...request: Parameters<typeof send>): Promise<unknown> => {
      if (lost.over || request[2].name !== api) return send(...request);
      throw new UnreachableError('lost');
    },
  });
  return {
    end: () => {
      lost.over = true;
    },
  };
}

/** The next request of this kind waits until it is released. */
function holdOnce(session: Session, api: string): { readonly reached: Promise<void>; release: () => void } {
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const send = session.sendToCoordinator.bind(session);
  Object.assign(session, {
    sendToCoordinator: async (...request: Parameters<typeof send>): Promise<unknown> => {
      if (request[2].name === api) {
        reached.resolve();
        await released.promise;
      }
      return send(...request);
    },
  });
  return { reached: reached.promise, release: released.resolve };
}

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
