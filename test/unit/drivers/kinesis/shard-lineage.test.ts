import assert from 'node:assert/strict';
import test from 'node:test';
import type { Place } from '../../../../src/lib/drivers/kinesis/place.ts';
import { ShardLineage } from '../../../../src/lib/drivers/kinesis/shard-lineage.ts';
import type { Shard } from '../../../../src/lib/drivers/kinesis/streams.ts';

const shard = (name: string, ...parents: string[]): Shard => ({
  shard: name,
  parents,
  firstHash: 0n,
  lastHash: 1n,
  firstSequence: '1',
  lastSequence: null,
  closed: false,
});
const start: Place = { kind: 'start' };
const begun = (lineage: ShardLineage): string[] => lineage.begin().map(([name]) => name);

// a and b; a was split into c and d, d merged with b into e.
const shards = [shard('e', 'd', 'b'), shard('a'), shard('b'), shard('c', 'a'), shard('d', 'a')];

test('a child is read when all of its parents were read to their end', () => {
  const lineage = new ShardLineage(shards, new Map(shards.map((one) => [one.shard, start])), true);
  assert.deepEqual(begun(lineage), ['a', 'b']);
  lineage.end('b');
  assert.deepEqual(begun(lineage), []);
  lineage.end('a');
  assert.deepEqual(begun(lineage), ['c', 'd']);
  lineage.end('d');
  assert.deepEqual(begun(lineage), ['e']);
  lineage.end('c');
  lineage.end('e');
  assert.equal(lineage.left, 0);
});

test('what came of a shard that is read is read from its start, and nothing else is', () => {
  const lineage = new ShardLineage(shards, new Map([['d', { kind: 'after', sequence: '7' }]]), true);
  assert.deepEqual(lineage.begin(), [['d', { kind: 'after', sequence: '7' }]]);
  lineage.end('d');
  assert.deepEqual(lineage.begin(), [['e', start]]);
  assert.deepEqual(lineage.shards.sort(), ['d', 'e']);
});

test('without children only the named ones are read', () => {
  const lineage = new ShardLineage(shards, new Map([['a', start]]), false);
  assert.deepEqual(lineage.shards, ['a']);
});

test('children that are found later wait for their parents, however they are listed', () => {
  const lineage = new ShardLineage(
    [shard('a'), shard('b')],
    new Map([
      ['a', start],
      ['b', start],
    ]),
    true,
  );
  lineage.begin();
  lineage.add(shards);
  lineage.end('a');
  assert.deepEqual(begun(lineage).sort(), ['c', 'd']);
  lineage.end('d');
  assert.deepEqual(begun(lineage), []);
  lineage.end('b');
  assert.deepEqual(begun(lineage), ['e']);
});

test('of a shard that is done nothing is read, and what came of it need not wait', () => {
  const lineage = new ShardLineage(
    shards,
    new Map<string, Place>([
      ['a', { kind: 'done' }],
      ['c', start],
    ]),
    true,
  );
  assert.deepEqual(begun(lineage).sort(), ['c', 'd']);
});
