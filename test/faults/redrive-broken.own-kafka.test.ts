/** A Kafka that dies, a network that breaks and a broker that forgets early, in the middle of a redrive. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { realClock } from '../../src/lib/dlq/clock.ts';
import { prepareRedrive } from '../../src/lib/dlq/prepare-redrive.ts';
import type { Prepared } from '../../src/lib/dlq/prepared.ts';
import { runRedrive } from '../../src/lib/dlq/redrive.ts';
import { reopenRedrive } from '../../src/lib/dlq/reopen-redrive.ts';
import type { RedriveReport } from '../../src/lib/dlq/report.ts';
import { declaration } from '../../src/lib/drivers/kafka/declaration.ts';
import { open } from '../../src/lib/drivers/kafka/index.ts';
import { offsetCommit } from '../../src/lib/drivers/kafka/protocol/groups/offset-commit.ts';
import type { Connection, Driver } from '../../src/lib/drivers/driver.ts';
import type { Message } from '../../src/lib/message/message.ts';
import { JobStore } from '../../src/lib/store/jobs.ts';
import { startCuttingProxy } from '../brokers/cutting-proxy.ts';
import { startKafka } from '../brokers/kafka.ts';
import type { RunningBroker } from '../brokers/running-broker.ts';
import { countingSession, plainConnection } from '../contract/kafka/kafka-session.ts';
import { eventually } from '../contract/suite/workbench.ts';
import { Draw, everything, fill, seedOf } from './redrive-kill.ts';

const { signal } = new AbortController();
const count = 2_000;
const points = 5;

describe('a redrive on a Kafka that breaks', () => {
  let broker: RunningBroker;
  /** Forgets what a group without members committed after a minute: longer than a redrive between two crashes may take. */
  let forgetful: RunningBroker;
  let stateFolder: string;
  let jobs: JobStore;

  before(async () => {
    broker = await startKafka({ settings: {} });
    forgetful = await startKafka({
      settings: { 'offsets.retention.minutes': '1', 'offsets.retention.check.interval.ms': '1000' },
    });
    stateFolder = await mkdtemp(join(tmpdir(), 'mqctl-redrive-'));
    jobs = new JobStore(stateFolder);
  });

  after(async () => {
    await broker.stop();
    await forgetful.stop();
    await rm(stateFolder, { recursive: true, force: true });
  });

  const connect = (connection: Connection): Promise<Driver> =>
    open(connection, { log: () => undefined, timeoutMs: 10_000, signal, stateFolder });

  async function filled(driver: Driver, name: string, messages: number): Promise<void> {
    for (const channel of [name, `${name}.dlq`])
      await driver.admin?.create(
        { channel, type: null, partitions: 3, settings: {}, deadLetter: null },
        signal,
      );
    await fill(driver, `${name}.dlq`, messages);
  }

  function prepare(
    driver: Driver,
    name: string,
    keep: (message: Message) => boolean = () => true,
  ): Promise<Prepared> {
    return prepareRedrive(
      { driver, declaration },
      jobs,
      {
        channel: `${name}.dlq`,
        selection: { keep, ids: null, causes: null, everything: false, limit: null, equalOnesAlike: true },
        to: name,
        keepHeaders: 'none',
        maxRedrives: 3,
        context: 'test',
        reason: null,
      },
      signal,
    );
  }

  async function run(
    driver: Driver,
    prepared: Prepared,
    onProgress: (moved: number) => void = () => undefined,
  ): Promise<RedriveReport> {
    const { report } = await runRedrive(
      { driver, declaration },
      jobs,
      prepared,
      {
        ratePerSecond: null,
        inFlight: 100,
        canary: false,
        canaryWaitMs: null,
        takeOver: true,
        clock: realClock,
        onProgress,
        onNote: () => undefined,
      },
      signal,
    );
    return report;
  }

  /** Breaks at each of the points that are drawn, mends it, and goes on until everything is moved. */
  async function moveWhileBreaking(
    driver: Driver,
    name: string,
    draw: Draw,
    breakIt: () => Promise<void>,
    mend: () => Promise<void>,
  ): Promise<RedriveReport> {
    const at = Array.from({ length: points }, () => draw.upTo(count / 100 - 1)).sort(
      (one, other) => one - other,
    );
    let batches = 0;
    let mending = Promise.resolve();
    const onProgress = (): void => {
      batches += 1;
      if (batches < (at[0] ?? Infinity)) return;
      at.shift();
      mending = mending.then(breakIt).then(mend);
    };
    const { job } = await prepare(driver, name);
    for (let attempt = 0; attempt <= 2 * points; attempt += 1) {
      let prepared: Prepared | null = null;
      await eventually(async () => {
        prepared = await reopenRedrive({ driver, declaration }, jobs, job.id, `${name}.dlq`);
      }, 60_000);
      assert.ok(prepared !== null);
      const report = await run(driver, prepared, onProgress).catch(() => null);
      await mending;
      if (report?.state === 'done' && at.length === 0) return report;
    }
    return assert.fail('it never came to its end');
  }

  async function assertEachOnce(driver: Driver, name: string, report: RedriveReport): Promise<void> {
    assert.deepEqual([report.failed, report.drifted], [0, 0], JSON.stringify(report.failures[0]));
    let arrived: number[] = [];
    // A commit is answered before its markers are written: until then a reader of committed records does not get that far.
    await eventually(async () => {
      arrived = (await everything(driver, name)).map(numberOf);
      assert.equal(new Set(arrived).size, count, 'nothing is lost');
    }, 60_000);
    assert.equal(arrived.length, count, 'a reader of committed records sees each once');
    assert.deepEqual([report.moved, report.possibleDuplicateCount], [count, 0]);
  }

  test('the broker is killed and restarted, the connection is cut: each once; and what was resolved outlives the offsets retention', async (context) => {
    const driver = await connect(plainConnection(broker.address));
    context.after(() => driver.close());
    const draw = new Draw(seedOf(context));

    // First what has to be remembered, beside something that the broker is free to forget.
    const remembering = await connect(plainConnection(forgetful.address));
    context.after(() => remembering.close());
    await filled(remembering, 'kept', 300);
    const third = await prepare(remembering, 'kept', (message) => numberOf(message) % 3 === 1);
    assert.equal((await run(remembering, third)).moved, 100);
    await commitOf('forgotten', 'kept');
    const committedAt = performance.now();

    await filled(driver, 'killed', count);
    const killed = await moveWhileBreaking(
      driver,
      'killed',
      draw,
      () => broker.kill(),
      () => broker.restart(),
    );
    await assertEachOnce(driver, 'killed', killed);

    const [host = '', port = ''] = broker.address.split(':');
    const proxy = await startCuttingProxy({ host, port: Number(port) });
    context.after(() => proxy.close());
    const through = await connect({
      ...plainConnection(`127.0.0.1:${proxy.port.toString()}`),
      addressMap: new Map([[broker.address, `127.0.0.1:${proxy.port.toString()}`]]),
    });
    context.after(() => through.close());
    await filled(driver, 'cut', count);
    const cut = await moveWhileBreaking(
      through,
      'cut',
      draw,
      async () => proxy.cut(),
      async () => {
        await sleep(500);
        proxy.heal();
      },
    );
    await assertEachOnce(driver, 'cut', cut);

    // The control: an ordinary commit of a group without members is gone after the broker's minute.
    await eventually(async () => assert.equal(await committedBy('forgotten'), 0), 150_000);
    context.diagnostic(
      `forgotten after ${Math.round((performance.now() - committedAt) / 1_000).toString()} s`,
    );
    const state = await remembering.deadLetters?.resolved?.('kept.dlq', signal);
    assert.equal(state?.memory, 'kept');
    assert.equal(state.unresolved, 200);
    const left = (await everything(remembering, 'kept.dlq')).filter((message) => !state.isResolved(message));
    assert.ok(left.every((message) => numberOf(message) % 3 !== 1));
  });

  async function commitOf(group: string, topic: string): Promise<void> {
    const { session } = await countingSession(plainConnection(forgetful.address));
    const partitions = [{ partition: 0, offset: 1n, metadata: null }];
    const [answer] = await session.sendToCoordinator(
      'group',
      group,
      offsetCommit,
      { group, member: null, retentionMs: -1, topics: [{ topic, partitions }] },
      { signal },
    );
    await session.close();
    assert.equal(answer?.errorCode, 0);
  }

  async function committedBy(group: string): Promise<number> {
    const driver = await connect(plainConnection(forgetful.address));
    try {
      const positions = (await driver.positions?.read(group, signal).catch(() => [])) ?? [];
      return positions.filter(({ committed }) => committed !== null).length;
    } finally {
      await driver.close();
    }
  }
});

function numberOf({ value }: Message): number {
  return Number(
    Buffer.from(value ?? [])
      .toString()
      .replace('message ', ''),
  );
}
