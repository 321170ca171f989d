/** Where groups stand: putting them elsewhere and back, and deleting them. */
import assert from 'node:assert/strict';
import type { CommittedPosition, PositionChange } from '../../../../src/lib/drivers/driver.ts';
import { MqctlError, NotFoundError } from '../../../../src/lib/errors.ts';
import type { Section } from '../contract-case.ts';
import { has } from '../contract-case.ts';
import { joining, next, standing, standsGroups } from '../standing.ts';
import { end, from, start } from '../workbench.ts';

const deletable = has('groups', 'deleting', ({ undeletable }) => undeletable === null);

const changeOf = (
  { channel, partition, committed, metadata }: CommittedPosition,
  position: string | null = committed,
): PositionChange => ({ channel, partition, position, metadata: position === committed ? metadata : null });

async function assertActive(work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error: unknown) => {
    assert.ok(error instanceof MqctlError && error.code === 'ACTIVE', String(error));
    return true;
  });
}

export const groups: Section = {
  title: 'groups',
  cases: [
    {
      name: 'a deleted group is gone, and the messages stay',
      needs: [deletable, has('positions'), standsGroups, has('look')],
      run: async (bench) => {
        const { channel, group } = await standing(bench, 3, 1);
        await bench.facet('groups').delete(group, bench.signal);
        await assert.rejects(bench.facet('positions').read(group, bench.signal), NotFoundError);
        await assert.rejects(bench.facet('groups').delete(group, bench.signal), NotFoundError);
        assert.equal((await bench.read(channel)).length, 3);
      },
    },
    {
      name: 'a group that has members is not deleted',
      needs: [deletable, has('positions'), standsGroups],
      run: async (bench) => {
        const { channel, group } = await standing(bench, 3, 1);
        const before = await bench.facet('positions').read(group, bench.signal);
        const leave = await joining(bench, channel, group);
        await assertActive(bench.facet('groups').delete(group, bench.signal));
        await leave();
        assert.deepEqual(await bench.facet('positions').read(group, bench.signal), before);
      },
    },
  ],
};

export const positions: Section = {
  title: 'positions',
  cases: [
    {
      name: 'a plan says what would be read again or skipped, and changes nothing',
      needs: [has('positions'), standsGroups],
      run: async (bench) => {
        const { channel, group } = await standing(bench, 10, 4);
        const facet = bench.facet('positions');
        const before = await facet.read(group, bench.signal);
        const back = await facet.plan({ group, targets: [{ channel, to: start }] }, bench.signal);
        assert.equal(back.refusal, null);
        const [again] = back.positions;
        assert.ok(again !== undefined);
        assert.equal(again.effect, 'again');
        assert.equal(again.messages, 4);
        assert.equal(again.before, before[0]?.committed);
        assert.ok(again.firstAt !== null && again.lastAt !== null && again.firstAt <= again.lastAt);
        const ahead = await facet.plan({ group, targets: [{ channel, to: end }] }, bench.signal);
        const [skipped] = ahead.positions;
        assert.equal(skipped?.effect, 'skipped');
        assert.equal(skipped.messages, 6);
        assert.deepEqual(await facet.read(group, bench.signal), before);
      },
    },
    {
      name: 'what lies outside of what is kept is brought into range, and marked with what was asked',
      needs: [
        has('positions', 'shifts from where it stands', ({ kinds }) => kinds.includes('current')),
        standsGroups,
      ],
      run: async (bench) => {
        const { channel, group } = await standing(bench, 5, 2);
        const plan = async (shift: bigint) => {
          const to = from({ kind: 'current', shift });
          const { positions: planned } = await bench
            .facet('positions')
            .plan({ group, targets: [{ channel, to }] }, bench.signal);
          return planned[0];
        };
        const [back, ahead, within] = [await plan(-100n), await plan(100n), await plan(1n)];
        const stands = Number(within?.before);
        assert.deepEqual([back?.after, back?.asked], [back?.start, String(stands - 100)]);
        assert.deepEqual([ahead?.after, ahead?.asked], [ahead?.end, String(stands + 100)]);
        assert.deepEqual([within?.messages, within?.asked], [1, null]);
      },
    },
    {
      name: 'a group that was set reads on from there',
      needs: [has('positions'), standsGroups],
      run: async (bench) => {
        const { channel, group } = await standing(bench, 6, 4);
        const facet = bench.facet('positions');
        const to = from({ kind: 'start', shift: 1n });
        const { positions: planned } = await facet.plan({ group, targets: [{ channel, to }] }, bench.signal);
        const changes = planned.map(({ partition, after }) => ({
          channel,
          partition,
          position: after,
          metadata: null,
        }));
        const outcomes = await facet.set(group, changes, bench.signal);
        assert.deepEqual(outcomes, [{ status: 'set' }]);
        assert.deepEqual(await next(bench, channel, group, 2), ['message-1', 'message-2']);
      },
    },
    {
      name: 'a group that has members is refused, its members are listed, and nothing changes',
      needs: [has('positions'), standsGroups],
      run: async (bench) => {
        const { channel, group } = await standing(bench, 5, 2);
        const facet = bench.facet('positions');
        const leave = await joining(bench, channel, group);
        // What is taken may move it; what is set must not.
        const before = await facet.read(group, bench.signal);
        const plan = await facet.plan({ group, targets: [{ channel, to: start }] }, bench.signal);
        assert.equal(plan.refusal?.code, 'ACTIVE');
        assert.equal(plan.refusal.members.length, 1);
        assert.ok(plan.refusal.members[0]?.id);
        const changes = before.map((position) => changeOf(position, position.start));
        await assertActive(facet.set(group, changes, bench.signal));
        assert.deepEqual(await facet.read(group, bench.signal), before);
        await leave();
      },
    },
    {
      name: 'what was read before it was set, set again, is what it was, as far as declared',
      needs: [has('positions'), standsGroups],
      run: async (bench) => {
        const facet = bench.facet('positions');
        const { channel, group } = await standing(bench, 8, 3);
        if (bench.column.facets.claim?.settle === 'each' && bench.traits('positions').undo !== 'watermark') {
          const taking = await bench.claiming(channel, { group });
          const claimed = await taking.take(3);
          await taking.settle(claimed.filter((_, index) => index !== 1));
          await taking.close();
        }
        const before = await facet.read(group, bench.signal);
        const waiting = await next(bench, channel, group, 2);
        const moved = await facet.set(
          group,
          before.map((position) => changeOf(position, position.end)),
          bench.signal,
        );
        assert.ok(moved.every(({ status }) => status === 'set'));
        assert.equal((await facet.read(group, bench.signal))[0]?.committed, before[0]?.end);
        await facet.set(
          group,
          before.map((position) => changeOf(position)),
          bench.signal,
        );
        assert.deepEqual(await facet.read(group, bench.signal), before);
        assert.deepEqual(await next(bench, channel, group, 2), waiting);
      },
    },
    {
      name: 'a partition in which nothing was committed can be made so again',
      needs: [
        has('positions', 'unsetting', ({ unset }) => unset),
        has('admin', 'partitions', ({ partitions }) => partitions),
        standsGroups,
      ],
      run: async (bench) => {
        const { channel: other, group } = await standing(bench, 3, 1);
        const facet = bench.facet('positions');
        const before = await facet.read(group, bench.signal);
        const channel = await bench.channel({ partitions: 2 });
        const change = { channel, partition: '1', metadata: null };
        await facet.set(group, [{ ...change, position: '0' }], bench.signal);
        const between = await facet.read(group, bench.signal);
        assert.deepEqual(
          between.map((each) => [each.channel === other, each.committed]).sort(),
          [
            [false, null],
            [false, '0'],
            [true, before[0]?.committed],
          ].sort(),
        );
        await facet.set(group, [{ ...change, position: null }], bench.signal);
        assert.deepEqual(await facet.read(group, bench.signal), before);
      },
    },
    {
      name: 'a group, a channel or a partition that is not there is named',
      needs: [has('positions'), standsGroups],
      run: async (bench) => {
        const { channel, group } = await standing(bench, 1, 1);
        const facet = bench.facet('positions');
        const rejects = (plan: Parameters<typeof facet.plan>[0], missing: string) =>
          assert.rejects(facet.plan(plan, bench.signal), (error: unknown) => {
            assert.ok(error instanceof NotFoundError, String(error));
            assert.equal(error.missing, missing);
            return true;
          });
        await rejects({ group: 'no-such-group', targets: [{ channel, to: start }] }, 'no-such-group');
        await rejects({ group, targets: [{ channel: 'no-such-channel', to: start }] }, 'no-such-channel');
        const to = { byPartition: new Map([['77', { kind: 'start', shift: 0n } as const]]) };
        await rejects({ group, targets: [{ channel, to }] }, '77');
      },
    },
  ],
};
