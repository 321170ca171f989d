import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import { chunks, eachInFlight } from '../../../../src/lib/drivers/kafka/in-flight.ts';

test('results come in the order of the items, whichever ends first', async () => {
  const results = await eachInFlight([3, 1, 2, 0], async (turns) => {
    for (let index = 0; index < turns; index++) await turn();
    return turns;
  });
  assert.deepEqual(results, [3, 1, 2, 0]);
});

test('a bounded number is under way, and each item once', async () => {
  let now = 0;
  let most = 0;
  const seen: number[] = [];
  await eachInFlight([...Array(100).keys()], async (item) => {
    most = Math.max(most, ++now);
    seen.push(item);
    await turn();
    now--;
  });
  assert.ok(most > 1 && most <= 8, String(most));
  assert.deepEqual(seen, [...Array(100).keys()]);
});

test('a failure fails all', async () => {
  await assert.rejects(
    eachInFlight([1, 2, 3], async (item) => {
      if (item === 2) throw new Error('no');
    }),
    /no/,
  );
});

test('chunks hold all items in their order', () => {
  assert.deepEqual(chunks([1, 2, 3, 4, 5], 2), [[1, 2], [3, 4], [5]]);
  assert.deepEqual(chunks([], 2), []);
});
