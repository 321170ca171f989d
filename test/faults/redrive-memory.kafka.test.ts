/** What Kafka remembers of dead letters that it cannot delete, and what happens when it forgets. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { prepareRedrive } from '../../src/lib/dlq/prepare-redrive.ts';
import type { Prepared } from '../../src/lib/dlq/prepared.ts';
import { runRedrive } from '../../src/lib/dlq/redrive.ts';
import { adoptPlan, reopenRedrive } from '../../src/lib/dlq/reopen-redrive.ts';
import type { RedriveReport } from '../../src/lib/dlq/report.ts';
import type { DeadLetterSource } from '../../src/lib/dlq/source.ts';
import { declaration } from '../../src/lib/drivers/kafka/declaration.ts';
import type { Driver } from '../../src/lib/drivers/driver.ts';
import { FailedError } from '../../src/lib/errors.ts';
import type { Message } from '../../src/lib/message/message.ts';
import { JobStore } from '../../src/lib/store/jobs.ts';
import { system } from '../contract/systems/kafka.ts';
import { Draw, everything, fill, killedOnce } from './redrive-kill.ts';
import { atFullSpeed } from './redrive-requests.ts';

const { signal } = new AbortController();

class Place {
  readonly driver: Driver;
  readonly source: DeadLetterSource;
  readonly to: string;
  readonly channel: string;
  readonly jobs: JobStore;
  readonly stateFolder: string;

  constructor(driver: Driver, name: string, stateFolder: string) {
    this.driver = driver;
    this.source = { driver, declaration };
    this.to = name;
    this.channel = `${name}.dlq`;
    this.stateFolder = stateFolder;
    this.jobs = new JobStore(stateFolder);
  }

  static async make(context: TestContext, count: number, partitions: number): Promise<Place> {
    const stateFolder = await mkdtemp(join(tmpdir(), 'mqctl-redrive-'));
    const environment = { log: () => undefined, timeoutMs: 10_000, signal, stateFolder };
    const driver = await system.open(system.connection(), environment);
    const place = new Place(driver, `orders-${randomUUID()}`, stateFolder);
    context.after(async () => {
      for (const topic of [place.to, place.channel])
        await driver.admin?.delete(topic, signal).catch(() => undefined);
      await driver.close();
      await rm(stateFolder, { recursive: true, force: true });
    });
    for (const topic of [place.to, place.channel])
      await driver.admin?.create(
        { channel: topic, type: null, partitions, settings: {}, deadLetter: null },
        signal,
      );
    await fill(driver, place.channel, count);
    return place;
  }

  prepare(keep: (message: Message) => boolean, jobs = this.jobs): Promise<Prepared> {
    return prepareRedrive(
      this.source,
      jobs,
      {
        channel: this.channel,
        selection: { keep, ids: null, causes: null, everything: false, limit: null, equalOnesAlike: true },
        to: this.to,
        keepHeaders: 'none',
        maxRedrives: 3,
        context: 'test',
        reason: null,
      },
      signal,
    );
  }

  async run(
    prepared: Prepared,
    jobs = this.jobs,
  ): Promise<{ readonly report: RedriveReport; readonly error: unknown }> {
    return runRedrive(this.source, jobs, prepared, atFullSpeed(1_000), signal);
  }

  async unresolved(): Promise<readonly number[]> {
    const state = await this.driver.deadLetters?.resolved?.(this.channel, signal);
    assert.ok(state);
    const left = (await everything(this.driver, this.channel)).filter(
      (message) => !state.isResolved(message),
    );
    return left.map(numberOf).sort((one, other) => one - other);
  }

  async arrived(): Promise<readonly number[]> {
    return (await everything(this.driver, this.to)).map(numberOf).sort((one, other) => one - other);
  }

  async forget(): Promise<void> {
    await this.driver.groups?.delete(`mqctl-dlq.${this.channel}`, signal);
  }
}

function numberOf({ value }: Message): number {
  return Number(
    Buffer.from(value ?? [])
      .toString()
      .replace('message ', ''),
  );
}

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, number) => number);
const isForgotten = (error: unknown): boolean => error instanceof FailedError && error.code === 'FORGOTTEN';

test(
  'every third, twice, from two state folders in turn: what is unresolved is exactly the rest',
  { skip: system.missing },
  async (context) => {
    const place = await Place.make(context, 900, 3);
    const elsewhere = new JobStore(join(place.stateFolder, 'elsewhere'));
    for (const [remainder, jobs] of [
      [1, place.jobs],
      [2, elsewhere],
    ] as const) {
      const prepared = await place.prepare((message) => numberOf(message) % 3 === remainder, jobs);
      assert.equal(prepared.totals.selected, 300);
      const { report, error } = await place.run(prepared, jobs);
      assert.equal(error, null);
      assert.equal(report.moved, 300);
    }
    const rest = upTo(900).filter((number) => number % 3 === 0);
    assert.deepEqual(await place.unresolved(), rest);
    const last = await place.prepare(() => true);
    assert.equal(last.totals.selected, 300, 'only the rest is selected');
    await place.run(last);
    assert.deepEqual(await place.arrived(), upTo(900));
    assert.deepEqual(await place.unresolved(), []);
  },
);

test(
  'a set that no longer fits what the broker remembers: it is said, nothing is lost, and the front can still be worked on',
  { skip: system.missing },
  async (context) => {
    const count = 27_000;
    const place = await Place.make(context, count, 1);
    // Scattered without a pattern: a bit for each message is the least that can be said.
    const draw = new Draw(1);
    const chosen = upTo(count).map(() => draw.upTo(2) === 1);
    const { report, error } = await place.run(
      await place.prepare((message) => chosen[numberOf(message)] === true),
    );
    assert.ok(error instanceof FailedError && error.code === 'RESOLVED_SET_FULL', String(error));
    assert.match(error.hint ?? '', /front to back/);
    assert.ok(report.moved > 0 && report.remaining > 0);
    assert.equal(report.failed + report.inDoubt, 0);
    const arrived = await place.arrived();
    assert.equal(arrived.length, report.moved, 'each once');
    const moved = new Set(arrived);
    assert.deepEqual(
      await place.unresolved(),
      upTo(count).filter((number) => !moved.has(number)),
    );
    // Front to back there is nothing to remember but how far it went.
    const { report: all } = await place.run(await place.prepare(() => true));
    assert.equal(all.moved, count - arrived.length);
    assert.deepEqual(await place.arrived(), upTo(count));
  },
);

test(
  'killed, then the record is deleted: a new redrive, a plan and going on are all refused as forgotten, and nothing is sent twice',
  { skip: system.missing },
  async (context) => {
    const count = 1_000;
    const place = await Place.make(context, count, 3);
    const plan = (await place.prepare(() => true)).planPath;
    const job = await killedOnce(
      context,
      {
        system: 'kafka',
        connection: system.connection(),
        stateFolder: place.stateFolder,
        channel: place.channel,
        to: place.to,
        inTwoSteps: false,
        inFlight: 100,
      },
      // After the third batch was moved, and before that was noted.
      19,
    );
    await place.forget();
    const before = await place.arrived();
    assert.ok(before.length > 0 && before.length < count);
    await assert.rejects(
      place.prepare(() => true),
      isForgotten,
    );
    await assert.rejects(reopenRedrive(place.source, place.jobs, job, place.channel), isForgotten);
    const request = { channel: place.channel, context: 'test', reason: null };
    await assert.rejects(adoptPlan(place.source, place.jobs, plan, request, signal), isForgotten);
    assert.deepEqual(await place.arrived(), before, 'nothing was sent');

    const choice = { resolvedFrom: join(place.jobs.folderOf(job), 'journal') };
    const prepared = await reopenRedrive(place.source, place.jobs, job, place.channel, choice, signal);
    const { report, error } = await place.run(prepared);
    assert.equal(error, null);
    assert.equal(report.moved, count);
    const arrived = await place.arrived();
    assert.deepEqual([...new Set(arrived)], upTo(count), 'nothing is lost');
    assert.ok(report.possibleDuplicateCount <= 100, 'at most what was in flight');
    assert.ok(arrived.length - count <= report.possibleDuplicateCount, 'each that is there twice is named');
    assert.deepEqual(await place.unresolved(), []);
  },
);
