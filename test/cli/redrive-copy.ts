/** A copy of dead letters is published, and they stay where they are, at any system. */
import assert from 'node:assert/strict';
import type { Workplace } from './workplace.ts';
import { incident, namesIn } from './triage.ts';

export async function copies(shop: Workplace): Promise<void> {
  const [orders, dead] = [await shop.channel(), await shop.channel()];
  await incident(shop, dead, orders);
  const all = ['one', 'two', 'broken', 'three'];
  const copy = ['dlq', 'redrive', dead, '--all', '--copy', '--yes', '--rate', 'max', '--no-canary'];
  for (let times = 1; times <= 2; times += 1) {
    const { stdout, stderr } = await shop.done([...copy, '-o', 'json']);
    assert.partialDeepStrictEqual(JSON.parse(stdout.toString()), {
      selected: 4,
      moved: 4,
      failed: 0,
      remaining: 0,
      guarantees: { [orders]: 'at-least-once' },
    });
    assert.match(stderr, /copied|stay/i);
    const there = await shop.done(['consume', orders, '--limit', '100', '-o', 'ndjson']);
    assert.deepEqual(namesIn(there.stdout).sort(), Array<string[]>(times).fill(all).flat().sort());
  }
  const left = await shop.done(['dlq', 'inspect', dead, '--limit', '100', '-o', 'ndjson']);
  assert.deepEqual(namesIn(left.stdout).sort(), all.toSorted());
}
