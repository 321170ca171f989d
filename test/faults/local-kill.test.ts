/** Several processes at one file, some of them killed in the middle: nothing acknowledged is lost, nothing comes twice. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Bench, message, numbered, openLocal, textOf, unaborted } from '../unit/drivers/local/bench.ts';

interface Run {
  /** What it said, complete lines only. */
  readonly lines: readonly string[];
}

/** Runs the worker to its end, or kills it when it has said enough. */
async function work(context: TestContext, words: readonly string[], killAfterLines = Infinity): Promise<Run> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'local-worker.ts'), ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  context.after(() => child.kill('SIGKILL'));
  let said = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (text: string) => {
    said += text;
    if (said.split('\n').length > killAfterLines) child.kill('SIGKILL');
  });
  const { promise, resolve, reject } = Promise.withResolvers<Run>();
  child.on('error', reject);
  child.on('close', (code, signal) => {
    const asWanted = killAfterLines < Infinity ? signal === 'SIGKILL' : code === 0;
    if (asWanted) resolve({ lines: said.split('\n').slice(0, -1) });
    else reject(new Error(`the worker ended with ${String(code)} ${String(signal)}`));
  });
  return promise;
}

async function start(context: TestContext, partitions = 3): Promise<Bench> {
  const bench = await Bench.start(context);
  await bench.create('orders', { partitions });
  return bench;
}

const sorted = (texts: readonly string[]): string[] => [...texts].sort();

test('processes that publish and claim at the same time lose nothing and get nothing twice', async (context) => {
  const bench = await start(context);
  await bench.fill('orders', numbered(400));
  const [one, two, ...claimed] = await Promise.all([
    work(context, [bench.path, 'produce', 'a', '1000']),
    work(context, [bench.path, 'produce', 'b', '1000']),
    work(context, [bench.path, 'claim', 'g']),
    work(context, [bench.path, 'claim', 'g']),
  ]);
  const rest = await work(context, [bench.path, 'claim', 'g']);
  const published = [...numbered(400).map(textOf), ...one.lines, ...two.lines];
  assert.equal(published.length, 2_400);
  assert.deepEqual(sorted([...claimed, rest].flatMap(({ lines }) => lines)), sorted(published));
  const offsets = (await bench.read('orders')).map(({ partition, offset }) => `${partition}:${offset}`);
  assert.equal(new Set(offsets).size, 2_400);
});

test('two processes that take from a queue get each message once, and leave it empty', async (context) => {
  const bench = await start(context);
  await bench.fill('orders', numbered(1_000));
  const runs = await Promise.all([1, 2].map(() => work(context, [bench.path, 'claim', '-'])));
  assert.deepEqual(sorted(runs.flatMap(({ lines }) => lines)), sorted(numbered(1_000).map(textOf)));
  assert.deepEqual(await bench.read('orders'), []);
});

test('a producer that is killed in the middle: everything that was accepted is there, once', async (context) => {
  const bench = await start(context);
  const killed = await work(context, [bench.path, 'produce', 'a', '100000'], 500);
  const there = (await bench.read('orders')).map(textOf);
  assert.equal(new Set(there).size, there.length);
  const missing = new Set(killed.lines).difference(new Set(there));
  assert.deepEqual([...missing], []);
  assert.equal((await bench.driver.describe('orders', unaborted)).messages, there.length);
});

test('a producer that is killed in a transaction leaves nothing, and what it staged is cleaned up', async (context) => {
  const bench = await start(context);
  await work(context, [bench.path, 'transact', 'a', '3000'], 1);
  assert.deepEqual(await bench.read('orders'), []);
  await (await bench.claiming('orders')).close();
  const file = new DatabaseSync(bench.path);
  context.after(() => file.close());
  assert.equal(
    file.prepare('SELECT (SELECT count(*) FROM staged) + (SELECT count(*) FROM session) AS n').get()?.['n'],
    0,
  );
});

for (const [kind, group] of [
  ['a group', 'g'],
  ['a queue', '-'],
] as const)
  test(`a consumer of ${kind} that is killed in the middle: what it settled does not come again, the rest does, at once`, async (context) => {
    const bench = await start(context);
    const all = numbered(2_000).map(textOf);
    await bench.fill('orders', numbered(2_000));
    const killed = await work(context, [bench.path, 'claim', group], 300);
    const rest = await work(context, [bench.path, 'claim', group]);
    const twice = killed.lines.filter((line) => rest.lines.includes(line));
    assert.deepEqual(twice, []);
    // What was settled when the kill came and not written out yet is in neither.
    const unseen = new Set(all).difference(new Set([...killed.lines, ...rest.lines]));
    assert.ok(unseen.size <= 20, `${unseen.size} are in neither: more than a batch`);
    assert.ok(rest.lines.length > 0);
  });

test('what a killed consumer held is free at once, without waiting for its lease, and counts a delivery', async (context) => {
  const bench = await start(context, 1);
  await bench.fill('orders', numbered(5));
  await work(context, [bench.path, 'hold', 'g'], 1);
  const claiming = await bench.claiming('orders');
  const counts: (number | null)[] = [];
  for await (const batch of claiming.batches)
    if (batch.kind === 'claimed') counts.push(...batch.items.map((item) => item.message.delivery.count));
  await claiming.close();
  assert.deepEqual(counts, [2, 2, 2, 2, 2]);
});

test('a move that is killed in the middle: every message is in exactly one of the two channels', async (context) => {
  const bench = await start(context);
  await bench.create('dead');
  const all = numbered(4_000).map(textOf);
  await bench.fill('dead', numbered(4_000));
  const killed = await work(context, [bench.path, 'move'], 500);
  const left = (await bench.read('dead')).map(textOf);
  const moved = (await bench.read('orders')).map(textOf);
  assert.deepEqual(sorted([...left, ...moved]), sorted(all));
  assert.deepEqual([...new Set(killed.lines).difference(new Set(moved))], []);
  await work(context, [bench.path, 'move']);
  assert.deepEqual(sorted((await bench.read('orders')).map(textOf)), sorted(all));
});

test('drivers that make the same file at the same time make one', async (context) => {
  const bench = await Bench.start(context);
  const others = await Promise.all(
    Array.from({ length: 8 }, async (_, index) => {
      const driver = await openLocal(`local:${bench.path}`);
      const other = new Bench(driver, bench.path);
      await other.create(`c${index}`);
      await other.fill(`c${index}`, [message('x')]);
      return driver;
    }),
  );
  for (const driver of others) await driver.close();
  const names: string[] = [];
  for await (const { channel } of bench.driver.channels({ match: null, internal: false }, unaborted))
    names.push(channel);
  assert.equal(names.length, 8);
});
