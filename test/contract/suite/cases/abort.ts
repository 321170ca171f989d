/** Aborting: each method ends soon, whatever it was doing. What is left open is found by the workbench. */
import assert from 'node:assert/strict';
import type { Section } from '../contract-case.ts';
import { has, hasNetwork } from '../contract-case.ts';
import { drain } from '../drain.ts';
import { numbered } from '../messages.ts';
import type { Workbench } from '../workbench.ts';

type Method = readonly [name: string, call: (signal: AbortSignal) => Promise<unknown> | undefined];

export const abort: Section = {
  title: 'abort',
  cases: [
    {
      name: 'every method ends when it is aborted in the middle, and the driver still works',
      needs: [has('publish'), has('look'), has('admin')],
      run: async (bench) => {
        const channel = await bench.filled(numbered(50));
        for (const [, call] of methods(bench, channel))
          for (const afterMs of [0, 5]) {
            const stop = new AbortController();
            const ended = call(stop.signal)?.catch(() => undefined);
            setTimeout(() => stop.abort(), afterMs);
            await ended;
          }
        await bench.publish(channel, numbered(1, 'after'));
      },
    },
    {
      name: 'every method that is begun after an abort ends without waiting',
      needs: [has('publish'), has('look'), has('admin')],
      run: async (bench) => {
        const channel = await bench.filled(numbered(1));
        for (const [, call] of methods(bench, channel))
          await call(AbortSignal.abort())?.catch(() => undefined);
        await bench.publish(channel, numbered(1, 'after'));
      },
    },
    {
      name: 'a method whose answer never comes ends when it is aborted',
      needs: [has('publish'), has('look'), has('admin'), hasNetwork],
      run: async (bench) => {
        const channel = await bench.filled(numbered(5));
        const { driver, proxy } = await bench.openThroughProxy();
        await driver.describe(channel, bench.signal);
        proxy.silence();
        const stop = new AbortController();
        const waiting = driver.describe(channel, stop.signal);
        setTimeout(() => stop.abort(), 100);
        await assert.rejects(waiting);
      },
    },
    {
      name: 'a method whose answer never comes ends within the time-out',
      needs: [has('publish'), has('look'), has('admin'), hasNetwork],
      run: async (bench) => {
        const channel = await bench.filled(numbered(5));
        const { driver, proxy } = await bench.openThroughProxy();
        await driver.describe(channel, bench.signal);
        proxy.silence();
        await assert.rejects(driver.describe(channel, bench.signal));
      },
    },
  ],
};

function methods({ driver }: Workbench, channel: string): Method[] {
  return [
    ['describe', (signal) => driver.describe(channel, signal)],
    ['channels', (signal) => drain(driver.channels({ match: null, internal: true }, signal))],
    [
      'look',
      (signal) =>
        driver.look
          ?.open(
            {
              channel,
              from: { every: { kind: 'start', shift: 0n } },
              until: null,
              follow: false,
              partitions: null,
              limit: 40,
              uncommitted: false,
            },
            signal,
          )
          .then(({ batches }) => drain(batches)),
    ],
    ['appraise', (signal) => driver.look?.appraise(channel, signal)],
    [
      'publish',
      (signal) =>
        driver.publish
          ?.open({ channel, delivery: 'at-least-once', compression: null }, signal)
          .then((publisher) => publisher.send(numbered(20)).finally(() => publisher.close())),
    ],
    ['limits', (signal) => driver.publish?.limits(channel, signal)],
    [
      'claim',
      (signal) =>
        driver.claim
          ?.open(
            { channel, group: null, from: null, select: null, follow: true, window: 10, leaseMs: null },
            signal,
          )
          .then(async (claiming) => {
            setTimeout(() => void claiming.close().catch(() => undefined), 50);
            await drain(claiming.batches).catch(() => undefined);
            await claiming.close();
          }),
    ],
    ['backlog', (signal) => driver.backlog?.read({ groups: null, channels: [channel] }, signal)],
    ['groups', (signal) => driver.groups?.list({ match: null }, signal)],
    ['pairs', (signal) => driver.deadLetters?.pairs(signal)],
    ['cluster', (signal) => driver.cluster?.status(signal)],
    [
      'lease',
      (signal) =>
        driver.lease
          ?.acquire(channel, { who: 'a', host: 'b', since: 0 }, true, signal)
          .then((held) => held.release()),
    ],
  ];
}
