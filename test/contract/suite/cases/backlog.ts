/** What waits, who reads and where they stand: read without joining anything. */
import assert from 'node:assert/strict';
import { NotFoundError } from '../../../../src/lib/errors.ts';
import type { GroupBacklog } from '../../../../src/lib/drivers/driver.ts';
import type { Section } from '../contract-case.ts';
import { has } from '../contract-case.ts';
import { numbered } from '../messages.ts';
import { joining, standsGroups } from '../standing.ts';
import type { Workbench } from '../workbench.ts';
import { eventually, from } from '../workbench.ts';
import type { Position } from '../../../../src/lib/message/position.ts';

const byGroup = has('backlog', 'groups', ({ group }) => group === 'group');
const counted = has('backlog', 'a count', ({ uncounted }) => uncounted !== true);
const claimsForGroup = has('claim', 'groups', ({ group }) => group !== 'none');
const byChannel = has('backlog', 'a backlog of the channel itself', ({ group }) => group === 'channel');

export const backlog: Section = {
  title: 'backlog',
  cases: [
    {
      name: 'a group that settled 4 of 10 has 6 waiting',
      needs: [byGroup, counted, standsGroups],
      run: async (bench) => {
        const { channel, group } = await settledFour(bench);
        await eventually(async () => {
          const found = await read(bench, { groups: [group], channels: null });
          assert.deepEqual(found.map(waiting), [{ group, channel, waiting: 6 }]);
        });
      },
    },
    {
      name: 'where nothing is counted, a group that has settled all has nothing waiting, and one that has not is unknown',
      needs: [byGroup, has('backlog', 'only times', ({ uncounted }) => uncounted === true), claimsForGroup],
      run: async (bench) => {
        const { channel, group } = await settledFour(bench);
        const waits = async () => {
          const found = await read(bench, { groups: [group], channels: [channel] });
          return found.flatMap(({ partitions }) => partitions.map((one) => one.waiting));
        };
        await eventually(async () => assert.deepEqual(await waits(), [null]));
        const taking = await bench.claiming(channel, { group });
        await taking.settle(await taking.rest());
        await taking.close();
        await eventually(async () => assert.deepEqual(await waits(), [0]));
      },
    },
    {
      name: 'how far behind a position is can be told without a group',
      needs: [has('backlog', 'positions of nobody', ({ ofPositions }) => ofPositions === true), has('look')],
      run: async (bench) => {
        const channel = await bench.filled(numbered(3));
        const readFrom = async (position: Position) =>
          bench.facet('backlog').readFrom?.(channel, from(position), bench.signal);
        const { offset } = (await bench.read(channel))[2] ?? {};
        const last = await readFrom({ kind: 'after', offset: offset ?? '' });
        const first = await readFrom({ kind: 'start', shift: 0n });
        assert.deepEqual([last?.group, last?.channel], [null, channel]);
        assert.deepEqual(
          last?.partitions.map(({ waiting }) => waiting),
          [0],
        );
        assert.ok(first?.partitions[0]?.waiting !== 0 && first?.partitions[0]?.oldest !== null);
        assert.deepEqual(await bench.facet('groups').list({ match: null }, bench.signal), []);
      },
    },
    {
      name: 'a group is found by its channel, and when everything is asked for',
      needs: [byGroup, standsGroups],
      run: async (bench) => {
        const { channel, group } = await settledFour(bench);
        for (const channels of [[channel], null]) {
          const found = (await read(bench, { groups: null, channels })).filter((one) => one.group === group);
          assert.deepEqual(
            found.map((one) => [one.group, one.channel]),
            [[group, channel]],
          );
        }
      },
    },
    {
      name: 'a channel with 10 messages has 10 waiting, and says which it holds for someone',
      needs: [byChannel],
      run: async (bench) => {
        const channel = await bench.filled(numbered(10));
        await eventually(async () => {
          const found = await read(bench, { groups: null, channels: [channel] });
          assert.deepEqual(found.map(waiting), [{ group: null, channel, waiting: 10 }]);
        });
        const taking = await bench.claiming(channel, { window: 4 });
        await taking.take(4);
        await eventually(async () => {
          const [found] = await read(bench, { groups: null, channels: [channel] });
          const [partition] = found?.partitions ?? [];
          assert.equal(partition?.waiting, 6);
          if (partition.inFlight !== null) assert.equal(partition.inFlight, 4);
          else assert.ok((found?.unknown.length ?? 0) > 0, 'in flight, or why it is unknown');
        });
      },
    },
    {
      name: 'the age of the oldest message that waits is known, by the clock that is declared',
      needs: [has('backlog', 'ages', ({ oldest }) => oldest !== 'none'), has('claim')],
      run: async (bench) => {
        const before = Date.now() - 2_000;
        const { channel, group } = await settledFour(bench);
        const grouped = bench.traits('backlog').group === 'group';
        await eventually(async () => {
          const found = await read(bench, { groups: grouped ? [group] : null, channels: [channel] });
          const oldest = found[0]?.partitions[0]?.oldest;
          assert.ok(oldest !== null && oldest !== undefined, JSON.stringify(found));
          assert.ok(
            oldest.at >= before && oldest.at <= Date.now() + 2_000,
            `${oldest.at} is the time of publishing`,
          );
          const broker = bench.traits('backlog').oldest === 'broker';
          assert.equal(oldest.clock === 'broker', broker);
        });
      },
    },
    {
      name: 'when a group last committed is told, and that it did not since',
      needs: [has('backlog', 'commit times', ({ commitTimes }) => commitTimes), claimsForGroup],
      run: async (bench) => {
        assert.ok('lastCommits' in bench.facet('backlog'), 'declared');
        const ask = (group: string, since: number) =>
          bench.facet('backlog').lastCommits?.({ groups: [group], since }, bench.signal);
        const before = Date.now() - 2_000;
        const { channel, group } = await settledFour(bench);
        const found = await ask(group, before);
        assert.equal(found?.unknown.size, 0, JSON.stringify([...(found?.unknown ?? [])]));
        const [commit, ...others] = found.commits;
        assert.equal(others.length, 0);
        assert.deepEqual([commit?.group, commit?.channel], [group, channel]);
        assert.ok(
          commit !== undefined && commit.at >= before && commit.at <= Date.now() + 2_000,
          `${String(commit?.at)} is the time of the commit`,
        );
        await eventually(async () => {
          const since = await ask(group, Date.now());
          assert.deepEqual([since?.commits, since?.unknown.size], [[], 0]);
        });
      },
    },
    {
      name: 'a rate that is declared is known after one look',
      needs: [has('backlog', 'rates', ({ rates }) => rates !== 'none')],
      run: async (bench) => {
        const grouped = bench.traits('backlog').group === 'group';
        const { channel, group } = await settledFour(bench);
        await eventually(async () => {
          // Brokers may miss what a connection that was closed at once had counted.
          await bench.publish(channel, numbered(1));
          const request = grouped
            ? { groups: [group], channels: null }
            : { groups: null, channels: [channel] };
          const [found] = await read(bench, request);
          const [partition] = found?.partitions ?? [];
          // What is counted over a few seconds may be 0 by now; what is counted at all is known.
          assert.ok(partition !== undefined && partition.rateIn !== null, 'what comes in');
          if (bench.traits('backlog').rates === 'both')
            assert.ok(partition.rateOut !== null, 'what goes out');
        }, 60_000);
      },
    },
    {
      name: 'how many deliveries were of messages delivered before is counted by the broker',
      needs: [
        has('backlog', 'counts of redeliveries', ({ redeliveries }) => redeliveries === true),
        has('claim'),
      ],
      run: async (bench) => {
        assert.ok('redeliveries' in bench.facet('backlog'), 'declared');
        const ask = async (channel: string) =>
          (await bench.facet('backlog').redeliveries?.([channel], bench.signal))?.[0];
        const channel = await bench.filled(numbered(4));
        const group = bench.traits('claim').group === 'none' ? null : bench.name('group');
        for (let turn = 1; turn <= 2; turn++) {
          const taking = await bench.claiming(channel, { group });
          await taking.take(4);
          // What is counted in the last moment before a consumer goes may be lost: so it stays until that was seen.
          await eventually(async () => {
            const counted = await ask(channel);
            assert.ok(counted !== undefined && counted.delivered !== null && counted.again !== null);
            const seen = counted.delivered >= 4 * turn && counted.again >= 4 * (turn - 1);
            assert.ok(seen && counted.again < counted.delivered, JSON.stringify(counted));
          }, 30_000);
          await taking.close();
        }
        await assert.rejects(ask(bench.name('missing')), NotFoundError);
      },
    },
    {
      name: 'how many deliveries of what is in flight were of messages delivered before is told, until it is settled',
      needs: [
        has('backlog', 'counts of what is in flight', ({ redeliveries }) => redeliveries === 'pending'),
        has('claim'),
      ],
      run: async (bench) => {
        const ask = async (channel: string) =>
          (await bench.facet('backlog').redeliveries?.([channel], bench.signal))?.[0];
        const channel = await bench.filled(numbered(4));
        const group = bench.name('group');
        const counted = (delivered: number, again: number) => ({ channel, delivered, again, windowMs: null });
        assert.deepEqual(await ask(channel), counted(0, 0));
        const slow = await bench.claiming(channel, { group });
        await slow.take(4);
        assert.deepEqual(await ask(channel), counted(4, 0));
        // Whoever takes them over when their lease has run out has them delivered once more.
        const next = await bench.claiming(channel, { group, follow: true });
        const taken = await next.take(4);
        // Some systems count every delivery, some the last one of each message.
        const last = await ask(channel);
        assert.deepEqual(last, counted(last?.delivered === 4 ? 4 : 8, 4));
        await next.settle(taken);
        assert.deepEqual(await ask(channel), counted(0, 0));
        await assert.rejects(ask(bench.name('missing')), NotFoundError);
      },
    },
    {
      name: 'a group that is not there is not found',
      needs: [byGroup],
      run: (bench) =>
        assert.rejects(read(bench, { groups: [bench.name('missing')], channels: null }), NotFoundError),
    },
    {
      name: 'a group is listed while it has members, and described with them and their partitions',
      needs: [has('groups'), standsGroups],
      run: async (bench) => {
        const channel = await bench.filled(numbered(2));
        const group = bench.name('group');
        await joining(bench, channel, group);
        const groups = bench.facet('groups');
        const listed = await groups.list({ match: `${group.slice(0, -1)}*` }, bench.signal);
        assert.deepEqual(
          listed.map((one) => one.group),
          [group],
        );
        const described = await groups.describe(group, bench.signal);
        assert.equal(described.memberList.length, 1);
        assert.deepEqual(
          described.memberList.flatMap(({ partitions }) => partitions.map((one) => one.channel)),
          [channel],
        );
        assert.ok(described.channels.includes(channel));
      },
    },
    {
      name: 'describing a group that is not there is not found',
      needs: [has('groups')],
      run: (bench) =>
        assert.rejects(bench.facet('groups').describe(bench.name(), bench.signal), NotFoundError),
    },
    {
      name: 'the positions of a group are what it settled, next to read, between start and end',
      needs: [has('positions'), standsGroups],
      run: async (bench) => {
        const { channel, group, next } = await settledFour(bench);
        await eventually(async () => {
          const found = await bench.facet('positions').read(group, bench.signal);
          assert.deepEqual(
            found.map(({ channel, committed }) => ({ channel, committed })),
            [{ channel, committed: next }],
          );
          assert.ok(found[0]?.start !== null && found[0]?.end !== null);
        });
      },
    },
    {
      name: 'the positions of a group that is not there are not found',
      needs: [has('positions')],
      run: (bench) =>
        assert.rejects(bench.facet('positions').read(bench.name(), bench.signal), NotFoundError),
    },
  ],
};

function read(
  bench: Workbench,
  request: { readonly groups: readonly string[] | null; readonly channels: readonly string[] | null },
): Promise<readonly GroupBacklog[]> {
  return bench.facet('backlog').read(request, bench.signal);
}

function waiting({ group, channel, partitions }: GroupBacklog) {
  return { group, channel, waiting: partitions.reduce((sum, one) => sum + (one.waiting ?? NaN), 0) };
}

/** Ten messages, the first four settled, by a group where there are groups. `next` is the offset of the fifth. */
async function settledFour(
  bench: Workbench,
): Promise<{ channel: string; group: string; next: string | null }> {
  // A whole second: some systems keep the time no finer.
  const timestamp = bench.traits('publish').timestamp ? Math.floor(Date.now() / 1_000) * 1_000 : null;
  const channel = await bench.filled(numbered(10).map((one) => ({ ...one, timestamp })));
  const group = bench.name('group');
  const { readers } = bench.column.channel;
  if (readers !== undefined) {
    await readers.stand(channel, group, 4);
    return { channel, group, next: (await bench.read(channel))[4]?.offset ?? null };
  }
  const grouped = bench.traits('claim').group !== 'none';
  const taking = await bench.claiming(channel, { group: grouped ? group : null });
  const taken = await taking.take(5);
  await taking.settle(taken.slice(0, 4));
  await taking.close();
  return { channel, group, next: taken[4]?.message.offset ?? null };
}
