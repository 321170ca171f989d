/** Replays in worker processes that are killed at drawn positions of their journal, and what must hold afterwards. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import type { Driver } from '../../src/lib/drivers/driver.ts';
import type { ReplayReport } from '../../src/lib/replay/run-replay.ts';
import { system } from '../contract/systems/kafka.ts';
import { Draw, everything, fill, seedOf } from './redrive-kill.ts';
import type { ReplayOrder } from './replay-worker.ts';

/** `MQCTL_TEST_REPLAY=100000:20` is the large one. */
const [count = 20_000, kills = 10] = (process.env['MQCTL_TEST_REPLAY'] ?? '20000:10').split(':').map(Number);
const partitions = 3;
const inFlight = 500;
const { signal } = new AbortController();

interface Place {
  readonly driver: Driver;
  readonly stateFolder: string;
  readonly url: string;
  topic(): Promise<string>;
}

async function place(context: TestContext): Promise<Place> {
  const stateFolder = await mkdtemp(join(tmpdir(), 'mqctl-replay-'));
  const connection = system.connection();
  const driver = await system.open(connection, {
    log: () => undefined,
    timeoutMs: 10_000,
    signal,
    stateFolder,
  });
  const topics: string[] = [];
  context.after(async () => {
    for (const topic of topics) await driver.admin?.delete(topic, signal).catch(() => undefined);
    await driver.close();
    await rm(stateFolder, { recursive: true, force: true });
  });
  const topic = async (): Promise<string> => {
    const channel = `replay-${randomUUID()}`;
    await driver.admin?.create({ channel, type: null, partitions, settings: {}, deadLetter: null }, signal);
    topics.push(channel);
    return channel;
  };
  return { driver, stateFolder, url: connection.url, topic };
}

/** Runs, is killed, resumes, until it has been killed often enough or was faster; then to its end. */
async function replayWithKills(
  context: TestContext,
  order: Omit<ReplayOrder, 'jobId' | 'dieAt'>,
  draw: Draw,
): Promise<{ readonly report: ReplayReport; readonly kills: number }> {
  // Four writes to the journal for each chunk.
  const writes = Math.max(4, Math.ceil(((count / inFlight) * 6) / kills));
  let jobId: string | null = null;
  for (let killed = 0; ; killed += 1) {
    const dieAt: number | null = killed < kills ? draw.upTo(writes) : null;
    const said: Said = await work(context, { ...order, jobId, dieAt });
    jobId = said.job ?? jobId;
    if (said.report !== null) return { report: said.report, kills: killed };
  }
}

interface Said {
  readonly job: string | null;
  /** null where it was killed. */
  readonly report: ReplayReport | null;
}

async function work(context: TestContext, order: ReplayOrder): Promise<Said> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'replay-worker.ts'), JSON.stringify(order)],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  context.after(() => child.kill('SIGKILL'));
  let out = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const { promise, resolve, reject } = Promise.withResolvers<Said>();
  child.on('error', reject);
  child.on('close', (code, killedBy) => {
    if (killedBy !== 'SIGKILL' && code !== 0)
      return reject(new Error(`the worker ended with ${String(code)}: ${errors}`));
    let job: string | null = null;
    let report: ReplayReport | null = null;
    for (const line of out.split('\n')) {
      if (line === '') continue;
      const said: unknown = JSON.parse(line);
      if (typeof said === 'string') job = said;
      else if (isReport(said)) report = said;
    }
    resolve({ job, report });
  });
  return promise;
}

function isReport(said: unknown): said is ReplayReport {
  return typeof said === 'object' && said !== null && 'possibleDuplicateCount' in said;
}

/** `0:17` of every offset that the journal names as published again. */
async function named(journal: string): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for (const line of (await readFile(journal, 'utf8')).split('\n')) {
    const again = / AGAIN (\{.*\})$/.exec(line)?.[1];
    if (again === undefined) continue;
    const places: unknown = JSON.parse(again);
    assert.ok(typeof places === 'object' && places !== null);
    for (const [partition, ranges] of Object.entries(places))
      for (const range of String(ranges).split(',')) {
        const [first = '', last = first] = range.split('-');
        for (let offset = Number(first); offset <= Number(last); offset += 1)
          names.add(`${partition}:${offset.toString()}`);
      }
  }
  return names;
}

test(
  'a replay, killed again and again: complete, in order in each partition, and what may be there twice is named',
  { skip: system.missing },
  async (context) => {
    const there = await place(context);
    const [from, to] = [await there.topic(), await there.topic()];
    await fill(there.driver, from, count);
    const { report, kills: killed } = await replayWithKills(
      context,
      {
        source: { system: 'kafka', url: there.url, channel: from },
        destination: { system: 'kafka', url: there.url, channel: to },
        stateFolder: there.stateFolder,
        inFlight,
        keepPartition: true,
      },
      new Draw(seedOf(context)),
    );
    assert.ok(killed > 0);
    const { selected, published, failed, gone, inDoubt, remaining } = report;
    assert.deepEqual(
      { selected, published, failed, gone, inDoubt, remaining },
      { selected: count, published: count, failed: 0, gone: 0, inDoubt: 0, remaining: 0 },
    );
    const names = await named(report.journal);
    assert.equal(names.size, report.possibleDuplicateCount);
    assert.ok(names.size <= killed * 2 * inFlight);
    const offsetOf = new Map(
      (await everything(there.driver, from)).map(({ value, partition, offset }) => [
        Buffer.from(value ?? []).toString(),
        { partition, offset: Number(offset) },
      ]),
    );
    const seen = new Map<string, number>();
    const last = new Map<string, number>();
    let twice = 0;
    for (const message of await everything(there.driver, to)) {
      const text = Buffer.from(message.value ?? []).toString();
      const original = offsetOf.get(text);
      assert.ok(original !== undefined, text);
      assert.equal(message.partition, original.partition);
      assert.deepEqual(
        message.headers.map(({ name }) => name),
        ['trace'],
      );
      const partition = original.partition ?? '';
      const name = `${partition}:${original.offset.toString()}`;
      const again = seen.has(text);
      seen.set(text, (seen.get(text) ?? 0) + 1);
      if (again) {
        twice += 1;
        assert.ok(names.has(name), `${name} is there twice and was not named`);
        // It begins again where it was in doubt, and goes on in order from there.
        last.set(partition, original.offset);
        continue;
      }
      assert.ok(original.offset > (last.get(partition) ?? -1), `${name} came out of order`);
      last.set(partition, original.offset);
    }
    assert.equal(seen.size, count, 'every message arrived');
    context.diagnostic(
      `${killed.toString()} kills, ${names.size.toString()} named as possibly twice, ${twice.toString()} were`,
    );
  },
);

test('a replay of a topic onto itself ends', { skip: system.missing }, async (context) => {
  const there = await place(context);
  const topic = await there.topic();
  await fill(there.driver, topic, 1_000);
  const end = { system: 'kafka' as const, url: there.url, channel: topic };
  const { report } = await work(context, {
    source: end,
    destination: end,
    stateFolder: there.stateFolder,
    inFlight: 100,
    keepPartition: false,
    jobId: null,
    dieAt: null,
  });
  assert.equal(report?.published, 1_000);
  assert.equal((await everything(there.driver, topic)).length, 2_000);
});
