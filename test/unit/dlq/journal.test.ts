import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';

import fc from 'fast-check';

import { RedriveJournal, type Step } from '../../../src/lib/dlq/journal.ts';
import {
  checkPlan,
  PlanWriter,
  readPlan,
  readPlanHead,
  type PlanHead,
  type PlanItem,
} from '../../../src/lib/dlq/plan.ts';
import { RedriveState, stands } from '../../../src/lib/dlq/redrive-state.ts';
import { FailedError } from '../../../src/lib/errors.ts';

async function folder(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'mqctl-plan-'));
  context.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

const selected = 60;
const steps: readonly Step[] = [
  'INTENT',
  'CONFIRMED',
  'DONE',
  'NOT-MOVED',
  'FAILED',
  'SKIPPED',
  'DRIFTED',
  'QUARANTINED',
  'AGAIN',
  'RETURNED',
];
const anyRun = fc.array(
  fc.record({
    step: fc.constantFrom(...steps),
    ordinals: fc
      .uniqueArray(fc.nat({ max: selected - 1 }), { minLength: 1, maxLength: 20 })
      .map((ordinals) => ordinals.sort((one, other) => one - other)),
    reason: fc.option(fc.string({ unit: 'binary' }).map((text) => text.toWellFormed())),
  }),
  { maxLength: 30 },
);

function snapshot(state: RedriveState): unknown {
  const each = Array.from({ length: selected }, (_, ordinal) => [
    state.standing(ordinal),
    state.isAgain(ordinal),
    state.isReturned(ordinal),
  ]);
  return { each, counts: state.counts() };
}

test('whatever happened, the counts add up, and reading the journal again says the same', async (context) => {
  const path = await folder(context);
  let run = 0;
  await fc.assert(
    fc.asyncProperty(anyRun, async (entries) => {
      const file = join(path, `journal-${(run += 1).toString()}`);
      const journal = await RedriveJournal.create(file, selected);
      journal.note('RUN', { who: 'ann', host: 'ops 1' });
      for (const { step, ordinals, reason } of entries) journal.record(step, ordinals, reason);
      await journal.sync();
      await journal.close();
      const counts = journal.state.counts();
      const { moved, failed, skipped, drifted, quarantined, inDoubt, remaining } = counts;
      assert.equal(moved + failed + skipped + drifted + quarantined + inDoubt + remaining, selected);
      assert.ok(counts.unsettled <= moved);
      const again = await RedriveJournal.reopen(file, selected);
      assert.deepEqual(snapshot(again.state), snapshot(journal.state));
      for (let ordinal = 0; ordinal < selected; ordinal += 1)
        assert.equal(again.reasonOf(ordinal), journal.reasonOf(ordinal));
      await again.close();
    }),
    { numRuns: 60 },
  );
});

test('a journal of another plan, or with a line that is none, is refused', async (context) => {
  const file = join(await folder(context), 'journal');
  const journal = await RedriveJournal.create(file, 10);
  journal.record('INTENT', [9]);
  await journal.close();
  await assert.rejects(RedriveJournal.reopen(file, 9), FailedError);
});

test('a million messages are a few megabytes and some lines', async (context) => {
  const file = join(await folder(context), 'journal');
  const count = 1_000_000;
  const journal = await RedriveJournal.create(file, count);
  for (let start = 0; start < count; start += 1_000) {
    const batch = Array.from({ length: 1_000 }, (_, at) => start + at);
    for (const step of ['INTENT', 'CONFIRMED', 'DONE'] as const) journal.record(step, batch);
  }
  journal.record(
    'AGAIN',
    Array.from({ length: 50_000 }, (_, at) => at * 2),
  );
  await journal.sync();
  await journal.close();
  const again = await RedriveJournal.reopen(file, count);
  assert.equal(again.state.counts().moved, count);
  assert.equal(again.state.counts().possibleDuplicates, 50_000);
  assert.equal(again.state.standing(count - 1), 'done');
  await again.close();
});

test('every standing can be asked for', () => {
  const state = new RedriveState(stands.length);
  for (const [ordinal, standing] of stands.entries()) state.set(ordinal, standing);
  for (const [ordinal, standing] of stands.entries()) assert.deepEqual([...state.with(standing)], [ordinal]);
});

const head: PlanHead = {
  id: '0123456789abcdef',
  target: 'local:shop.db',
  channel: 'orders.dlq',
  madeAt: 1,
  keepHeaders: 'none',
  exhaustive: true,
  copy: false,
  deleteOriginals: false,
  routingKey: null,
  ends: { '0': '17' },
};

const said = {
  destinations: { orders: { consumers: ['billing'], oldestAt: 5, addresses: null } },
  failureDelayMs: 250,
};

function item(number: number): Omit<PlanItem, 'ordinal'> {
  return {
    reference: { partition: '0', offset: number.toString(), id: null },
    hash: number.toString(16).padStart(64, '0'),
    destination: 'orders "x"\u001b',
    bytes: number,
    leftOut: number % 7 === 0 ? { as: 'FAILED', reason: 'too "large"' } : null,
    cause: number % 2 === 0 ? null : 'abc',
    redrives: number % 3,
    quarantine: number % 5 === 0 ? 'put "aside"' : null,
    edit: number % 4 === 0 ? '[["set","/key","1",null]]' : null,
  };
}

async function planOf(context: TestContext, count: number): Promise<string> {
  const path = join(await folder(context), 'plan');
  const plan = await PlanWriter.create(path, head);
  for (let number = 0; number < count; number += 1) assert.equal(await plan.add(item(number)), number);
  await plan.finish({ ahead: 3, ...said });
  return path;
}

test('a plan is read back as it was made', async (context) => {
  const path = await planOf(context, 1_000);
  assert.deepEqual(await readPlanHead(path), head);
  const items: PlanItem[] = [];
  for await (const piece of readPlan(path)) items.push(...piece);
  assert.deepEqual(
    items,
    Array.from({ length: 1_000 }, (_, ordinal) => ({ ...item(ordinal), ordinal })),
  );
  assert.deepEqual(await checkPlan(path), { selected: 1_000, bytes: 499_500, ahead: 3, ...said });
});

test('a plan that was not finished, or changed, is refused', async (context) => {
  const path = await planOf(context, 5);
  const lines = (await readFile(path, 'utf8')).split('\n');
  await writeFile(path, `${lines.slice(0, -2).join('\n')}\n`);
  await assert.rejects(checkPlan(path), /unfinished/);
  await writeFile(path, [...lines.slice(0, 3), ...lines.slice(4)].join('\n'));
  await assert.rejects(checkPlan(path), /unfinished/);
  await writeFile(path, lines.join('\n').replace('orders.dlq', 'orders.dlx'));
  await assert.rejects(checkPlan(path), /line 2/);
});
