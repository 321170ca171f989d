/** A redrive of Redis in this process, so that servers can be killed at a moment of it. */
import assert from 'node:assert/strict';
import { realClock } from '../../src/lib/dlq/clock.ts';
import { prepareRedrive } from '../../src/lib/dlq/prepare-redrive.ts';
import { runRedrive } from '../../src/lib/dlq/redrive.ts';
import { reopenRedrive } from '../../src/lib/dlq/reopen-redrive.ts';
import type { RedriveReport } from '../../src/lib/dlq/report.ts';
import type { Driver, Outcome } from '../../src/lib/drivers/driver.ts';
import { declaration } from '../../src/lib/drivers/redis/declaration.ts';
import type { Message } from '../../src/lib/message/message.ts';
import { JobStore } from '../../src/lib/store/jobs.ts';
import { message } from '../contract/suite/messages.ts';
import { allOf } from './redrive-requests.ts';

const { signal } = new AbortController();

export interface Ground {
  readonly driver: Driver;
  readonly stateFolder: string;
}

export const textOf = ({ value }: Message): string => Buffer.from(value ?? []).toString();
export const expected = (count: number): string[] => Array.from({ length: count }, (_, at) => String(at));

/** Messages whose values are numbers, from `from` on. */
export async function produce(
  { driver }: Ground,
  channel: string,
  from: number,
  count: number,
): Promise<void> {
  const publisher = await driver.publish?.open(
    { channel, delivery: 'at-least-once', compression: null },
    signal,
  );
  const outcomes: readonly Outcome[] =
    (await publisher?.send(Array.from({ length: count }, (_, at) => message(String(from + at))))) ?? [];
  await publisher?.close();
  assert.deepEqual(
    outcomes.filter(({ status }) => status !== 'accepted'),
    [],
  );
}

export interface Ended {
  readonly job: string;
  readonly report: RedriveReport;
  readonly error: unknown;
}

/** All of a channel, or what is left of that job; without pauses, unless `ratePerSecond` says how many. */
export async function redrive(
  { driver, stateFolder }: Ground,
  channel: string,
  to: string,
  jobId: string | null,
  onProgress: () => void = () => undefined,
  ratePerSecond: number | null = null,
): Promise<Ended> {
  const jobs = new JobStore(stateFolder);
  const source = { driver, declaration };
  const prepared =
    jobId !== null
      ? await reopenRedrive(source, jobs, jobId, channel)
      : await prepareRedrive(source, jobs, allOf(channel, to), signal);
  const { report, error } = await runRedrive(
    source,
    jobs,
    prepared,
    {
      ratePerSecond,
      inFlight: 20,
      leaseMs: null,
      canary: false,
      canaryWaitMs: null,
      takeOver: true,
      clock: realClock,
      onProgress,
      onNote: () => undefined,
    },
    signal,
  );
  return { job: prepared.job.id, report, error };
}
