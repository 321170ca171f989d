/** Looking: it ends where the channel ended when it began, and it changes nothing or says what it cost. */
import assert from 'node:assert/strict';
import type { PositionKind } from '../../../../src/lib/message/position.ts';
import { UsageError } from '../../../../src/lib/errors.ts';
import type { Message } from '../../../../src/lib/message/message.ts';
import type { Position } from '../../../../src/lib/message/position.ts';
import type { Column } from '../column.ts';
import type { Section } from '../contract-case.ts';
import { has, hasNetwork } from '../contract-case.ts';
import { drain } from '../drain.ts';
import { message, numbered, textsOf } from '../messages.ts';
import type { Workbench } from '../workbench.ts';
import { end, eventually, from } from '../workbench.ts';

export const look: Section = {
  title: 'look',
  cases: [
    {
      name: 'shows everything that is there, first in first out',
      needs: [has('look')],
      run: async (bench) => {
        const sent = numbered(bench.several(300));
        const channel = await bench.filled(sent);
        assert.deepEqual(bench.inOrder(textsOf(await bench.read(channel))), bench.inOrder(textsOf(sent)));
      },
    },
    {
      name: 'an empty channel shows nothing and ends',
      needs: [has('look')],
      run: async (bench) => assert.deepEqual(await bench.read(await bench.channel()), []),
    },
    {
      name: 'every message says its channel, and differs from the others in offset or id where it has one',
      needs: [has('look')],
      run: async (bench) => {
        const channel = await bench.filled(numbered(10));
        const messages = await bench.read(channel);
        assert.ok(messages.every((one) => one.channel === channel));
        for (const name of ['offset', 'id'] as const) {
          const known = messages.map((one) => one[name]).filter((value) => value !== null);
          assert.equal(new Set(known).size, known.length, name);
        }
      },
    },
    {
      name: 'the end is frozen: what is published while looking is not shown',
      needs: [has('look')],
      run: async (bench) => {
        const before = numbered(bench.several(20), 'before');
        const channel = await bench.filled(before);
        const { batches } = await bench.looking(channel);
        await bench.publish(channel, numbered(20, 'while'));
        const seen: Message[] = [];
        for await (const batch of batches) seen.push(...batch);
        assert.deepEqual(bench.inOrder(textsOf(seen)), bench.inOrder(textsOf(before)));
      },
    },
    {
      name: 'shows at most as many as the limit says',
      needs: [has('look')],
      run: async (bench) => {
        const channel = await bench.filled(numbered(20));
        const looking = await bench.looking(channel, { limit: 7 });
        const seen: Message[] = [];
        for await (const batch of looking.batches) seen.push(...batch);
        const kept = bench.traits('publish').orderUnit !== 'none';
        if (kept) assert.deepEqual(textsOf(seen), textsOf(numbered(7)));
        assert.equal(new Set(textsOf(seen)).size, 7);
        assert.equal(looking.report().looked, 7);
      },
    },
    {
      name: 'changes nothing: all messages are still there, in order, and again',
      needs: [has('look'), has('backlog')],
      run: async (bench) => {
        const sent = textsOf(numbered(bench.several(20)));
        const channel = await bench.filled(numbered(sent.length));
        const before = await settled(bench, channel);
        const limit = sent.length - 5;
        const first = textsOf(await bench.read(channel, { limit }));
        if (bench.traits('publish').orderUnit === 'none') assert.equal(new Set(first).size, limit);
        else assert.deepEqual(first, sent.slice(0, limit));
        // Where giving back has no answer, it may take a moment.
        await eventually(async () =>
          assert.deepEqual(textsOf(await bench.read(channel)).sort(), sent.toSorted()),
        );
        await eventually(async () => assert.deepEqual(await snapshot(bench, channel), before));
      },
    },
    {
      name: 'the cost that was appraised is one of those declared, and is what it cost',
      needs: [has('look')],
      run: async (bench) => {
        const channel = await bench.filled(numbered(5));
        const { cost } = await bench.facet('look').appraise(channel, bench.signal);
        assert.ok(bench.traits('look').costs.includes(cost), cost);
        const looking = await bench.looking(channel, { limit: 5 });
        await drain(looking.batches);
        assert.equal(looking.report().looked, 5);
        const again = await bench.read(channel, { limit: 1 });
        if (cost === 'free') {
          assert.equal(looking.report().hiddenMs, null);
          assert.ok((again[0]?.delivery.count ?? 1) <= 1, 'a free look counts as no delivery');
        }
      },
    },
    {
      name: 'an appraisal says how many wait',
      needs: [has('look')],
      run: async (bench) => {
        const channel = await bench.filled(numbered(5));
        await eventually(async () => {
          const { waiting } = await bench.facet('look').appraise(channel, bench.signal);
          if (waiting !== null) assert.equal(waiting, 5);
        });
      },
    },
    {
      name: 'leaving it early gives everything back',
      needs: [has('look')],
      run: async (bench) => {
        const count = bench.several(20);
        const channel = await bench.filled(numbered(count));
        const { batches } = await bench.looking(channel);
        for await (const batch of batches) {
          assert.notEqual(batch.length, 0);
          break;
        }
        await eventually(async () => assert.equal((await bench.read(channel)).length, count));
      },
    },
    {
      name: 'follows: shows what is published later, and ends on abort',
      needs: [has('look', 'a free look', ({ costs }) => costs.every((cost) => cost === 'free'))],
      run: async (bench) => {
        const channel = await bench.filled(numbered(3, 'before'));
        const stop = new AbortController();
        const { batches } = await bench.looking(channel, { from: end, follow: true }, stop.signal);
        await bench.publish(channel, numbered(3, 'later'));
        const seen: Message[] = [];
        try {
          for await (const batch of batches) {
            seen.push(...batch);
            if (seen.length >= 3) stop.abort();
          }
        } catch (error) {
          if (!stop.signal.aborted) throw error;
        }
        assert.deepEqual(textsOf(seen), textsOf(numbered(3, 'later')));
      },
    },
    {
      name: 'only the partitions that were asked for are shown',
      needs: [has('look', 'partitions', ({ partitions }) => partitions), has('admin')],
      run: async (bench) => {
        const channel = await bench.channel({ partitions: 3 });
        const { partitionList } = await bench.driver.describe(channel, bench.signal);
        const names = partitionList.map(({ partition }) => partition);
        await bench.publish(
          channel,
          names.map((partition) => message(partition, { partition })),
        );
        const chosen = names.slice(1);
        assert.deepEqual(textsOf(await bench.read(channel, { partitions: chosen })).sort(), chosen.sort());
      },
    },
    {
      name: 'a position for each partition is its own',
      needs: [
        knows('offset'),
        shifts,
        has('look', 'partitions', ({ partitions }) => partitions),
        has('admin'),
      ],
      run: async (bench) => {
        const channel = await bench.channel({ partitions: 2 });
        const names = (await bench.driver.describe(channel, bench.signal)).partitionList.map(
          (one) => one.partition,
        );
        for (const partition of names)
          await bench.publish(
            channel,
            numbered(4, partition).map((one) => ({ ...one, partition })),
          );
        const [first = '', second = ''] = names;
        const positions = new Map<string, Position>([
          [first, { kind: 'offset', offset: '3' }],
          [second, { kind: 'end', shift: -2n }],
        ]);
        const seen = textsOf(await bench.read(channel, { from: { byPartition: positions } }));
        assert.deepEqual(seen.sort(), [`${first}-3`, `${second}-2`, `${second}-3`]);
      },
    },
    {
      name: 'from so many after the start',
      needs: [knows('start'), shifts],
      run: (bench) => showsFrom(bench, async () => ({ kind: 'start', shift: 3n }), 3),
    },
    {
      name: 'from so many before the end',
      needs: [knows('end'), shifts],
      run: (bench) => showsFrom(bench, async () => ({ kind: 'end', shift: -2n }), 8),
    },
    {
      name: 'from the end there is nothing',
      needs: [knows('end')],
      run: (bench) => showsFrom(bench, async () => ({ kind: 'end', shift: 0n }), 10),
    },
    {
      name: 'from an offset, with the message there',
      needs: [knows('offset')],
      run: (bench) => showsFrom(bench, async (all) => ({ kind: 'offset', offset: all[4]?.offset ?? '' }), 4),
    },
    {
      name: 'from behind an offset, without the message there',
      needs: [knows('after')],
      run: (bench) => showsFrom(bench, async (all) => ({ kind: 'after', offset: all[4]?.offset ?? '' }), 5),
    },
    {
      name: 'from an id, with the message there',
      needs: [knows('id')],
      run: (bench) => showsFrom(bench, async (all) => ({ kind: 'id', id: all[4]?.id ?? '' }), 4),
    },
    {
      name: 'from a time, with the first message that is not older',
      needs: [knows('time')],
      run: async (bench) => {
        const channel = await bench.filled(numbered(3, 'old'));
        // Seconds, since some systems keep the time no finer.
        await new Promise((resolve) => setTimeout(resolve, 2_100));
        await bench.publish(channel, numbered(3, 'new'));
        const time = (await bench.read(channel))[3]?.timestamp ?? Date.now() - 1_000;
        assert.deepEqual(
          textsOf(await bench.read(channel, { from: from({ kind: 'time', time }) })),
          textsOf(numbered(3, 'new')),
        );
        const future = from({ kind: 'time', time: Date.now() + 3_600_000 });
        assert.deepEqual(textsOf(await bench.read(channel, { from: future })), []);
      },
    },
    {
      name: 'from where a group stands',
      needs: [knows('group'), has('claim', 'groups', ({ group }) => group !== 'none')],
      run: async (bench) => {
        const channel = await bench.filled(numbered(10));
        const group = bench.name('group');
        const taking = await bench.claiming(channel, { group });
        await taking.settle(await taking.take(4));
        await taking.close();
        const seen = await bench.read(channel, { from: from({ kind: 'group', group, shift: 0n }) });
        assert.deepEqual(textsOf(seen), textsOf(numbered(10)).slice(4));
      },
    },
    {
      name: 'until is exclusive',
      needs: [knows('offset')],
      run: async (bench) => {
        const channel = await bench.filled(numbered(10));
        const offset = (await bench.read(channel))[6]?.offset ?? '';
        const seen = await bench.read(channel, { until: from({ kind: 'offset', offset }) });
        assert.deepEqual(textsOf(seen), textsOf(numbered(6)));
      },
    },
    {
      name: 'until behind an offset, the message there is the last',
      needs: [knows('after')],
      run: async (bench) => {
        const channel = await bench.filled(numbered(10));
        const { partition, offset } = (await bench.read(channel))[6] ?? assert.fail('there are ten');
        const position: Position = { kind: 'after', offset: offset ?? '' };
        const until = partition === null ? from(position) : { byPartition: new Map([[partition, position]]) };
        assert.deepEqual(textsOf(await bench.read(channel, { until })), textsOf(numbered(7)));
      },
    },
    {
      name: 'who can begin at an offset can go on behind it',
      needs: [knows('offset')],
      run: async (bench) => assert.ok(bench.traits('look').positions.includes('after')),
    },
    {
      name: 'a position that this system does not know is wrong usage',
      needs: [has('look')],
      run: async (bench) => {
        const known = bench.traits('look').positions;
        const samples: readonly Position[] = [
          { kind: 'offset', offset: '0' },
          { kind: 'after', offset: '0' },
          { kind: 'id', id: 'x' },
          { kind: 'time', time: Date.now() },
          { kind: 'group', group: 'x', shift: 0n },
          { kind: 'current', shift: 0n },
        ];
        const channel = await bench.filled(numbered(1));
        for (const position of samples.filter(({ kind }) => !known.includes(kind)))
          await assert.rejects(bench.read(channel, { from: from(position) }), UsageError, position.kind);
        await assert.rejects(bench.read(channel, { from: from({ kind: 'current', shift: 0n }) }), UsageError);
        if (bench.traits('look').uncountable === true)
          await assert.rejects(bench.read(channel, { from: from({ kind: 'start', shift: 1n }) }), UsageError);
      },
    },
    {
      name: 'what an aborted transaction wrote is shown only when asked for',
      needs: [
        has('look'),
        has('publish', 'transactions', ({ deliveries }) => deliveries.includes('transactional')),
        ({ channel }) => (channel.keepsAborted ? null : 'an aborted transaction leaves nothing behind'),
      ],
      run: async (bench) => {
        const channel = await bench.channel();
        const publisher = await bench.publisher(channel, 'transactional');
        await publisher.send(numbered(2, 'aborted'));
        await publisher.abort();
        await publisher.close();
        await bench.publish(channel, [message('after')]);
        assert.deepEqual(textsOf(await bench.read(channel)), ['after']);
        assert.deepEqual(textsOf(await bench.read(channel, { uncommitted: true })), [
          'aborted-0',
          'aborted-1',
          'after',
        ]);
      },
    },
    {
      name: 'when the connection is cut, what was shown is a beginning, shown once',
      needs: [has('look'), hasNetwork],
      run: async (bench) => {
        // Where looking hides them, what is cut off stays hidden for a while that grows with their number; where order is that
        // of a key, they have one key, and each waits for the one before.
        const key = bench.traits('publish').orderUnit === 'key' ? new TextEncoder().encode('one') : null;
        const few = bench.traits('look').costs.includes('lease');
        const count = bench.several(key !== null ? 100 : few ? 300 : 2_000);
        const sent = Array.from({ length: count }, (_, index) =>
          message(`${index} `.padEnd(2_000, 'b'), { key }),
        );
        const channel = await bench.filled(sent);
        const { driver, proxy } = await bench.openThroughProxy();
        const { batches } = await bench.looking(channel, { limit: count }, bench.signal, driver);
        const seen: string[] = [];
        const failure = await (async () => {
          for await (const batch of batches) {
            seen.push(...textsOf(batch).map((text) => text.split(' ', 1)[0] ?? ''));
            proxy.cut();
          }
        })().then(
          () => null,
          (error: unknown) => error,
        );
        const beginning = Array.from({ length: seen.length }, (_, index) => String(index));
        if (bench.traits('publish').orderUnit !== 'none') assert.deepEqual(seen, beginning);
        assert.equal(new Set(seen).size, seen.length);
        assert.ok(
          failure !== null || seen.length === count,
          `ended as if complete after ${seen.length} of ${count}`,
        );
        // What was hidden by the look comes back by itself.
        await eventually(async () => assert.equal((await bench.read(channel)).length, count), 45_000);
      },
    },
  ],
};

function knows(kind: PositionKind) {
  return has('look', `the position "${kind}"`, ({ positions }) => positions.includes(kind));
}

/** Counting from the start or the end needs positions that can be counted. */
function shifts({ facets }: Column): string | null {
  const counts = facets.look?.positions.includes('offset') === true && facets.look.uncountable !== true;
  return counts ? null : 'positions that cannot be counted';
}

/** Ten messages, seen from a position: what is shown must begin with the message of that index. */
async function showsFrom(
  bench: Workbench,
  position: (all: readonly Message[]) => Promise<Position>,
  first: number,
): Promise<void> {
  const channel = await bench.filled(numbered(10));
  const all = await bench.read(channel);
  const seen = await bench.read(channel, { from: from(await position(all)) });
  assert.deepEqual(textsOf(seen), textsOf(numbered(10)).slice(first));
}

/** What others can see of a channel: that a look must not change. */
async function snapshot(bench: Workbench, channel: string): Promise<unknown> {
  const { signal, driver } = bench;
  const { messages, partitionList, settings, consumers } = await driver.describe(channel, signal);
  const backlogs = await bench.facet('backlog').read({ groups: null, channels: [channel] }, signal);
  const groups = await driver.groups?.list({ match: `*${channel}*` }, signal);
  return {
    description: { messages, partitionList, settings, consumers },
    groups,
    backlogs: backlogs.map(({ group, members, partitions }) => ({
      group,
      members,
      partitions: partitions.map(({ partition, committed, end, waiting, inFlight }) => ({
        partition,
        committed,
        end,
        waiting,
        inFlight,
      })),
    })),
  };
}

/** The snapshot, once what servers count late has been counted. */
async function settled(bench: Workbench, channel: string): Promise<unknown> {
  let before: unknown = await snapshot(bench, channel);
  await eventually(async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    const now = await snapshot(bench, channel);
    const same = JSON.stringify(now) === JSON.stringify(before);
    before = now;
    assert.ok(same, 'the numbers of the server still move');
  });
  return before;
}
