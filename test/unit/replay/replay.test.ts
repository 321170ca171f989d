import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';

import type { OutgoingMessage } from '../../../src/lib/message/message.ts';
import { UnsupportedError, UsageError } from '../../../src/lib/errors.ts';
import { declaration as kinesis } from '../../../src/lib/drivers/kinesis/declaration.ts';
import { declaration } from '../../../src/lib/drivers/local/declaration.ts';
import { declaration as rabbitmq } from '../../../src/lib/drivers/rabbitmq/declaration.ts';
import { declaration as redis } from '../../../src/lib/drivers/redis/declaration.ts';
import { declaration as sns } from '../../../src/lib/drivers/sns/declaration.ts';
import { declaration as sqs } from '../../../src/lib/drivers/sqs/declaration.ts';
import { open } from '../../../src/lib/drivers/local/index.ts';
import { keepReplay, planReplay, requireHistory } from '../../../src/lib/replay/plan-replay.ts';
import type { ReplayEnd, ReplayRequest } from '../../../src/lib/replay/plan-replay.ts';
import { ReplayJournal } from '../../../src/lib/replay/replay-journal.ts';
import { runReplay } from '../../../src/lib/replay/run-replay.ts';
import type { ReplayReport } from '../../../src/lib/replay/run-replay.ts';
import { FakeClock } from '../dlq/fake-clock.ts';

const { signal } = new AbortController();

interface Bench {
  readonly stateFolder: string;
  end(channel: string, settings?: Readonly<Record<string, string>>, partitions?: number): Promise<ReplayEnd>;
  fill(end: ReplayEnd, messages: readonly Partial<OutgoingMessage>[]): Promise<void>;
  texts(end: ReplayEnd): Promise<string[]>;
}

async function bench(context: TestContext): Promise<Bench> {
  const stateFolder = await mkdtemp(join(tmpdir(), 'mqctl-replay-'));
  const connection = {
    url: `local:${join(stateFolder, 'broker.db')}`,
    username: null,
    password: null,
    tls: null,
    sasl: null,
    managementUrl: null,
    addressMap: new Map<string, string>(),
    settings: {},
  };
  const driver = await open(connection, { log: () => undefined, timeoutMs: 10_000, signal, stateFolder });
  context.after(async () => {
    await driver.close();
    await rm(stateFolder, { recursive: true, force: true });
  });
  return {
    stateFolder,
    end: async (channel, settings = {}, partitions = 1) => {
      await driver.admin?.create({ channel, type: null, partitions, settings, deadLetter: null }, signal);
      return { driver, declaration, channel };
    },
    fill: async ({ channel }, messages) => {
      const publisher = await driver.publish?.open(
        { channel, delivery: 'at-least-once', compression: null },
        signal,
      );
      const empty = { key: null, value: null, headers: [], properties: {}, partition: null, timestamp: null };
      await publisher?.send(messages.map((message) => ({ ...empty, ...message })));
      await publisher?.close();
    },
    texts: async ({ channel }) => {
      const looking = await driver.look?.open(
        {
          channel,
          from: { every: { kind: 'start', shift: 0n } },
          until: null,
          follow: false,
          partitions: null,
          limit: null,
          uncommitted: false,
        },
        signal,
      );
      assert.ok(looking);
      const batches = await Array.fromAsync(looking.batches);
      return batches.flat().map(({ value }) => Buffer.from(value ?? []).toString());
    },
  };
}

const request: ReplayRequest = {
  from: { every: { kind: 'start', shift: 0n } },
  until: null,
  partitions: null,
  filter: null,
  keep: () => true,
  keepPartition: false,
  keepTimestamp: false,
  to: 'copy',
};

const numbered = (count: number): Partial<OutgoingMessage>[] =>
  Array.from({ length: count }, (_, index) => ({ value: Buffer.from(index.toString()) }));

function run(
  { stateFolder }: Bench,
  source: ReplayEnd,
  destination: ReplayEnd,
  job: Parameters<typeof runReplay>[3],
  change: { readonly onProgress?: (count: number) => void; readonly signal?: AbortSignal } = {},
): Promise<ReplayReport> {
  const options = {
    ratePerSecond: null,
    inFlight: 10,
    keep: () => true,
    clock: new FakeClock(),
    onProgress: change.onProgress ?? (() => undefined),
    onNote: () => undefined,
  };
  return runReplay(source, destination, stateFolder, job, options, change.signal ?? signal);
}

function assertAddsUp(report: ReplayReport): void {
  const { selected, published, failed, gone, inDoubt, remaining } = report;
  assert.equal(published + failed + gone + inDoubt + remaining, selected);
}

const record = { context: 'test', reason: null };

test('of the partitions that are named, and of no other, messages are published again', async (context) => {
  const there = await bench(context);
  const [source, destination] = [await there.end('orders', {}, 3), await there.end('copy')];
  const placed = ['a', 'b', 'c'].map((text, at) => ({ value: Buffer.from(text), partition: at.toString() }));
  await there.fill(source, placed);
  const prepared = await planReplay(source, destination, { ...request, partitions: ['0', '2'] }, signal);
  assert.deepEqual(
    prepared.head.ranges.map(({ partition }) => partition),
    ['0', '2'],
  );
  const report = await run(there, source, destination, await keepReplay(there.stateFolder, prepared, record));
  assertAddsUp(report);
  assert.deepEqual((await there.texts(destination)).sort(), ['a', 'c']);
});

test('an interrupted replay finishes what is in flight, and goes on where it was', async (context) => {
  const there = await bench(context);
  const [source, destination] = [await there.end('orders'), await there.end('copy')];
  await there.fill(source, numbered(55));
  const job = await keepReplay(
    there.stateFolder,
    await planReplay(source, destination, request, signal),
    record,
  );
  const stop = new AbortController();
  let seen = 0;
  const onProgress = (count: number): void => {
    seen += count;
    if (seen >= 20) stop.abort();
  };
  const first = await run(there, source, destination, job, { onProgress, signal: stop.signal });
  assert.equal(first.state, 'interrupted');
  assertAddsUp(first);
  assert.equal(first.published, (await there.texts(destination)).length);
  const second = await run(there, source, destination, job);
  assertAddsUp(second);
  assert.deepEqual([second.state, second.published, second.possibleDuplicateCount], ['done', 55, 0]);
  assert.deepEqual(await there.texts(destination), await there.texts(source));
});

test('what was published after the plan is not part of it', async (context) => {
  const there = await bench(context);
  const [source, destination] = [await there.end('orders'), await there.end('copy')];
  await there.fill(source, numbered(5));
  const prepared = await planReplay(source, destination, request, signal);
  await there.fill(source, numbered(5));
  const report = await run(there, source, destination, await keepReplay(there.stateFolder, prepared, record));
  assert.deepEqual([report.selected, report.published], [5, 5]);
});

test('a destination that is full stops it, and what it did not take is not in doubt', async (context) => {
  const there = await bench(context);
  const [source, destination] = [
    await there.end('orders'),
    await there.end('copy', { 'max.messages': '10' }),
  ];
  await there.fill(source, numbered(30));
  const prepared = await planReplay(source, destination, request, signal);
  const report = await run(there, source, destination, await keepReplay(there.stateFolder, prepared, record));
  assertAddsUp(report);
  assert.equal(report.state, 'stopped');
  assert.deepEqual([report.published, report.inDoubt, report.remaining], [10, 0, 20]);
  assert.equal((await there.texts(destination)).length, 10);
});

test('a message that is too large is known beforehand, and the rest arrives', async (context) => {
  const there = await bench(context);
  const settings = { 'max.message.bytes': '100' };
  const [source, destination] = [await there.end('orders'), await there.end('copy', settings)];
  await there.fill(source, [...numbered(3), { value: Buffer.alloc(500) }, ...numbered(2)]);
  const prepared = await planReplay(source, destination, request, signal);
  assert.deepEqual([...prepared.misfits.values()], [1]);
  const report = await run(there, source, destination, await keepReplay(there.stateFolder, prepared, record));
  assertAddsUp(report);
  assert.deepEqual([report.published, report.failed], [5, 1]);
  assert.equal(report.failures[0]?.id, '0:3');
});

test('with their own times, messages older than the destination keeps them are refused', async (context) => {
  const there = await bench(context);
  const settings = { 'retention.ms': '60000' };
  const [source, destination] = [await there.end('orders'), await there.end('copy', settings)];
  await there.fill(source, [{ value: Buffer.from('old'), timestamp: Date.now() - 3_600_000 }]);
  await assert.rejects(
    planReplay(source, destination, { ...request, keepTimestamp: true }, signal),
    (error: unknown) => error instanceof UsageError && /older than "copy" keeps them/.test(error.message),
  );
  assert.equal((await planReplay(source, destination, request, signal)).head.selected, 1);
});

test('a system that keeps no history is refused before it is connected to', () => {
  for (const without of [sqs, sns])
    assert.throws(
      () => requireHistory(without),
      (error: unknown) => error instanceof UnsupportedError && /keeps no history/.test(error.message),
    );
  for (const kept of [declaration, redis, kinesis, rabbitmq]) requireHistory(kept);
});

test('a journal notes offsets as they are, and says after reopening how far it came', async (context) => {
  const { stateFolder } = await bench(context);
  const path = join(stateFolder, 'journal');
  const shard = (offset: string) => ({ partition: 'shard-0', offset });
  const offsets = Array.from(
    { length: 5_000 },
    (_, at) => `4959033827149025660855969253836157109592157598913${String(at).padStart(4, '0')}`,
  );
  const numbers = ['7', '8', '9', '11'].map((offset) => ({ partition: '1', offset }));
  await ReplayJournal.create(path);
  const journal = await ReplayJournal.reopen(path);
  journal.record('INTENT', offsets.map(shard));
  journal.record('INTENT', numbers);
  journal.record('CONFIRMED', offsets.slice(0, 2_500).map(shard));
  journal.record('FAILED', numbers.slice(0, 2), 'too large');
  await journal.close();
  const lines = (await readFile(path, 'utf8')).split('\n');
  assert.ok(lines.every((line) => line.length < 200_000));
  assert.ok(lines.some((line) => line.endsWith(' INTENT {"1":"7-9,11"}')));
  const again = await ReplayJournal.reopen(path);
  context.after(() => again.close());
  assert.deepEqual([again.published, again.failed], [2_500, 2]);
  assert.deepEqual(
    [...again.done],
    [
      ['shard-0', offsets[2_499]],
      ['1', '8'],
    ],
  );
  assert.deepEqual(again.inDoubt, [...offsets.slice(2_500).map(shard), ...numbers.slice(2)]);
});
