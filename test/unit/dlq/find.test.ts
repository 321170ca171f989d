import assert from 'node:assert/strict';
import test from 'node:test';

import { byConvention } from '../../../src/lib/dlq/conventions.ts';
import { findDeadLetters } from '../../../src/lib/dlq/find.ts';
import { Groups } from '../../../src/lib/dlq/grouping.ts';
import { inspectDeadLetters, type Inspected } from '../../../src/lib/dlq/inspect.ts';
import { declaration } from '../../../src/lib/drivers/local/declaration.ts';
import { FailedError } from '../../../src/lib/errors.ts';
import { message, textOf, unaborted } from '../drivers/local/bench.ts';
import { changed, RedriveBench } from './redrive-bench.ts';
import { text } from './samples.ts';

test('names of dead-letter channels, and after which channel they are', () => {
  const sources = {
    'orders.dlq': 'orders',
    'orders.DLQ': 'orders',
    'orders-dlt': 'orders',
    orders_error: 'orders',
    'orders-retry-dlt': 'orders-retry',
    'orders.dead-letters': 'orders',
    'orders:dlq': 'orders',
    'stream/consumer/dead': 'stream/consumer',
  };
  for (const [channel, source] of Object.entries(sources))
    assert.equal(byConvention(channel)?.source, source, channel);
  assert.deepEqual(byConvention('error'), { source: null, how: 'named so' });
  for (const channel of ['orders', 'errors.orders', 'deadline', '.dlq', 'terror'])
    assert.equal(byConvention(channel), null, channel);
});

async function found(bench: RedriveBench, match: string | null = null) {
  const { channels } = await findDeadLetters(bench.source, { match }, unaborted);
  return channels.map(({ channel, depth, sources }) => [channel, depth, sources]);
}

test('dead-letter channels are found by declaration, by name and by pattern', async (context) => {
  const bench = await RedriveBench.begin(context);
  await bench.create('payments-dlt');
  await bench.create('parked');
  await bench.create('stock', { deadLetter: 'parked' });
  await bench.fill('orders.dlq', [message('a'), message('b')]);
  assert.deepEqual(await found(bench), [
    ['orders.dlq', 2, ['orders']],
    ['parked', 0, ['stock']],
    ['payments-dlt', 0, []],
  ]);
  assert.deepEqual(await found(bench, 'st*'), [['stock', 0, []]]);
  assert.deepEqual(await found(bench, 'orders*'), [
    ['orders', 0, []],
    ['orders.dlq', 2, ['orders']],
  ]);
});

test('where resolved ones stay, the oldest is looked for behind them', async (context) => {
  const bench = await RedriveBench.begin(context);
  const times = [1, 2, 3].map((hours) => Date.now() - (10 - hours) * 3_600_000);
  await bench.fill(
    'orders.dlq',
    times.map((timestamp) => message('v', { partition: '0', timestamp })),
  );
  const [, second] = await bench.read('orders.dlq');
  const doneBefore = second?.offset ?? '';
  const { look, deadLetters } = bench.driver;
  assert.ok(look && deadLetters);
  const begins: unknown[] = [];
  const source = {
    declaration: {
      ...declaration,
      facets: { ...declaration.facets, deadLetters: { by: 'recorded' as const } },
    },
    driver: changed(bench.driver, {
      backlog: undefined,
      look: {
        appraise: (channel, signal) => look.appraise(channel, signal),
        open: (request, signal) => {
          if (request.partitions?.[0] === '0') begins.push(request.from);
          return look.open(request, signal);
        },
      },
      deadLetters: {
        pairs: (signal) => deadLetters.pairs(signal),
        read: (each) => deadLetters.read(each),
        volatileHeaders: [],
        volatileProperties: [],
        resolved: async () => ({
          memory: 'kept',
          expiresAt: null,
          unresolved: 2,
          doneBefore: new Map([['0', doneBefore]]),
          doneCount: 1,
          isResolved: ({ offset }) => Number(offset) < Number(doneBefore),
        }),
      },
    }),
  };
  const { channels } = await findDeadLetters(source, { match: 'orders.dlq' }, unaborted);
  assert.equal(channels[0]?.oldestAt, times[1]);
  assert.deepEqual(begins, [{ every: { kind: 'offset', offset: doneBefore } }]);
});

test('the age is that of the oldest one, and none where none waits', async (context) => {
  const bench = await RedriveBench.begin(context);
  const oldest = Date.now() - 3_600_000;
  await bench.fill('orders.dlq', [
    message('new', { partition: '0' }),
    message('old', { partition: '1', timestamp: oldest }),
  ]);
  await bench.create('payments.dlq');
  const { channels } = await findDeadLetters(bench.source, { match: null }, unaborted);
  assert.deepEqual(
    channels.map(({ oldestAt }) => oldestAt),
    [oldest, null],
  );
});

test('what came lately, and of what the latest ones died, is told without taking anything', async (context) => {
  const bench = await RedriveBench.begin(context);
  const slow = [text('x-exception-class', 'Slow'), text('x-exception-message', 'after 3 ms')];
  await bench.fill('orders.dlq', [
    message('a', { headers: slow }),
    message('b', { headers: slow }),
    message('old', { timestamp: Date.now() - 3_600_000 }),
  ]);
  const [found] = (await findDeadLetters(bench.source, { match: null }, unaborted)).channels;
  assert.ok(found !== undefined);
  assert.deepEqual(
    found.causes?.map(({ class: exception, message: words, count }) => [exception, words, count]),
    [
      ['Slow', 'after <number> ms', 2],
      [null, 'text, up to 1 KiB', 1],
    ],
  );
  assert.ok(found.arrivalsPerMinute !== null && found.arrivalsPerMinute > 0);
  assert.equal(found.depth, 3);
});

test('where what is declared cannot be asked, names still tell, and it is said', async (context) => {
  const bench = await RedriveBench.begin(context);
  const { deadLetters } = bench.driver;
  assert.ok(deadLetters);
  const driver = changed(bench.driver, {
    deadLetters: {
      pairs: async () => {
        throw new FailedError('no management API');
      },
      read: (letter) => deadLetters.read(letter),
      volatileHeaders: [],
      volatileProperties: [],
    },
  });
  const { channels, problem } = await findDeadLetters(
    { ...bench.source, driver },
    { match: null },
    unaborted,
  );
  assert.deepEqual(
    channels.map(({ channel }) => channel),
    ['orders.dlq'],
  );
  assert.match(problem ?? '', /no management API/);
});

async function inspected(bench: RedriveBench, change: { causes?: string[]; limit?: number } = {}) {
  const all: Inspected[] = [];
  const result = await inspectDeadLetters(
    bench.source,
    {
      channel: 'orders.dlq',
      keep: ({ deadLetter }) => deadLetter?.class !== 'Hidden',
      causes: change.causes ?? null,
      limit: change.limit ?? null,
      takeAtMost: null,
      all: false,
    },
    async (batch) => void all.push(...batch),
    unaborted,
  );
  return { all, result };
}

test('dead letters are shown with their failure, filtered by it, and grouped by their cause', async (context) => {
  const bench = await RedriveBench.begin(context);
  const failed = (value: string, cause: string, words: string) =>
    message(value, {
      partition: '0',
      key: Buffer.from(value[0] ?? ''),
      headers: [text('x-exception-class', cause), text('x-exception-message', words)],
    });
  await bench.fill('orders.dlq', [
    failed('a1', 'Slow', 'timed out after 17 ms'),
    failed('a2', 'Slow', 'timed out after 23 ms'),
    failed('b1', 'Odd', 'no customer 7'),
    failed('c1', 'Hidden', ''),
    message('silent', { partition: '0' }),
  ]);
  const { all, result } = await inspected(bench);
  assert.deepEqual(
    all.map(({ message: letter }) => [textOf(letter), letter.deadLetter?.class ?? null]),
    [
      ['a1', 'Slow'],
      ['a2', 'Slow'],
      ['b1', 'Odd'],
      ['silent', null],
    ],
  );
  assert.equal(result.complete, true);
  const limited = await inspected(bench, { limit: 1 });
  assert.equal(limited.result.complete, false);
  assert.equal(limited.all.length, 1);
  const slow = all[0]?.fingerprint.id ?? '';
  assert.equal((await inspected(bench, { causes: [slow.slice(0, 5)] })).all.length, 2);

  const byCause = new Groups('cause');
  const byKey = new Groups('key');
  for (const each of all) {
    byCause.add(each);
    byKey.add(each);
  }
  assert.deepEqual(
    byCause.result().map(({ count, class: exception, message: words }) => [count, exception, words]),
    [
      [2, 'Slow', 'timed out after <number> ms'],
      [1, 'Odd', 'no customer <number>'],
      [1, null, 'text, up to 1 KiB'],
    ],
  );
  assert.deepEqual(
    byKey.result().map(({ group, count }) => [group, count]),
    [
      ['a', 2],
      ['b', 1],
      [null, 1],
    ],
  );
});
