import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';

import type { Message, OutgoingMessage } from '../../../src/lib/message/message.ts';
import { UnsupportedError, UsageError } from '../../../src/lib/errors.ts';
import { declaration } from '../../../src/lib/drivers/local/declaration.ts';
import { open } from '../../../src/lib/drivers/local/index.ts';
import { keepReplay, planReplay } from '../../../src/lib/replay/plan-replay.ts';
import type { ReplayEnd, ReplayRequest } from '../../../src/lib/replay/plan-replay.ts';
import { sourcePlace } from '../../../src/lib/replay/replay-journal.ts';
import { runReplay } from '../../../src/lib/replay/run-replay.ts';
import type { ReplayReport } from '../../../src/lib/replay/run-replay.ts';
import { FakeClock } from '../dlq/fake-clock.ts';

const { signal } = new AbortController();

interface Bench {
  readonly stateFolder: string;
  end(channel: string, settings?: Readonly<Record<string, string>>): Promise<ReplayEnd>;
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
    end: async (channel, settings = {}) => {
      await driver.admin?.create({ channel, type: null, partitions: 1, settings, deadLetter: null }, signal);
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

test('a channel whose offsets are no whole numbers is not replayed, and what to do instead is said', () => {
  const message = (offset: string | null): Message => ({
    channel: 'orders',
    partition: null,
    offset,
    id: null,
    key: null,
    value: null,
    headers: [],
    properties: {},
    timestamp: null,
    timestampType: null,
    delivery: { count: null, redelivered: null },
    deadLetter: null,
  });
  for (const offset of ['1526919030474-0', '49590338271490256608559692538361571095921575989136588898', null])
    assert.throws(
      () => sourcePlace(message(offset)),
      (error: unknown) => error instanceof UnsupportedError && /consume -o ndjson/.test(error.hint ?? ''),
      String(offset),
    );
  assert.equal(sourcePlace(message('12')).offset, 12);
});
