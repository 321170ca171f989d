import assert from 'node:assert/strict';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';

import fc from 'fast-check';

import { RedriveJournal } from '../../../src/lib/dlq/journal.ts';
import { adoptPlan, reopenRedrive } from '../../../src/lib/dlq/reopen-redrive.ts';
import type { RedriveReport } from '../../../src/lib/dlq/report.ts';
import { FailedError, NotFoundError, UsageError } from '../../../src/lib/errors.ts';
import type { Message, OutgoingMessage } from '../../../src/lib/message/message.ts';
import { message, numbered, textOf, unaborted } from '../drivers/local/bench.ts';
import { answering, changed, RedriveBench } from './redrive-bench.ts';
import { text } from './samples.ts';

const sorted = (messages: readonly OutgoingMessage[]): string[] => messages.map(textOf).sort();
const headerOf = ({ headers }: Message, name: string): string | undefined => {
  const value = headers.find((header) => header.name === name)?.value;
  return value instanceof Uint8Array ? Buffer.from(value).toString() : undefined;
};

function assertAddsUp(report: RedriveReport): void {
  const { moved, failed, skipped, drifted, quarantined, inDoubt, remaining } = report;
  assert.equal(moved + failed + skipped + drifted + quarantined + inDoubt + remaining, report.selected);
}

const ways = ['source', 'inTwoSteps', 'queue'] as const;
const wayNames = { source: 'in one step', inTwoSteps: 'in two steps', queue: 'front to back' } as const;

for (const way of ways) {
  test(`${wayNames[way]}: what is selected arrives once, the rest stays`, async (context) => {
    const bench = await RedriveBench.begin(context);
    await bench.fill('orders.dlq', numbered(500));
    const wanted = (letter: OutgoingMessage): boolean => textOf(letter).endsWith('7');
    const prepared = await bench.prepare({ keep: wanted }, bench[way]);
    const { report, error } = await bench.run(prepared, {}, bench[way]);
    assert.equal(error, null);
    assert.deepEqual(sorted(await bench.read('orders')), sorted(numbered(500).filter(wanted)));
    assert.deepEqual(
      sorted(await bench.read('orders.dlq')),
      sorted(numbered(500).filter((letter) => !wanted(letter))),
    );
    assert.equal(report.moved, 50);
    assert.equal(report.unsettled, 0);
    assert.equal(report.state, 'done');
    assert.equal(report.guarantees['orders'], way === 'source' ? 'exactly-once' : 'at-least-once');
    assertAddsUp(report);
    assert.deepEqual((await bench.jobs.find('last', null)).state, 'done');
    await assert.rejects(bench.resume(bench[way]), /is done: there is nothing left to go on with/);
  });

  test(`${wayNames[way]}: what has drifted since the plan is named, and nothing else is touched`, async (context) => {
    const bench = await RedriveBench.begin(context);
    await bench.fill('orders.dlq', numbered(20));
    const prepared = await bench.prepare({ keep: (letter) => /m\d$/.test(textOf(letter)) }, bench[way]);
    const claiming = await bench.claiming('orders.dlq', { group: null });
    for await (const batch of claiming.batches)
      if (batch.kind === 'claimed')
        await claiming.settle(
          batch.items.filter((item) => /m[34]$/.test(textOf(item.message))).map(({ claim }) => claim),
        );
    await claiming.close();
    await bench.fill('orders.dlq', [message('new')]);
    const { report } = await bench.run(prepared, {}, bench[way]);
    assert.equal(report.moved, 8);
    assert.equal(report.drifted, 2);
    assert.equal(report.failures.length, 2);
    assertAddsUp(report);
    assert.equal((await bench.read('orders')).length, 8);
    assert.ok((await bench.read('orders.dlq')).some((letter) => textOf(letter) === 'new'));
  });

  test(`${wayNames[way]}: an interrupted run finishes what is in flight, and goes on where it was`, async (context) => {
    const bench = await RedriveBench.begin(context);
    await bench.fill('orders.dlq', numbered(300));
    const ending = new AbortController();
    const prepared = await bench.prepare({}, bench[way]);
    const { report: first, error } = await bench.run(
      prepared,
      { inFlight: 50, onProgress: () => ending.abort(new Error('Ctrl-C')), signal: ending.signal },
      bench[way],
    );
    assert.equal(error, null);
    assert.equal(first.state, 'interrupted');
    assert.ok(first.moved > 0 && first.moved < 300);
    assert.equal(first.inDoubt + first.unsettled, 0);
    assertAddsUp(first);
    assert.equal((await bench.read('orders')).length, first.moved);
    const { report } = await bench.resume(bench[way]);
    assert.equal(report.moved, 300);
    assert.equal(report.possibleDuplicateCount, 0);
    assert.deepEqual(sorted(await bench.read('orders')), sorted(numbered(300)));
    assert.deepEqual(await bench.read('orders.dlq'), []);
  });

  test(`${wayNames[way]}: a plan that was damaged since is not gone on with: nothing more is moved, and the job stays as it was`, async (context) => {
    const bench = await RedriveBench.begin(context);
    await bench.fill('orders.dlq', numbered(300));
    const ending = new AbortController();
    const prepared = await bench.prepare({}, bench[way]);
    const { report: first } = await bench.run(
      prepared,
      { inFlight: 50, onProgress: () => ending.abort(new Error('Ctrl-C')), signal: ending.signal },
      bench[way],
    );
    const plan = await readFile(prepared.planPath);
    const middle = plan.length >> 1;
    plan[middle] = (plan[middle] ?? 0) ^ 1;
    await writeFile(prepared.planPath, plan);
    await assert.rejects(bench.resume(bench[way]), /is damaged in line \d+/);
    assert.equal((await bench.jobs.find('last', 'orders.dlq')).state, 'interrupted');
    assert.equal((await bench.read('orders')).length, first.moved);
    // Without its last line, a plan was never finished.
    await writeFile(prepared.planPath, plan.subarray(0, plan.lastIndexOf('\n', plan.length - 2) + 1));
    await assert.rejects(bench.resume(bench[way]), /is an unfinished plan/);
  });

  test(`${wayNames[way]}: what comes back stops the ramp within its step, and is named`, async (context) => {
    const bench = await RedriveBench.begin(context);
    await bench.fill('orders.dlq', numbered(100));
    const prepared = await bench.prepare({}, bench[way]);
    // A consumer that fails again: it gives back what it got.
    let given = 0;
    bench.clock.onSleep = async () => {
      const there = await bench.read('orders');
      await bench.fill('orders.dlq', there.slice(given).slice(0, 1));
      given = there.length;
    };
    const { report } = await bench.run(prepared, { canary: true }, bench[way]);
    assert.equal(report.state, 'stopped');
    assert.match(report.stoppedBy ?? '', /came back/);
    assert.equal(report.moved, 1);
    assert.equal(report.returned, 1);
    assert.equal(report.returnedMessages[0]?.ordinal, 0);
    assert.equal(report.remaining, 99);
    assertAddsUp(report);

    // The service is mended: what came back before is no reason to stop again, and stays for another redrive.
    bench.clock.onSleep = () => undefined;
    const { report: resumed } = await bench.run(
      await reopenRedrive(bench[way], bench.jobs, 'last', 'orders.dlq'),
      { canary: true },
      bench[way],
    );
    assert.equal(resumed.state, 'done');
    assert.equal(resumed.moved, 100);
    assert.equal(resumed.returned, 1);
    assert.equal((await bench.read('orders.dlq')).length, 1);
    const { report: second } = await bench.run(await bench.prepare({}, bench[way]), {}, bench[way]);
    assert.equal(second.moved, 1);
    const [again] = (await bench.read('orders')).filter((letter) =>
      headerOf(letter, 'mqctl-redrive')?.endsWith(';2'),
    );
    assert.ok(again, 'the mark counts on');
  });
}

for (const way of ['source', 'inTwoSteps'] as const)
  test(`${wayNames[way]}: each goes where it came from, several destinations mixed`, async (context) => {
    const bench = await RedriveBench.begin(context);
    const origins = ['orders', 'payments', 'stock'];
    for (const name of ['payments', 'stock']) await bench.create(name);
    const letters = Array.from({ length: 90 }, (_, at) =>
      message(`${origins[at % 3] ?? ''} ${at.toString()}`, {
        headers: [text('x-original-topic', origins[at % 3] ?? '')],
      }),
    );
    await bench.fill('orders.dlq', letters);
    const ending = new AbortController();
    const { report: first } = await bench.run(
      await bench.prepare({}, bench[way]),
      { inFlight: 10, onProgress: () => ending.abort(), signal: ending.signal },
      bench[way],
    );
    assert.equal(first.state, 'interrupted');
    const { report } = await bench.resume(bench[way]);
    assert.equal(report.moved, 90);
    assert.deepEqual(Object.keys(report.guarantees).sort(), origins);
    for (const origin of origins) {
      const arrived = (await bench.read(origin)).map(textOf);
      assert.equal(arrived.length, 30);
      assert.ok(arrived.every((value) => value.startsWith(origin)));
    }
    assert.deepEqual(await bench.read('orders.dlq'), []);
  });

test('equal messages, any part of them selected: as many arrive as were selected, as many stay', async (context) => {
  const bench = await RedriveBench.begin(context);
  const letters = fc.array(fc.record({ value: fc.constantFrom('a', 'b', 'c'), wanted: fc.boolean() }), {
    minLength: 1,
    maxLength: 12,
  });
  await fc.assert(
    fc.asyncProperty(letters, fc.integer({ min: 1, max: 4 }), async (all, inFlight) => {
      for (const channel of ['orders', 'orders.dlq']) await bench.admin.purge(channel, unaborted);
      await bench.fill(
        'orders.dlq',
        all.map(({ value }) => message(value)),
      );
      // As many of each as are wanted, the first ones: which of equal ones they are makes no difference.
      const left = new Map<string, number>();
      for (const { value, wanted } of all) if (wanted) left.set(value, (left.get(value) ?? 0) + 1);
      const expected = all.filter(({ wanted }) => wanted).map(({ value }) => value);
      const prepared = await bench.prepare(
        {
          keep: (letter) => {
            const count = left.get(textOf(letter)) ?? 0;
            left.set(textOf(letter), count - 1);
            return count > 0;
          },
        },
        bench.queue,
      );
      const { report, error } = await bench.run(prepared, { inFlight }, bench.queue);
      assert.equal(error, null);
      assert.equal(report.moved, expected.length);
      assert.equal(report.unsettled, 0);
      assert.deepEqual(sorted(await bench.read('orders')), expected.sort());
      assert.equal((await bench.read('orders.dlq')).length, all.length - expected.length);
    }),
    { numRuns: 25 },
  );
});

test('failure headers and retry state are taken off, the cause and the mark are put on, the rest is byte for byte', async (context) => {
  const bench = await RedriveBench.begin(context);
  const odd = new Uint8Array([0xff, 0, 0x1b]);
  await bench.fill('orders.dlq', [
    message('v', {
      key: odd,
      headers: [
        text('a', '1'),
        { name: 'b', value: null },
        text('kafka_dlt-original-topic', 'orders'),
        text('kafka_dlt-exception-fqcn', 'com.acme.X'),
        text('retry_topic-attempts', '3'),
        text('a', '2'),
        { name: 'odd', value: odd },
      ],
      properties: { contentType: 'x' },
    }),
  ]);
  const prepared = await bench.prepare();
  const { report } = await bench.run(prepared);
  const [arrived] = await bench.read('orders');
  assert.ok(arrived);
  assert.deepEqual(
    arrived.headers.map(({ name }) => name),
    ['a', 'b', 'a', 'odd', 'mqctl-failure', 'mqctl-redrive'],
  );
  assert.match(headerOf(arrived, 'mqctl-failure') ?? '', /^[0-9a-f]{12}$/);
  assert.match(headerOf(arrived, 'mqctl-redrive') ?? '', /^[0-9a-f]{16}-0;1$/);
  assert.deepEqual(arrived.key && Buffer.from(arrived.key), Buffer.from(odd));
  assert.deepEqual(arrived.properties, { contentType: 'x' });
  assert.deepEqual(report.headersRemoved, {
    'kafka_dlt-original-topic': 1,
    'kafka_dlt-exception-fqcn': 1,
    'retry_topic-attempts': 1,
  });
  assert.deepEqual(report.headersAdded, { 'mqctl-failure': 1, 'mqctl-redrive': 1 });
});

test('headers stay where that is asked for', async (context) => {
  const bench = await RedriveBench.begin(context);
  const headers = [text('kafka_dlt-original-topic', 'orders'), text('retry_topic-attempts', '3')];
  const names = {
    failure: ['kafka_dlt-original-topic'],
    all: ['kafka_dlt-original-topic', 'retry_topic-attempts'],
  };
  for (const keepHeaders of ['failure', 'all'] as const) {
    await bench.fill('orders.dlq', [message('v', { headers })]);
    await bench.run(await bench.prepare({ keepHeaders }));
    const [arrived] = (await bench.read('orders')).slice(-1);
    assert.deepEqual(
      arrived?.headers.map(({ name }) => name).filter((name) => !name.startsWith('mqctl-')),
      names[keepHeaders],
    );
    await bench.admin.purge('orders', unaborted);
  }
});

test('what was redriven too often stays, and is counted as quarantined', async (context) => {
  const bench = await RedriveBench.begin(context);
  await bench.fill('orders.dlq', [
    message('fresh'),
    message('poison', { headers: [text('mqctl-redrive', '0123456789abcdef-1;3')] }),
  ]);
  const { report } = await bench.run(await bench.prepare());
  assert.equal(report.moved, 1);
  assert.equal(report.quarantined, 1);
  assert.match(report.failures[0]?.reason ?? '', /3 times/);
  assert.deepEqual((await bench.read('orders.dlq')).map(textOf), ['poison']);
  assertAddsUp(report);
});

test('a message that does not fit its destination stays, the others go', async (context) => {
  const bench = await RedriveBench.begin(context);
  await bench.create('small', { settings: { 'max.message.bytes': '500' } });
  await bench.fill('orders.dlq', [message('ok'), message('x'.repeat(1_000))]);
  const { report } = await bench.run(await bench.prepare({ to: 'small' }));
  assert.deepEqual((await bench.read('small')).map(textOf), ['ok']);
  assert.equal(report.failed, 1);
  assert.equal((await bench.read('orders.dlq')).length, 1);
});

test('selects by id, by cause and by number', async (context) => {
  const bench = await RedriveBench.begin(context);
  const because = (value: string, cause: string) =>
    message(value, { headers: [text('x-exception-class', cause)] });
  await bench.fill('orders.dlq', [
    because('a', 'One'),
    because('b', 'Two'),
    because('c', 'One'),
    because('d', 'Two'),
  ]);
  const [first] = await bench.read('orders.dlq');
  const byId = await bench.prepare({ ids: new Set([`${first?.partition ?? ''}:${first?.offset ?? ''}`]) });
  assert.equal(byId.totals.selected, 1);
  const all = await bench.prepare();
  assert.deepEqual(all.selection?.causes.map(({ class: exception, count }) => [exception, count]).sort(), [
    ['One', 2],
    ['Two', 2],
  ]);
  const cause = all.selection.causes[0]?.cause?.slice(0, 6) ?? '';
  assert.equal((await bench.prepare({ causes: [cause] })).totals.selected, 2);
  assert.equal((await bench.prepare({ limit: 3 })).totals.selected, 3);
});

test('where nobody says where to, or into itself, or nothing is there: said before anything is moved', async (context) => {
  const bench = await RedriveBench.begin(context);
  await bench.create('orphans');
  await bench.fill('orphans', [message('v')]);
  await assert.rejects(bench.prepare({ channel: 'orphans' }), (error: unknown) => {
    assert.ok(error instanceof UsageError);
    assert.match(error.hint ?? '', /--to/);
    return true;
  });
  await assert.rejects(bench.prepare({ channel: 'orphans', to: 'orphans' }), UsageError);
  await assert.rejects(bench.prepare({ channel: 'orphans', to: 'nowhere' }), NotFoundError);
  await assert.rejects(bench.prepare({ channel: 'nothing' }), NotFoundError);
  await bench.fill('orphans', [message('w', { headers: [text('x-original-topic', 'nowhere')] })]);
  await assert.rejects(bench.prepare({ channel: 'orphans' }), UsageError);
  assert.deepEqual(await bench.jobs.list(), [], 'no plan is left behind');
});

test('a plan from a file runs exactly that, also a second time', async (context) => {
  const bench = await RedriveBench.begin(context);
  await bench.fill('orders.dlq', numbered(10));
  const made = await bench.prepare({ limit: 4 });
  const file = join(bench.path, '..', 'monday.plan');
  await copyFile(made.planPath, file);
  const record = { channel: 'orders.dlq', context: 'test', reason: null };
  const { report } = await bench.run(await adoptPlan(bench.source, bench.jobs, file, record));
  assert.equal(report.moved, 4);
  const { report: again } = await bench.run(await adoptPlan(bench.source, bench.jobs, file, record));
  assert.equal(again.moved, 0);
  assert.equal(again.drifted, 4);
  assert.equal((await bench.read('orders')).length, 4);
  await assert.rejects(
    adoptPlan(bench.source, bench.jobs, file, { ...record, channel: 'orders' }),
    UsageError,
  );
});

test('the second operator is refused while the first one works', async (context) => {
  const bench = await RedriveBench.begin(context);
  await bench.fill('orders.dlq', numbered(10));
  const [one, other] = [await bench.prepare(), await bench.prepare()];
  let refused: unknown = null;
  await bench.run(one, {
    ratePerSecond: 1,
    inFlight: 1,
    clock: {
      now: () => performance.now(),
      random: () => 0.5,
      sleep: async () => {
        refused ??= await bench.run(other).catch((error: unknown) => error);
      },
    },
  });
  assert.ok(refused instanceof FailedError);
  assert.equal(refused.code, 'HELD');
  assert.equal((await bench.read('orders')).length, 10);
});

test('no answer from the destination is in doubt: resumed, it is published again and named', async (context) => {
  const bench = await RedriveBench.begin(context);
  await bench.fill('orders.dlq', numbered(30));
  let calls = 0;
  const driver = answering(bench.inTwoSteps.driver, (outcomes) => {
    calls += 1;
    return calls === 2
      ? outcomes.map((outcome, at) =>
          at < 3 ? { status: 'unknown', reason: 'the connection was cut' } : outcome,
        )
      : outcomes;
  });
  const source = { ...bench.inTwoSteps, driver };
  const { report: first, error } = await bench.run(await bench.prepare({}, source), { inFlight: 10 }, source);
  assert.ok(error instanceof FailedError);
  assert.equal(first.state, 'stopped');
  assert.equal(first.inDoubt, 3);
  assert.ok(first.moved > 0 && first.moved <= 27);
  assertAddsUp(first);
  const { report } = await bench.resume(bench.inTwoSteps);
  assert.equal(report.moved, 30);
  assert.equal(report.inDoubt, 0);
  assert.equal(report.possibleDuplicateCount, 3);
  assert.equal(report.possibleDuplicates.length, 3);
  const arrived = (await bench.read('orders')).map(textOf);
  assert.equal(new Set(arrived).size, 30);
  assert.equal(arrived.length, 33);
  const lines = (await readFile(report.reportFile, 'utf8')).trim().split('\n');
  assert.equal(lines.length, 3);
});

test('a claim that is lost before it was settled: not sent again, and said to be unsettled until it is met', async (context) => {
  const bench = await RedriveBench.begin(context);
  await bench.fill('orders.dlq', numbered(5));
  const { claim } = bench.driver;
  assert.ok(claim);
  const losing = changed(bench.inTwoSteps.driver, {
    claim: {
      open: async (request, signal) => {
        const claiming = await claim.open(request, signal);
        return {
          batches: claiming.batches,
          settle: async (claims) => {
            const [, ...others] = claims;
            return ['lost', ...(await claiming.settle(others))];
          },
          release: (claims) => claiming.release(claims),
          extend: (claims) => claiming.extend(claims),
          close: () => claiming.close(),
        };
      },
    },
  });
  const source = { ...bench.inTwoSteps, driver: losing };
  const { report: first } = await bench.run(await bench.prepare({}, source), {}, source);
  assert.equal(first.moved, 5);
  assert.equal(first.unsettled, 1);
  assert.equal((await bench.read('orders.dlq')).length, 1);
  const { report } = await bench.resume(bench.inTwoSteps);
  assert.equal(report.unsettled, 0);
  assert.equal((await bench.read('orders')).length, 5);
  assert.deepEqual(await bench.read('orders.dlq'), []);
});

test('a destination that is full for a while is waited for; one that refuses for good is not', async (context) => {
  const bench = await RedriveBench.begin(context);
  await bench.fill('orders.dlq', numbered(2));
  const prepared = await bench.prepare({}, bench.inTwoSteps);
  let calls = 0;
  const { publish } = bench.driver;
  assert.ok(publish);
  const refusing = changed(bench.inTwoSteps.driver, {
    publish: {
      limits: (channel, signal) => publish.limits(channel, signal),
      open: async (request, signal) => {
        const publisher = await publish.open(request, signal);
        return {
          send: async (messages) => {
            calls += 1;
            if (calls > 2) return publisher.send(messages);
            return messages.map(() => ({ status: 'rejected', reason: 'full', retriable: true }));
          },
          commit: () => publisher.commit(),
          abort: () => publisher.abort(),
          blocked: null,
          close: () => publisher.close(),
        };
      },
    },
  });
  const { report } = await bench.run(prepared, {}, { ...bench.inTwoSteps, driver: refusing });
  assert.equal(report.moved, 2);
  assert.deepEqual(bench.clock.sleeps, [2_000, 4_000]);

  await bench.fill('orders.dlq', numbered(2));
  const never = answering(bench.inTwoSteps.driver, (outcomes) =>
    outcomes.map(() => ({ status: 'rejected', reason: 'not allowed', retriable: false })),
  );
  const source = { ...bench.inTwoSteps, driver: never };
  const { report: failed } = await bench.run(await bench.prepare({}, source), {}, source);
  assert.equal(failed.failed, 2);
  assert.equal(failed.failures[0]?.reason, 'not allowed');
  assert.equal((await bench.read('orders.dlq')).length, 2);
});

test('what a destination refuses for a long time is not failed: the run stops, and goes on later', async (context) => {
  const bench = await RedriveBench.begin(context);
  await bench.fill('orders.dlq', numbered(3));
  const prepared = await bench.prepare({}, bench.queue);
  const full = answering(bench.queue.driver, (outcomes) =>
    outcomes.map(() => ({ status: 'rejected', reason: 'the queue is full', retriable: true })),
  );
  const { report } = await bench.run(prepared, {}, { ...bench.queue, driver: full });
  assert.equal(report.state, 'stopped');
  assert.equal(report.stoppedBy, 'the destination takes no more: the queue is full');
  assert.deepEqual([report.moved, report.failed, report.remaining], [0, 0, 3]);
  assert.ok(bench.clock.now() >= 60_000);
});

test('what another consumer holds while a run goes on is not said to be gone', async (context) => {
  const bench = await RedriveBench.begin(context);
  await bench.fill('orders.dlq', numbered(3));
  const prepared = await bench.prepare({}, bench.queue);
  const { claim, backlog } = bench.queue.driver;
  assert.ok(claim && backlog);
  const interrupted = changed(bench.queue.driver, {
    claim: {
      open: async (request, signal) => {
        const claiming = await claim.open(request, signal);
        return {
          ...claiming,
          batches: claiming.batches,
          settle: async () => Promise.reject(new Error('killed')),
          close: () => claiming.close(),
        };
      },
    },
  });
  const { report: killed } = await bench.run(prepared, {}, { ...bench.queue, driver: interrupted });
  assert.deepEqual([killed.moved, killed.unsettled], [3, 3]);

  const other = await claim.open(
    { channel: 'orders.dlq', group: null, from: null, select: null, follow: true, window: 3, leaseMs: null },
    context.signal,
  );
  for await (const batch of other.batches) if (batch.kind === 'claimed') break;
  const { report } = await bench.resume(bench.queue);
  assert.equal(report.state, 'stopped');
  assert.match(report.stoppedBy ?? '', /others hold 3 messages/);
  assert.deepEqual([report.moved, report.unsettled], [3, 3]);

  await other.close();
  const { report: resumed } = await bench.resume(bench.queue);
  assert.deepEqual([resumed.state, resumed.moved, resumed.unsettled], ['done', 3, 0]);
  assert.deepEqual(await bench.read('orders.dlq'), []);
});

test('what was resolved and is forgotten is not redriven again', async (context) => {
  const bench = await RedriveBench.begin(context);
  await bench.fill('orders.dlq', numbered(3));
  const { deadLetters } = bench.driver;
  assert.ok(deadLetters);
  const placeOf = ({ partition, offset }: Pick<Message, 'partition' | 'offset'>): string =>
    `${partition ?? ''}:${offset ?? ''}`;
  const resolved = (await bench.read('orders.dlq'))
    .filter((letter) => textOf(letter) === 'm1')
    .map(placeOf)[0];
  const recorded = (memory: 'fresh' | 'kept' | 'forgotten') => ({
    driver: changed(bench.driver, {
      deadLetters: {
        pairs: (signal) => deadLetters.pairs(signal),
        read: (letter) => deadLetters.read(letter),
        volatileHeaders: [],
        volatileProperties: [],
        resolved: async () => ({
          memory,
          expiresAt: null,
          doneBefore: new Map(),
          doneCount: 0,
          unresolved: 2,
          isResolved: (reference) => placeOf(reference) === resolved,
        }),
      },
    }),
    declaration: {
      ...bench.source.declaration,
      facets: { ...bench.source.declaration.facets, deadLetters: { by: 'recorded' as const } },
    },
  });
  const fresh = await bench.prepare({}, recorded('fresh'));
  assert.equal(fresh.totals.selected, 2, 'only what is not resolved');
  await assert.rejects(
    bench.prepare({}, recorded('forgotten')),
    (error: unknown) => error instanceof FailedError && error.code === 'FORGOTTEN',
  );
  await bench.run(fresh, {}, recorded('kept'));
  await assert.rejects(
    bench.prepare({}, recorded('fresh')),
    (error: unknown) => error instanceof FailedError && /job/.test(error.message),
  );
  assert.equal((await bench.prepare({ treatAsNew: true }, recorded('fresh'))).totals.selected, 0);

  // One that was killed did not write what it moved.
  await bench.jobs.write({ ...(await bench.jobs.find(fresh.job.id, null)), state: 'running', counts: {} });
  await assert.rejects(
    bench.prepare({}, recorded('fresh')),
    (error: unknown) => error instanceof FailedError && error.code === 'FORGOTTEN',
  );
});

test('a plan that another run made is refused, too, where what was resolved is forgotten: taken up or applied', async (context) => {
  const bench = await RedriveBench.begin(context);
  await bench.fill('orders.dlq', numbered(3));
  const { deadLetters } = bench.driver;
  assert.ok(deadLetters);
  const resolvedAgain: unknown[] = [];
  const recorded = (memory: 'fresh' | 'kept', isResolved: boolean) => ({
    driver: changed(bench.driver, {
      deadLetters: {
        pairs: (signal) => deadLetters.pairs(signal),
        read: (letter) => deadLetters.read(letter),
        volatileHeaders: [],
        volatileProperties: [],
        resolved: async () => ({
          memory,
          expiresAt: null,
          unresolved: null,
          doneBefore: new Map(),
          doneCount: 0,
          isResolved: () => isResolved,
        }),
        resolve: async (_, references) => void resolvedAgain.push(...references),
      },
    }),
    declaration: {
      ...bench.source.declaration,
      facets: { ...bench.source.declaration.facets, deadLetters: { by: 'recorded' as const } },
    },
  });
  const prepared = await bench.prepare({}, recorded('fresh', false));
  const plan = join(bench.path, '..', 'kept.plan');
  await copyFile(prepared.planPath, plan);
  const ending = new AbortController();
  const { report } = await bench.run(
    prepared,
    { inFlight: 2, onProgress: () => ending.abort(), signal: ending.signal },
    recorded('fresh', false),
  );
  assert.equal(report.moved, 2);
  const forgotten = (error: unknown): boolean => error instanceof FailedError && error.code === 'FORGOTTEN';
  for (const memory of ['fresh', 'kept'] as const) {
    const source = recorded(memory, false);
    await assert.rejects(reopenRedrive(source, bench.jobs, prepared.job.id, 'orders.dlq'), forgotten);
  }
  const request = { channel: 'orders.dlq', context: 'test', reason: null };
  await assert.rejects(adoptPlan(recorded('fresh', false), bench.jobs, plan, request), forgotten);
  await reopenRedrive(recorded('kept', true), bench.jobs, prepared.job.id, 'orders.dlq');

  const journal = join(bench.jobs.folderOf(prepared.job.id), 'journal');
  const chosen = { resolvedFrom: journal };
  resolvedAgain.length = 0;
  const reopened = await reopenRedrive(
    recorded('fresh', false),
    bench.jobs,
    prepared.job.id,
    'orders.dlq',
    chosen,
  );
  assert.equal(resolvedAgain.length, 2, 'what the journal moved is recorded again');
  assert.equal(reopened.forgotten, true);
});

test('what was purged between a crash and going on is in doubt, and never said to be moved', async (context) => {
  const bench = await RedriveBench.begin(context);
  await bench.fill('orders.dlq', numbered(10));
  const prepared = await bench.prepare();
  const journal = await RedriveJournal.reopen(join(bench.jobs.folderOf(prepared.job.id), 'journal'), 10);
  journal.record('INTENT', [0, 1, 2, 3]);
  await journal.sync();
  await journal.close();
  await bench.admin.purge('orders.dlq', unaborted);
  const { report } = await bench.resume();
  assert.deepEqual([report.moved, report.inDoubt, report.drifted], [0, 4, 6]);
  assert.match(report.failures[0]?.reason ?? '', /nobody can say/);
  assertAddsUp(report);
  assert.deepEqual(await bench.read('orders'), []);
});

test('what the system undid a part of is in doubt, and named, and the rest is moved', async (context) => {
  const bench = await RedriveBench.begin(context);
  await bench.fill('orders.dlq', numbered(10));
  const atomicMove = bench.driver.atomicMove?.bind(bench.driver);
  assert.ok(atomicMove);
  const undoing = {
    ...bench.source,
    driver: changed(bench.driver, {
      atomicMove: async (request, signal) => {
        const moving = await atomicMove({ ...request, destination: bench.driver }, signal);
        if (moving === null) return null;
        return {
          move: (items, within) => moving.move(items, within),
          recover: async (sources) => sources.map(() => 'in-doubt'),
          close: () => moving.close(),
        };
      },
    }),
  };
  const prepared = await bench.prepare({}, undoing);
  const journal = await RedriveJournal.reopen(join(bench.jobs.folderOf(prepared.job.id), 'journal'), 10);
  journal.record('INTENT', [0, 1, 2, 3]);
  await journal.sync();
  await journal.close();
  for (const attempt of ['at first', 'and again']) {
    const { report } = await bench.resume(undoing);
    assert.deepEqual([report.moved, report.inDoubt], [6, 4], attempt);
    assert.match(report.failures[0]?.reason ?? '', /undid a part/);
    assertAddsUp(report);
  }
});

test('a destination that refuses for long: the run stops, what is left stays to be resumed, and nothing has failed', async (context) => {
  const bench = await RedriveBench.begin(context);
  await bench.fill('orders.dlq', numbered(10));
  const atomicMove = bench.driver.atomicMove?.bind(bench.driver);
  assert.ok(atomicMove);
  let refuses = true;
  const full = {
    ...bench.source,
    driver: changed(bench.driver, {
      atomicMove: async (request, signal) => {
        const moving = await atomicMove({ ...request, destination: bench.driver }, signal);
        if (moving === null) return null;
        return {
          move: async (items, within) =>
            refuses
              ? items.map(() => ({ status: 'rejected', reason: 'it is full', retriable: true }))
              : moving.move(items, within),
          recover: (sources, within) => moving.recover(sources, within),
          close: () => moving.close(),
        };
      },
    }),
  };
  const { report } = await bench.run(await bench.prepare({}, full), {}, full);
  assert.deepEqual([report.moved, report.failed, report.remaining], [0, 0, 10]);
  assert.equal(report.state, 'stopped');
  assert.match(report.stoppedBy ?? '', /it is full/);
  refuses = false;
  const { report: resumed } = await bench.resume(full);
  assert.deepEqual([resumed.moved, resumed.state], [10, 'done']);
});

test('a damaged record of one job is named, and stops no other redrive; what runs cannot be forgotten', async (context) => {
  const bench = await RedriveBench.begin(context);
  await bench.fill('orders.dlq', numbered(3));
  const broken = await bench.prepare();
  await writeFile(join(bench.jobs.folderOf(broken.job.id), 'job.json'), '{"id":');
  const { jobs, damaged } = await bench.jobs.survey();
  assert.deepEqual([jobs, damaged.map(({ id }) => id)], [[], [broken.job.id]]);
  const { report } = await bench.run(await bench.prepare(), {
    onProgress: () => void assert.rejects(bench.jobs.removeIdle('x'), NotFoundError),
  });
  assert.equal(report.moved, 3);
  await bench.jobs.removeIdle(broken.job.id);
  assert.deepEqual((await bench.jobs.survey()).damaged, []);

  await bench.fill('orders.dlq', numbered(3));
  const running = await bench.prepare();
  let refused: unknown = null;
  const pending: Promise<void>[] = [];
  await bench.run(running, {
    onProgress: () =>
      void pending.push(
        bench.jobs.removeIdle(running.job.id).catch((error: unknown) => void (refused = error)),
      ),
    inFlight: 1,
  });
  await Promise.all(pending);
  assert.ok(refused instanceof FailedError && refused.code === 'HELD', String(refused));
});
