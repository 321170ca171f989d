/** Creating, deleting and purging. */
import assert from 'node:assert/strict';
import { MqctlError, NotFoundError, UsageError } from '../../../../src/lib/errors.ts';
import type { Section } from '../contract-case.ts';
import { has } from '../contract-case.ts';
import { numbered } from '../messages.ts';
import { eventually } from '../workbench.ts';

const alterable = has('admin', 'changing settings', ({ unalterable }) => unalterable === null);

export const admin: Section = {
  title: 'admin',
  cases: [
    {
      name: 'a channel that is there already is said to exist, and keeps what it holds',
      needs: [has('admin'), has('look')],
      run: async (bench) => {
        const channel = await bench.filled(numbered(2));
        await assert.rejects(bench.channel({ channel }), (error: unknown) => {
          assert.ok(error instanceof MqctlError && error.code === 'EXISTS', String(error));
          return true;
        });
        assert.equal((await bench.read(channel)).length, 2);
      },
    },
    {
      name: 'an unknown type and an unknown setting are wrong usage, and make nothing',
      needs: [has('admin')],
      run: async (bench) => {
        const channel = bench.name();
        await assert.rejects(bench.channel({ channel, type: 'no-such-type' }), UsageError);
        await assert.rejects(bench.channel({ channel, settings: { 'no.such.setting': '1' } }), UsageError);
        await assert.rejects(bench.driver.describe(channel, bench.signal), NotFoundError);
      },
    },
    {
      name: 'as many partitions are made as were asked for',
      needs: [has('admin', 'partitions', ({ partitions }) => partitions)],
      run: async (bench) => {
        const channel = await bench.channel({ partitions: 5 });
        const described = await bench.driver.describe(channel, bench.signal);
        assert.equal(described.partitions, 5);
        assert.equal(new Set(described.partitionList.map(({ partition }) => partition)).size, 5);
      },
    },
    {
      name: 'a channel can be used as soon as it was created, and is gone as soon as it was deleted',
      needs: [has('admin'), has('publish')],
      run: async (bench) => {
        const channel = await bench.filled(numbered(1));
        await bench.facet('admin').delete(channel, bench.signal);
        await eventually(() => assert.rejects(bench.driver.describe(channel, bench.signal), NotFoundError));
        await eventually(() =>
          assert.rejects(bench.facet('admin').delete(channel, bench.signal), NotFoundError),
        );
      },
    },
    {
      name: 'purging removes what waits, says how many where that is known, and keeps the channel',
      needs: [has('admin', 'purging', ({ purge }) => purge), has('look')],
      run: async (bench) => {
        const channel = await bench.filled(numbered(7));
        const removed = await bench.facet('admin').purge(channel, bench.signal);
        assert.ok(removed === null || removed === 7, String(removed));
        assert.deepEqual(await bench.read(channel), []);
        await bench.publish(channel, numbered(1, 'after'));
        assert.equal((await bench.read(channel)).length, 1);
      },
    },
    {
      name: 'a setting is changed, changed again, and taken away as if it was never set',
      needs: [alterable],
      run: async (bench) => {
        const { name, value, other } = bench.column.channel.setting;
        const admin = bench.facet('admin');
        const channel = await bench.channel();
        const settings = () => admin.settings(channel, [name], bench.signal);
        const change = (to: string | null) =>
          admin.alter({ channel, changes: [{ name, value: to }], checkOnly: false }, bench.signal);
        const before = await settings();
        assert.deepEqual(
          before.map(({ own, fixed }) => ({ own, fixed })),
          [{ own: null, fixed: null }],
        );
        for (const to of [value, other]) {
          await change(to);
          const [now] = await settings();
          assert.deepEqual([now?.own, now?.effective], [to, to]);
        }
        await change(null);
        assert.deepEqual(await settings(), before);
      },
    },
    {
      name: 'only checking a setting changes nothing',
      needs: [alterable],
      run: async (bench) => {
        const { name, value, wrong } = bench.column.channel.setting;
        const admin = bench.facet('admin');
        const channel = await bench.channel();
        const before = await admin.settings(channel, [name], bench.signal);
        const check = (to: string) =>
          admin.alter({ channel, changes: [{ name, value: to }], checkOnly: true }, bench.signal);
        await check(value);
        await assert.rejects(check(wrong), UsageError);
        assert.deepEqual(await admin.settings(channel, [name], bench.signal), before);
      },
    },
    {
      name: 'a wrong value, an unknown setting and an unknown channel are named, and nothing is changed',
      needs: [alterable],
      run: async (bench) => {
        const { name, value, wrong } = bench.column.channel.setting;
        const admin = bench.facet('admin');
        const channel = await bench.channel();
        const before = await admin.settings(channel, [name], bench.signal);
        const alter = (of: string, changes: readonly { name: string; value: string | null }[]) =>
          admin.alter({ channel: of, changes, checkOnly: false }, bench.signal);
        await assert.rejects(alter(channel, [{ name, value: wrong }]), UsageError);
        const both = [
          { name, value },
          { name: 'no.such.setting', value: '1' },
        ];
        await assert.rejects(alter(channel, both), UsageError);
        await assert.rejects(admin.settings(channel, ['no.such.setting'], bench.signal), UsageError);
        await assert.rejects(alter(bench.name(), [{ name, value }]), NotFoundError);
        assert.deepEqual(await admin.settings(channel, [name], bench.signal), before);
      },
    },
    {
      name: 'cutting a channel off removes what lies up to the offset of each partition, and nothing behind it',
      needs: [has('admin', 'cutting off', ({ purgeThrough }) => purgeThrough), has('look')],
      run: async (bench) => {
        const channel = await bench.filled(numbered(6));
        const before = await bench.read(channel);
        const last = before[3];
        assert.ok(last !== undefined && last.partition !== null && last.offset !== null);
        const through = new Map([[last.partition, last.offset]]);
        const behind = before.filter(
          ({ partition, offset }, at) => partition !== last.partition || (offset !== last.offset && at > 3),
        );
        const removed = await bench.facet('admin').purgeThrough?.(channel, through, bench.signal);
        assert.ok(removed === null || removed === before.length - behind.length, String(removed));
        const left = await bench.read(channel);
        assert.deepEqual(
          left.map(({ offset }) => offset),
          behind.map(({ offset }) => offset),
        );
        // Once more removes nothing more.
        await bench.facet('admin').purgeThrough?.(channel, through, bench.signal);
        assert.equal((await bench.read(channel)).length, behind.length);
      },
    },
  ],
};
