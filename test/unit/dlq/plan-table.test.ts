import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';

import { PlanWriter } from '../../../src/lib/dlq/plan.ts';
import { PlanTable } from '../../../src/lib/dlq/plan-table.ts';
import type { MessageReference } from '../../../src/lib/drivers/driver.ts';

const id = '9f86d081884c7d65';

async function tableOf(context: TestContext, references: readonly MessageReference[]): Promise<PlanTable> {
  const folder = await mkdtemp(join(tmpdir(), 'mqctl-plan-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'plan');
  const plan = await PlanWriter.create(path, {
    id,
    target: 'local:',
    channel: 'orders.dlq',
    madeAt: 0,
    keepHeaders: 'none',
    ends: {},
    exhaustive: true,
    copy: false,
    deleteOriginals: false,
    routingKey: null,
  });
  for (const reference of references)
    await plan.add({
      reference,
      hash: 'ab'.repeat(32),
      destination: 'orders',
      bytes: 1,
      cause: null,
      leftOut: null,
      redrives: 0,
      quarantine: null,
      edit: null,
    });
  await plan.finish({ ahead: 0, destinations: {}, failureDelayMs: null });
  return PlanTable.load(path, id, references.length);
}

test('where each message of a plan lies is known again, by partition and offset', async (context) => {
  const places = ['0', '1', '4294967295'].flatMap((partition) =>
    ['0', '7', '4294967295', '4294967296', '9007199254740991'].map((offset) => ({ partition, offset })),
  );
  const table = await tableOf(
    context,
    places.map((place) => ({ ...place, id: null })),
  );
  assert.deepEqual(
    places.map((_, ordinal) => table.placeOf(ordinal)),
    places,
  );
});

for (const [what, reference] of [
  ['no name at all', { partition: null, offset: null, id: null }],
  ['an id', { partition: '0', offset: null, id: '1-1' }],
  ['a partition that is no number', { partition: 'shard-1', offset: '1', id: null }],
  ['an offset beyond what a number holds', { partition: '0', offset: '9007199254740993', id: null }],
] as const)
  test(`where one message has ${what}, no place is told of any`, async (context) => {
    const table = await tableOf(context, [{ partition: '0', offset: '1', id: null }, reference]);
    assert.deepEqual([table.placeOf(0), table.placeOf(1)], [null, null]);
  });
