/** The disk of the journal is full in the middle of a redrive, at a real server. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import test from 'node:test';
import { prepareRedrive } from '../../src/lib/dlq/prepare-redrive.ts';
import type { Prepared } from '../../src/lib/dlq/prepared.ts';
import { runRedrive, type RedriveResult } from '../../src/lib/dlq/redrive.ts';
import { reopenRedrive } from '../../src/lib/dlq/reopen-redrive.ts';
import { FailedError } from '../../src/lib/errors.ts';
import { JobStore } from '../../src/lib/store/jobs.ts';
import type { SystemUnderTest } from '../contract/suite/system-under-test.ts';
import { diskThatFills } from './disk-that-fills.ts';
import { assertNothingLost, everything, fill, possiblyTwice } from './redrive-kill.ts';
import { redrivePlace } from './redrive-place.ts';
import { allOf, atFullSpeed } from './redrive-requests.ts';

const count = 100;
const { signal } = new AbortController();

export interface FullDiskSystem {
  readonly system: SystemUnderTest;
  /** Of the channels; null: the system's own. */
  readonly type: string | null;
  /** Of the dead letters: each run that breaks off costs what is held a delivery. */
  readonly settings: Readonly<Record<string, string>>;
  /** Whether none may be there twice. */
  readonly exactlyOnce: boolean;
}

export function fullDiskCases({ system, type, settings, exactlyOnce }: FullDiskSystem): void {
  for (const appends of [0, 1, 2, 5, 8])
    test(
      `the disk of the journal is full after ${appends.toString()} writes: nothing is lost, and a resume moves the rest`,
      { skip: system.missing },
      async (context) => {
        const name = randomUUID();
        const [to, channel] = [`orders-${name}`, `orders-${name}.dlq`];
        const { driver, stateFolder } = await redrivePlace(context, system, [to, channel]);
        const create = (each: string, its: Readonly<Record<string, string>>) =>
          driver.admin?.create(
            { channel: each, type, partitions: null, settings: its, deadLetter: null },
            signal,
          );
        await create(to, {});
        await create(channel, settings);
        await fill(driver, channel, count);
        const source = { driver, declaration: system.declaration };
        const jobs = new JobStore(stateFolder);
        const run = (prepared: Prepared): Promise<RedriveResult> =>
          runRedrive(source, jobs, prepared, atFullSpeed(10), signal);
        const prepared = await prepareRedrive(source, jobs, allOf(channel, to), signal);
        const makeRoom = await diskThatFills(context, stateFolder, appends);
        const brokenOff: unknown = await run(prepared).then(
          ({ error }) => error,
          (error: unknown) => error,
        );
        makeRoom();
        assert.ok(brokenOff instanceof FailedError, String(brokenOff));
        assert.match(brokenOff.hint ?? '', /make room/);

        const { report, error } = await run(await reopenRedrive(source, jobs, 'last', channel));
        assert.equal(error, null);
        assert.equal(report.state, 'done');
        const arrived = await everything(driver, to);
        assertNothingLost(arrived, count, { report, kills: 1, duplicates: await possiblyTwice(report) });
        if (exactlyOnce) assert.equal(arrived.length, count);
      },
    );
}
