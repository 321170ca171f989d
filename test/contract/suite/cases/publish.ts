/** Publishing: what is accepted is there, byte for byte; what is not is said, one outcome for each message. */
import assert from 'node:assert/strict';
import type { Outcome } from '../../../../src/lib/drivers/driver.ts';
import { mayPassLater, NotFoundError } from '../../../../src/lib/errors.ts';
import type { OutgoingMessage } from '../../../../src/lib/message/message.ts';
import { randomMessages } from '../any-message.ts';
import type { Section } from '../contract-case.ts';
import { canBe, has, hasNetwork } from '../contract-case.ts';
import { assertSame, bytes, headersOfEveryType, message, numbered, outgoing, textsOf } from '../messages.ts';
import type { Workbench } from '../workbench.ts';
import { eventually } from '../workbench.ts';

export const publish: Section = {
  title: 'publish',
  cases: [
    {
      name: 'random bytes in values, keys and headers come back as they were, and again when published again',
      needs: [has('publish'), has('look')],
      run: async (bench) => {
        const seed = Math.floor(Math.random() * 2 ** 31);
        const sent = randomMessages(
          bench.traits('publish'),
          bench.column.channel.withoutHeaderTypes,
          bench.several(200),
          seed,
        );
        const channel = await bench.filled(sent);
        const received = await bench.read(channel);
        assertAllSame(bench, received, sent, `seed ${seed}`);
        const again = await bench.filled(received.map(outgoing));
        assertAllSame(bench, await bench.read(again), sent, `published again, seed ${seed}`);
      },
    },
    {
      name: 'an empty value is no null value',
      needs: [has('publish', 'null values', ({ nullValue }) => nullValue), has('look')],
      run: (bench) => roundTrip(bench, [message(null), message('')]),
    },
    {
      name: 'an empty key is no null key',
      needs: [
        has('publish', 'keys that may be missing', ({ key, keyText }) => key && keyText === undefined),
        has('look'),
      ],
      run: (bench) => roundTrip(bench, [message('a'), message('b', { key: bytes('') })]),
    },
    {
      name: 'repeated headers and empty and null header values keep their order',
      needs: [has('publish', 'repeated headers', ({ repeatedHeaders }) => repeatedHeaders), has('look')],
      run: (bench) => {
        const header = (name: string, value: Uint8Array | null) => ({ name, value });
        const headers = [
          header('b', bytes('1')),
          header('a', null),
          header('b', bytes('2')),
          header('b', bytes('')),
        ];
        return roundTrip(bench, [message('a', { headers }), message('b', { headers: headers.toReversed() })]);
      },
    },
    {
      name: 'headers of every type keep their type',
      needs: [has('publish', 'typed headers', ({ headers }) => headers === 'typed'), has('look')],
      run: (bench) => {
        const headers = headersOfEveryType(bench.column.channel.withoutHeaderTypes);
        return roundTrip(bench, [message('a', { headers })]);
      },
    },
    {
      name: 'every declared property comes back as it was',
      needs: [has('publish', 'properties', ({ properties }) => properties.length > 0), has('look')],
      run: async (bench) => {
        const channel = await bench.channel();
        const properties = bench.column.channel.properties(channel);
        assert.deepEqual(
          bench.traits('publish').properties.filter((name) => !(name in properties)),
          [],
          'the system under test has a sample of each',
        );
        const sent = [message('a', { properties })];
        await bench.publish(channel, sent);
        assertAllSame(bench, await bench.read(channel), sent, 'properties');
      },
    },
    {
      name: 'where readers choose by how a message is addressed, those who would get it are told',
      needs: [
        has('publish', 'addresses', ({ addressedBy }) => addressedBy !== undefined),
        has('claim', 'groups', ({ group }) => group !== 'none'),
      ],
      run: async (bench) => {
        assert.ok(bench.driver.readersOf !== undefined, 'declared');
        const { addressedBy = '' } = bench.traits('publish');
        const [channel, group] = [await bench.filled(numbered(1)), bench.name('group')];
        const address = bench.column.channel.properties(channel)[addressedBy];
        assert.ok(typeof address === 'string');
        const taking = await bench.claiming(channel, { group });
        await taking.take(1);
        await taking.close();
        assert.deepEqual(await bench.driver.readersOf(channel, [address], bench.signal), [group]);
        await assert.rejects(
          bench.driver.readersOf(bench.name('missing'), [address], bench.signal),
          NotFoundError,
        );
      },
    },
    {
      name: 'a message without a key gets one, and a key that is no such text is rejected',
      needs: [has('publish', 'keys of text', ({ keyText }) => keyText !== undefined), has('look')],
      run: async (bench) => {
        const { keyText } = bench.traits('publish');
        assert.ok(keyText !== undefined);
        const channel = await bench.channel();
        const publisher = await bench.publisher(channel);
        const keys = [null, bytes(''), Uint8Array.of(255), 'é'.repeat(keyText.maxCharacters)];
        const sent = [...keys, 'x'.repeat(keyText.maxCharacters + 1)].map((key, index) =>
          message(`${index}`, { key: typeof key === 'string' ? bytes(key) : key }),
        );
        const outcomes = await publisher.send(sent);
        await publisher.close();
        assert.deepEqual(
          outcomes.map((outcome) => outcome.status === 'rejected' && !outcome.retriable),
          [false, true, true, false, true],
          JSON.stringify(outcomes),
        );
        const received = await bench.read(channel);
        assert.deepEqual(textsOf(received).sort(), ['0', '3']);
        assert.ok(received.every(({ key }) => key !== null && key.length > 0));
      },
    },
    {
      name: 'a message goes to the partition that it names',
      needs: [has('publish', 'partitions', ({ partition }) => partition), has('look'), has('admin')],
      run: async (bench) => {
        const channel = await bench.channel({ partitions: 3 });
        const partitions = (await bench.driver.describe(channel, bench.signal)).partitionList;
        const sent = partitions.map(({ partition }) => message(partition, { partition }));
        await bench.publish(channel, sent);
        const received = await bench.read(channel);
        assert.deepEqual(
          received.map(({ partition }) => partition).sort(),
          partitions.map((one) => one.partition).sort(),
        );
        for (const one of received) assert.equal(textsOf([one])[0], one.partition);
      },
    },
    {
      name: 'messages with the same key go to the same partition',
      needs: [
        has('publish', 'keys and partitions', ({ key, partition }) => key && partition),
        has('look'),
        has('admin'),
      ],
      run: async (bench) => {
        const channel = await bench.channel({ partitions: 3 });
        await bench.publish(
          channel,
          Array.from({ length: 30 }, (_, index) => message('v', { key: bytes(`key-${index % 6}`) })),
        );
        const partitions = Map.groupBy(await bench.read(channel), ({ key }) =>
          new TextDecoder().decode(key ?? undefined),
        );
        assert.equal(partitions.size, 6);
        for (const [key, messages] of partitions)
          assert.equal(new Set(messages.map(({ partition }) => partition)).size, 1, key);
      },
    },
    {
      name: 'a message keeps the time that it was given',
      needs: [has('publish', 'timestamps', ({ timestamp }) => timestamp), has('look')],
      run: async (bench) => {
        // A whole second: some systems keep the time no finer.
        const timestamp = Math.floor(Date.now() / 1_000) * 1_000 - 60_000;
        const channel = await bench.filled([message('a', { timestamp })]);
        const [received] = await bench.read(channel);
        assert.equal(received?.timestamp, timestamp);
        assert.equal(received?.timestampType, 'create');
      },
    },
    {
      name: 'what was compressed in any declared way comes back as it was',
      needs: [has('publish', 'compression', ({ compressions }) => compressions.length > 0), has('look')],
      run: async (bench) => {
        for (const compression of bench.traits('publish').compressions) {
          const channel = await bench.channel();
          const sent = randomMessages(
            bench.traits('publish'),
            bench.column.channel.withoutHeaderTypes,
            30,
            1,
          );
          const delivery = 'at-least-once';
          const publisher = await bench
            .facet('publish')
            .open({ channel, delivery, compression }, bench.signal);
          assert.ok(
            (await publisher.send(sent)).every(({ status }) => status === 'accepted'),
            compression,
          );
          await publisher.close();
          assertAllSame(bench, await bench.read(channel), sent, compression);
        }
      },
    },
    {
      name: 'every declared guarantee of delivery delivers',
      needs: [has('publish'), has('look')],
      run: async (bench) => {
        for (const delivery of bench.traits('publish').deliveries) {
          const channel = await bench.channel();
          const publisher = await bench.publisher(channel, delivery);
          await publisher.send(numbered(3, delivery));
          if (delivery === 'transactional') await publisher.commit();
          await publisher.close();
          const { length } = numbered(3);
          await eventually(async () => assert.equal((await bench.read(channel)).length, length, delivery));
        }
      },
    },
    {
      name: 'order is kept over several batches in flight, and each outcome says where its message is',
      needs: [
        has('publish', 'an order', ({ orderUnit }) => orderUnit !== 'none'),
        has(
          'look',
          'a sight of more than the first of a group',
          ({ groupDepth }) => groupDepth === undefined,
        ),
      ],
      run: async (bench) => {
        const channel = await bench.channel();
        const publisher = await bench.publisher(channel);
        const key = bench.traits('publish').orderUnit === 'key' ? bytes('one') : null;
        // Where order is that of a key, each waits for the one before.
        const each = key === null ? 50 : 10;
        const sent = numbered(10 * each).map((one) => ({ ...one, key }));
        const batches = Array.from({ length: 10 }, (_, index) =>
          sent.slice(index * each, (index + 1) * each),
        );
        const outcomes = (await Promise.all(batches.map((batch) => publisher.send(batch)))).flat();
        await publisher.close();
        const received = await bench.read(channel);
        assert.deepEqual(textsOf(received), textsOf(sent));
        assert.equal(outcomes.length, sent.length);
        for (const [index, outcome] of outcomes.entries()) {
          assert.equal(outcome.status, 'accepted');
          if (outcome.status === 'accepted' && outcome.offset !== null)
            assert.equal(outcome.offset, received[index]?.offset);
        }
      },
    },
    {
      name: 'a message that is too large is rejected by name, the others are accepted',
      needs: [has('publish'), has('look'), canBe('tooLarge')],
      run: async (bench) => {
        const { tooLarge } = bench.column.channel;
        assert.ok(tooLarge !== null);
        const channel = await bench.channel({ settings: tooLarge.settings });
        const publisher = await bench.publisher(channel);
        const large = message(new Uint8Array(tooLarge.bytes).fill(97));
        const outcomes = await publisher.send([message('before'), large, message('after')]);
        await publisher.close();
        assert.deepEqual(
          outcomes.map(({ status }) => status),
          ['accepted', 'rejected', 'accepted'],
        );
        const rejected = outcomes[1];
        assert.ok(rejected?.status === 'rejected');
        assert.equal(rejected.retriable, false);
        assert.match(rejected.reason, /large|size|bytes/i);
        assert.deepEqual(textsOf(await bench.read(channel)), ['before', 'after']);
      },
    },
    {
      name: 'a channel that is full rejects, and holds exactly what was accepted',
      needs: [has('publish'), has('look'), canBe('full')],
      run: async (bench) => {
        const { full } = bench.column.channel;
        assert.ok(full !== null);
        const channel = await bench.channel({ settings: full.settings });
        const publisher = await bench.publisher(channel);
        const accepted: OutgoingMessage[] = [];
        let refused: Outcome | undefined;
        for (const one of numbered(full.holds * 10 + 10)) {
          [refused] = await publisher.send([one]);
          if (refused?.status !== 'accepted') break;
          accepted.push(one);
        }
        await publisher.close();
        assert.ok(refused?.status === 'rejected', JSON.stringify(refused));
        assert.equal(refused.retriable, true);
        assert.deepEqual(textsOf(await bench.read(channel)), textsOf(accepted));
      },
    },
    {
      name: 'a message that nothing would receive is rejected',
      needs: [has('publish', 'routes', ({ unroutable }) => unroutable), canBe('unroutable')],
      run: async (bench) => {
        const { unroutable } = bench.column.channel;
        assert.ok(unroutable !== null);
        const publisher = await bench.publisher(unroutable.channel);
        const outcomes = await publisher.send([unroutable.message, unroutable.message]);
        await publisher.close();
        assert.deepEqual(
          outcomes.map((outcome) => outcome.status === 'rejected' && !outcome.retriable),
          [true, true],
          JSON.stringify(outcomes),
        );
      },
    },
    {
      name: 'a channel that is deleted while it is published to is named, nothing is said to be accepted',
      needs: [has('publish'), has('admin')],
      run: async (bench) => {
        const channel = await bench.channel();
        const impatient = await bench.open(undefined, 3_000); // some systems try until the time-out
        const publisher = await bench.publisher(channel, undefined, impatient);
        await bench.facet('admin').delete(channel, bench.signal);
        const outcomes = await publisher.send(numbered(2)).catch((error: unknown) => {
          assert.ok(error instanceof NotFoundError, String(error));
          return [];
        });
        await publisher.close().catch(() => undefined);
        assert.ok(
          outcomes.every(({ status }) => status !== 'accepted'),
          JSON.stringify(outcomes),
        );
      },
    },
    {
      name: 'a transaction shows all when it is committed, and nothing before',
      needs: [transactions, has('look')],
      run: async (bench) => {
        const channel = await bench.channel();
        const publisher = await bench.publisher(channel, 'transactional');
        await publisher.send(numbered(3, 'first'));
        await publisher.send(numbered(3, 'second'));
        assert.deepEqual(textsOf(await bench.read(channel)), []);
        await publisher.commit();
        const expected = [...numbered(3, 'first'), ...numbered(3, 'second')];
        assert.deepEqual(textsOf(await bench.read(channel)), textsOf(expected));
        await publisher.close();
      },
    },
    {
      name: 'a transaction that is aborted shows nothing, and neither does one that is left open',
      needs: [transactions, has('look')],
      run: async (bench) => {
        const channel = await bench.channel();
        const aborted = await bench.publisher(channel, 'transactional');
        await aborted.send(numbered(3, 'aborted'));
        await aborted.abort();
        await aborted.close();
        const left = await bench.publisher(channel, 'transactional');
        await left.send(numbered(3, 'left'));
        await left.close();
        await bench.publish(channel, [message('after')]);
        await eventually(async () => assert.deepEqual(textsOf(await bench.read(channel)), ['after']));
      },
    },
    {
      name: 'when the connection is cut, accepted is there, rejected is not, and the rest is said to be unknown',
      needs: [has('publish'), has('look'), hasNetwork],
      run: async (bench) => {
        const { driver, proxy } = await bench.openThroughProxy();
        const channel = await bench.channel();
        const publisher = await bench.publisher(channel, undefined, driver);
        const size = Math.floor(bench.several(100) / 4);
        const batches = Array.from({ length: 4 }, (_, index) => numbered(size, `batch-${index}`));
        const outcomes = new Map<string, Outcome['status'] | 'not sent'>();
        const send = async (batch: readonly OutgoingMessage[]) => {
          const answers = await publisher.send(batch).catch(() => null);
          for (const [index, text] of textsOf(batch).entries())
            outcomes.set(text, answers === null ? 'not sent' : (answers[index]?.status ?? 'not sent'));
        };
        await send(batches[0] ?? []);
        proxy.silence();
        const sending = [send(batches[1] ?? []), send(batches[2] ?? [])];
        proxy.cut();
        await Promise.all(sending);
        await send(batches[3] ?? []);
        await publisher.close().catch(() => undefined);

        const there = new Set(textsOf(await bench.read(channel)));
        for (const [text, status] of outcomes) {
          if (status === 'accepted') assert.ok(there.has(text), `${text} was accepted and is not there`);
          if (status === 'rejected' || status === 'not sent')
            assert.ok(!there.has(text), `${text}: ${status}, and is there`);
        }
        assert.equal(outcomes.get('batch-0-0'), 'accepted');
        assert.notEqual(outcomes.get('batch-3-0'), 'accepted');
      },
    },
    {
      name: 'a server that answers no more fails no message for good: each is unknown, or may be sent later',
      needs: [has('publish'), hasNetwork],
      run: async (bench) => {
        const { driver, proxy } = await bench.openThroughProxy();
        const publisher = await bench.publisher(await bench.channel(), undefined, driver);
        proxy.silence();
        try {
          for (const outcome of await publisher.send(numbered(3)))
            assert.ok(
              outcome.status === 'unknown' || (outcome.status === 'rejected' && outcome.retriable),
              JSON.stringify(outcome),
            );
        } catch (error) {
          if (error instanceof assert.AssertionError) throw error;
          assert.ok(mayPassLater(error), String(error));
        }
        proxy.cut();
        await publisher.close().catch(() => undefined);
      },
    },
  ],
};

function transactions(column: Parameters<ReturnType<typeof has>>[0]): string | null {
  return has('publish', 'transactions', ({ deliveries }) => deliveries.includes('transactional'))(column);
}

/** Publishes them and reads them again, each as it was. */
async function roundTrip(bench: Workbench, sent: readonly OutgoingMessage[]): Promise<void> {
  const channel = await bench.filled(sent);
  assertAllSame(bench, await bench.read(channel), sent, 'round trip');
}

function assertAllSame(
  bench: Workbench,
  received: Awaited<ReturnType<Workbench['read']>>,
  sent: readonly OutgoingMessage[],
  note: string,
): void {
  assert.equal(received.length, sent.length, note);
  const ordered = bench.traits('publish').orderUnit !== 'none';
  const found = ordered ? received : received.toSorted(byContent);
  for (const [index, one] of (ordered ? sent : sent.toSorted(byContent)).entries())
    try {
      assertSame(found[index], one, {
        volatileHeaders: bench.driver.deadLetters?.volatileHeaders ?? [],
        // A system that keeps no repeated headers keeps a table of names.
        inOrder: bench.traits('publish').repeatedHeaders,
      });
    } catch (error) {
      throw new Error(`message ${index} of ${sent.length}, ${note}`, { cause: error });
    }
}

/** Some order that both sides share, where the system keeps none. */
function byContent(one: OutgoingMessage, other: OutgoingMessage): number {
  return contentText(one) < contentText(other) ? -1 : 1;
}

function contentText({ value, headers }: OutgoingMessage): string {
  const texts = headers.map(({ name, value: header }) => [
    name,
    header instanceof Uint8Array ? Buffer.from(header).toString('hex') : header,
  ]);
  return JSON.stringify([value === null ? null : Buffer.from(value).toString('hex'), texts.sort()]);
}
