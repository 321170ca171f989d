/** Dead letters chosen by where they lie, at any system whose channels have offsets. */
import assert from 'node:assert/strict';
import type { Workplace } from './workplace.ts';

const numbersIn = (stdout: Buffer): number[] =>
  stdout
    .toString()
    .split('\n')
    .filter(Boolean)
    .map(Number)
    .sort((one, other) => one - other);

/** Two partitions of ten: what is looked at, counted, copied and moved is what lies in the range, and the rest stays. */
export async function ranges(shop: Workplace): Promise<void> {
  const orders = await shop.channel();
  const dead = await shop.channel('--partitions', '2');
  for (const partition of [0, 1]) {
    const values = Array.from({ length: 10 }, (_, at) => `${String(partition * 100 + at)}\n`).join('');
    await shop.done(['produce', dead, '--partition', String(partition)], values);
  }
  const range = ['--from', '0:3,1:8', '--until', '0:5,1:10'];
  const chosen = [3, 4, 108, 109];

  const seen = await shop.done(['dlq', 'inspect', dead, ...range, '-o', 'value']);
  assert.deepEqual(numbersIn(seen.stdout), chosen);
  const grouped = await shop.done(['dlq', 'groups', dead, ...range, '-o', 'json']);
  assert.partialDeepStrictEqual(JSON.parse(grouped.stdout.toString()), { looked: chosen.length });
  const archived = await shop.done(['dlq', 'archive', dead, ...range, '--file', 'part.ndjson']);
  assert.match(archived.stderr + archived.stdout.toString(), /4 dead letters/);

  const redrive = ['dlq', 'redrive', dead, '--to', orders, '--yes', '--no-canary', '--rate', 'max'];
  const nothing = await shop.done([...redrive, '--from', '0:10']);
  assert.match(nothing.stderr, /nothing in ".*" is selected/);
  const absent = await shop.run([...redrive, '--from', '7:0']);
  assert.equal(absent.code, 1);
  assert.match(absent.stderr, /no partition "7"/);
  const planned = await shop.run([...redrive, '--from', '0:3', '--apply', 'any.plan']);
  assert.equal(planned.code, 2);
  assert.match(planned.stderr, /--from=0:3 cannot also be provided when using --apply/);

  const copies = await shop.channel();
  const copy = ['dlq', 'redrive', dead, '--to', copies, '--copy', '--yes', '--no-canary', '--rate', 'max'];
  await shop.done([...copy, ...range]);
  assert.deepEqual(numbersIn((await shop.done(['consume', copies, '-o', 'value'])).stdout), chosen);

  const moved = await shop.done([...redrive, ...range, '-o', 'json']);
  assert.partialDeepStrictEqual(JSON.parse(moved.stdout.toString()), { selected: 4, moved: 4, remaining: 0 });
  assert.deepEqual(numbersIn((await shop.done(['consume', orders, '-o', 'value'])).stdout), chosen);
  const left = numbersIn((await shop.done(['dlq', 'inspect', dead, '-o', 'value'])).stdout);
  assert.equal(left.length, 16);
  assert.deepEqual(
    left.filter((number) => chosen.includes(number)),
    [],
  );
}
