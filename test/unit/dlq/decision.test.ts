import assert from 'node:assert/strict';
import test from 'node:test';

import { decidedByName, type Decision } from '../../../src/lib/dlq/decision.ts';
import { parseSet } from '../../../src/lib/dlq/edit.ts';
import { NotFoundError } from '../../../src/lib/errors.ts';
import type { Message } from '../../../src/lib/message/message.ts';
import { message, textOf } from '../drivers/local/bench.ts';
import { RedriveBench } from './redrive-bench.ts';
import { text } from './samples.ts';

const redrive = (change: { to?: string; set?: string } = {}): Decision => ({
  action: 'redrive',
  to: change.to ?? null,
  edit: change.set === undefined ? null : [parseSet(change.set)],
});
const nameOf = ({ partition, offset }: Message): string => `${partition ?? ''}:${offset ?? ''}`;
const header = ({ headers }: Message, name: string): string | undefined => {
  const value = headers.find((each) => each.name === name)?.value;
  return value instanceof Uint8Array ? Buffer.from(value).toString() : undefined;
};

for (const way of ['source', 'inTwoSteps', 'queue'] as const)
  test(`${way}: what was decided message by message is done: sent back, elsewhere, edited, put aside, skipped`, async (context) => {
    const bench = await RedriveBench.begin(context);
    for (const channel of ['other', 'orders.dlq.quarantine']) await bench.create(channel);
    await bench.fill(
      'orders.dlq',
      ['back', 'elsewhere', '{"total":1}', 'aside', 'skipped', 'untouched'].map((value) =>
        message(value, { headers: [text('x-exception-class', 'E')] }),
      ),
    );
    const decisions = new Map<string, Decision>([
      ['back', redrive()],
      ['elsewhere', redrive({ to: 'other' })],
      ['{"total":1}', redrive({ set: 'value.total=2' })],
      ['aside', { action: 'quarantine', reason: 'nobody knows it' }],
      ['skipped', { action: 'skip', reason: 'later' }],
    ]);
    const prepared = await bench.prepare(
      { decide: ({ message: seen }) => decisions.get(textOf(seen)) ?? null },
      bench[way],
    );
    assert.equal(prepared.totals.selected, 5);
    assert.deepEqual(prepared.selection?.quarantined, { channel: 'orders.dlq.quarantine', count: 1 });
    assert.deepEqual(prepared.selection?.edits, [
      { count: 1, changes: [{ path: '/value/total', before: '1', after: '2' }] },
    ]);
    const { report, error } = await bench.run(prepared, {}, bench[way]);
    assert.equal(error, null);
    const { selected, moved, quarantined, skipped, remaining } = report;
    assert.deepEqual([selected, moved, quarantined, skipped, remaining], [5, 3, 1, 1, 0]);
    const arrived = await bench.read('orders');
    assert.deepEqual(arrived.map(textOf).sort(), ['back', '{"total":2}']);
    const edited = arrived.find((each) => textOf(each).startsWith('{'));
    assert.ok(edited && /^orders\.dlq [\w:]+$/.test(header(edited, 'mqctl-original') ?? ''));
    assert.deepEqual((await bench.read('other')).map(textOf), ['elsewhere']);
    const [aside] = await bench.read('orders.dlq.quarantine');
    assert.ok(aside && textOf(aside) === 'aside');
    assert.equal(header(aside, 'x-exception-class'), 'E', 'why it died goes with it');
    assert.match(header(aside, 'mqctl-redrive') ?? '', /;0$/, 'that was no redrive');
    assert.deepEqual((await bench.read('orders.dlq')).map(textOf).sort(), ['skipped', 'untouched']);
    assert.ok(
      report.failures.some(
        ({ reason, standing }) => standing === 'quarantined' && reason === 'nobody knows it',
      ),
    );
  });

test('decisions by name are met once each; what was looked at already is not looked at again', async (context) => {
  const bench = await RedriveBench.begin(context);
  await bench.fill(
    'orders.dlq',
    ['a', 'b', 'c'].map((value) => message(value)),
  );
  const letters = await bench.read('orders.dlq');
  const [first, second] = letters;
  assert.ok(first && second);
  const prepared = await bench.prepare({
    decide: decidedByName([
      [nameOf(first), redrive()],
      [nameOf(second), redrive()],
    ]),
    messages: (async function* () {
      yield letters;
    })(),
  });
  assert.equal(prepared.totals.selected, 2);
  await bench.run(prepared);
  assert.deepEqual((await bench.read('orders')).map(textOf).sort(), [first, second].map(textOf).sort());
});

test('an edit that does not fit, or that a check refuses, keeps the message where it is and says why', async (context) => {
  const bench = await RedriveBench.begin(context);
  await bench.fill(
    'orders.dlq',
    ['no json', '{"a":1}', '{"a":2}'].map((value) => message(value)),
  );
  const prepared = await bench.prepare({
    decide: () => redrive({ set: 'value.a=3' }),
    check: async (outgoing) => (textOf(outgoing) === '{"a":3}' ? null : 'not of the schema'),
  });
  const { report } = await bench.run(prepared);
  assert.deepEqual([report.moved, report.failed], [2, 1]);
  assert.match(report.failures[0]?.reason ?? '', /no JSON/);
  const refuses = { check: async () => 'not of the schema' };
  const refused = await bench.prepare({ decide: () => redrive({ set: 'value=7' }), ...refuses });
  assert.deepEqual(refused.selection?.leftOut, [{ as: 'FAILED', reason: 'not of the schema', count: 1 }]);
  assert.deepEqual(
    (await bench.prepare(refuses)).selection?.leftOut,
    [],
    'what nobody changed goes as it is',
  );
});

test('what was redriven too often goes into the quarantine that was named, and is not counted as moved', async (context) => {
  const bench = await RedriveBench.begin(context);
  await bench.create('poison');
  await bench.fill('orders.dlq', [
    message('fresh'),
    message('poison', { headers: [text('mqctl-redrive', '0123456789abcdef-1;3')] }),
  ]);
  await assert.rejects(bench.prepare({ quarantine: 'nowhere' }), NotFoundError);
  const { report } = await bench.run(await bench.prepare({ quarantine: 'poison' }));
  assert.deepEqual([report.moved, report.quarantined], [1, 1]);
  assert.deepEqual((await bench.read('poison')).map(textOf), ['poison']);
  assert.deepEqual(await bench.read('orders.dlq'), []);
});

for (const way of ['source', 'inTwoSteps', 'queue'] as const)
  test(`${way}: what is put aside goes at once, and is no step of the ramp`, async (context) => {
    const bench = await RedriveBench.begin(context);
    await bench.create('poison');
    const poison = Array.from({ length: 30 }, () =>
      message('poison', { headers: [text('mqctl-redrive', '0123456789abcdef-1;3')] }),
    );
    const fresh = Array.from({ length: 8 }, (_, at) => message(`fresh ${at.toString()}`));
    await bench.fill('orders.dlq', [...fresh, ...poison]);
    const prepared = await bench.prepare({ quarantine: 'poison' }, bench[way]);
    const before = bench.clock.sleeps.length;
    const { report } = await bench.run(prepared, { canary: true, ratePerSecond: null }, bench[way]);
    assert.deepEqual([report.moved, report.quarantined], [8, 30]);
    assert.deepEqual(
      bench.clock.sleeps.slice(before).filter((each) => each >= 10_000),
      [],
      'eight are their own canary',
    );
  });

test('of equal messages, one that was redriven too often is not moved in the place of a fresh one', async (context) => {
  const bench = await RedriveBench.begin(context);
  await bench.fill('orders.dlq', [
    message('same', { headers: [text('mqctl-redrive', '0123456789abcdef-1;3')] }),
    message('same'),
  ]);
  const prepared = await bench.prepare({}, bench.queue);
  const { report } = await bench.run(prepared, {}, bench.queue);
  assert.deepEqual([report.moved, report.quarantined], [1, 1]);
  const [stays] = await bench.read('orders.dlq');
  assert.match(stays === undefined ? '' : (header(stays, 'mqctl-redrive') ?? ''), /;3$/);
});

test('what came back of the same cause is counted as unchanged', async (context) => {
  const bench = await RedriveBench.begin(context);
  const died = [text('x-exception-class', 'E')];
  await bench.fill('orders.dlq', [message('v', { headers: died })]);
  await bench.run(await bench.prepare());
  const [arrived] = await bench.read('orders');
  assert.ok(arrived);
  await bench.fill('orders.dlq', [{ ...arrived, partition: null, headers: [...arrived.headers, ...died] }]);
  assert.equal((await bench.prepare()).selection?.unchanged, 1);
});
