/** A redrive on a real RabbitMQ, in this process, that something happens to in its middle. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { realClock } from '../../src/lib/dlq/clock.ts';
import type { Clock } from '../../src/lib/dlq/clock.ts';
import { prepareRedrive } from '../../src/lib/dlq/prepare-redrive.ts';
import type { Prepared } from '../../src/lib/dlq/prepared.ts';
import { type RedriveResult, runRedrive } from '../../src/lib/dlq/redrive.ts';
import { reopenRedrive } from '../../src/lib/dlq/reopen-redrive.ts';
import type { RunOptions } from '../../src/lib/dlq/run-options.ts';
import type { RedriveReport } from '../../src/lib/dlq/report.ts';
import type { DeadLetterSource } from '../../src/lib/dlq/source.ts';
import type { Connection, Driver } from '../../src/lib/drivers/driver.ts';
import { declaration } from '../../src/lib/drivers/rabbitmq/declaration.ts';
import { open } from '../../src/lib/drivers/rabbitmq/index.ts';
import type { Message } from '../../src/lib/message/message.ts';
import { JobStore } from '../../src/lib/store/jobs.ts';
import { eventually } from '../contract/rabbitmq/rabbitmq-server.ts';
import { everything, fill, isLine } from './redrive-kill.ts';

/** Pauses of the engine pass fast; what the server does keeps its time. */
export const quickClock: Clock = {
  now: () => realClock.now() * 50,
  sleep: (milliseconds, signal) => realClock.sleep(milliseconds / 50, signal),
  random: () => realClock.random(),
};

const { signal } = new AbortController();

export class RabbitmqRedrive {
  readonly queue: string;
  readonly to: string;
  readonly notes: string[] = [];
  readonly driver: Driver;
  readonly #jobs: JobStore;
  readonly #connection: Connection;
  readonly #stateFolder: string;

  private constructor(driver: Driver, connection: Connection, stateFolder: string) {
    const name = randomUUID();
    this.to = `orders-${name}`;
    this.queue = `orders-${name}.dlq`;
    this.driver = driver;
    this.#connection = connection;
    this.#stateFolder = stateFolder;
    this.#jobs = new JobStore(stateFolder);
  }

  /** With an empty destination, and a queue of dead letters to which `settings` apply. */
  static async begin(
    context: TestContext,
    connection: Connection,
    settings: {
      readonly queue?: Readonly<Record<string, string>>;
      readonly to?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<RabbitmqRedrive> {
    const stateFolder = await mkdtemp(join(tmpdir(), 'mqctl-redrive-'));
    const driver = await openAt(connection, stateFolder);
    const redrive = new RabbitmqRedrive(driver, connection, stateFolder);
    context.after(async () => {
      for (const queue of [redrive.to, redrive.queue])
        await driver.admin?.delete(queue, signal).catch(() => undefined);
      await driver.close();
      await rm(stateFolder, { recursive: true, force: true });
    });
    await redrive.create(redrive.to, settings.to ?? {});
    await redrive.create(redrive.queue, settings.queue ?? {});
    return redrive;
  }

  async create(channel: string, settings: Readonly<Record<string, string>>): Promise<void> {
    await this.driver.admin?.create(
      { channel, type: 'quorum', partitions: null, settings, deadLetter: null },
      signal,
    );
  }

  async fill(count: number): Promise<void> {
    await fill(this.driver, this.queue, count);
  }

  /** Holds the first ones until its connection ends, as a client that dies does: a delivery of each. */
  async holdAndLeave(count: number): Promise<void> {
    const before = await this.#waiting();
    const driver = await openAt(this.#connection, this.#stateFolder);
    try {
      const claiming = await driver.claim?.open(
        {
          channel: this.queue,
          group: null,
          from: null,
          select: null,
          follow: false,
          window: count,
          leaseMs: null,
        },
        signal,
      );
      let held = 0;
      for await (const batch of claiming?.batches ?? []) {
        if (batch.kind === 'claimed') held += batch.items.length;
        if (held >= count) break;
      }
    } finally {
      await driver.close();
    }
    await eventually(
      () => this.#waiting(),
      (waiting) => waiting === before,
    );
  }

  async #waiting(): Promise<number> {
    return (await this.driver.look?.appraise(this.queue, signal))?.waiting ?? 0;
  }

  /** Takes everything out. */
  take(channel: string): Promise<readonly Message[]> {
    return everything(this.driver, channel);
  }

  async prepare(keep: ((message: Message) => boolean) | null = null, to = this.to): Promise<Prepared> {
    return prepareRedrive(
      this.#source(this.driver),
      this.#jobs,
      {
        channel: this.queue,
        selection: {
          keep: keep ?? (() => true),
          ids: null,
          causes: null,
          everything: keep === null,
          limit: null,
          equalOnesAlike: true,
        },
        to,
        keepHeaders: 'none',
        maxRedrives: 3,
        treatAsNew: false,
        context: 'test',
        reason: null,
      },
      signal,
    );
  }

  /** With a driver of its own, `through` another address where one is given. */
  async run(
    prepared: Prepared,
    change: Partial<RunOptions> = {},
    through: Connection = this.#connection,
  ): Promise<RedriveResult> {
    const driver = await openAt(through, this.#stateFolder);
    try {
      const options = {
        ratePerSecond: null,
        inFlight: 100,
        canary: false,
        // What comes back is not looked for meanwhile.
        canaryWaitMs: 1_000_000_000,
        takeOver: true,
        clock: realClock,
        onProgress: () => undefined,
        onNote: (text: string) => this.notes.push(text),
        ...change,
      };
      return await runRedrive(this.#source(driver), this.#jobs, prepared, options, signal);
    } finally {
      await driver.close();
    }
  }

  reopen(): Promise<Prepared> {
    return reopenRedrive(this.#source(this.driver), this.#jobs, 'last', this.queue);
  }

  #source(driver: Driver): DeadLetterSource {
    return { driver, declaration };
  }
}

function openAt(connection: Connection, stateFolder: string): Promise<Driver> {
  return open(connection, { log: () => undefined, timeoutMs: 10_000, signal, stateFolder });
}

/** Of messages that the report names as possibly there twice. */
export async function duplicatesOf(report: RedriveReport): Promise<readonly number[]> {
  const lines = (await readFile(report.reportFile, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.flatMap((line) => {
    const said: unknown = JSON.parse(line);
    return isLine(said) && said.possibleDuplicate ? [said.ordinal] : [];
  });
}

/** Nothing is lost, and nothing is in both places but what is not yet settled. */
export function assertNothingLost(
  { moved, unsettled, failed, remaining, selected }: RedriveReport,
  arrived: readonly Message[],
  left: readonly Message[],
  count: number,
): void {
  const texts = (messages: readonly Message[]): Set<string> =>
    new Set(messages.map(({ value }) => Buffer.from(value ?? []).toString()));
  const [there, here] = [texts(arrived), texts(left)];
  assert.equal(there.union(here).size, count, 'every message is somewhere');
  assert.equal(arrived.length, there.size, 'none arrived twice');
  assert.equal(there.size, moved);
  assert.ok(there.intersection(here).size <= unsettled);
  assert.equal(moved + failed + remaining, selected);
}
