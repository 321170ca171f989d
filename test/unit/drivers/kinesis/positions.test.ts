import assert from 'node:assert/strict';
import test from 'node:test';
import { placeFrom, placeText, type Place } from '../../../../src/lib/drivers/kinesis/place.ts';
import { boundsFor, placesFor } from '../../../../src/lib/drivers/kinesis/positions.ts';
import type { Shard } from '../../../../src/lib/drivers/kinesis/streams.ts';
import { NotFoundError, UsageError } from '../../../../src/lib/errors.ts';
import { parsePositions } from '../../../../src/lib/message/position-grammar.ts';

const shard = (name: string, first: string, last: string | null, closed = last !== null): Shard => ({
  shard: name,
  parents: [],
  firstHash: 0n,
  lastHash: 1n,
  firstSequence: first,
  lastSequence: last,
  closed,
});
const shards = [shard('s0', '100', '199'), shard('s1', '200', null), shard('s2', '205', null)];
const ofGroup = async () => new Map<string, Place>([['s1', { kind: 'after', sequence: '210' }]]);
const places = async (text: string, only: readonly string[] | null = null) =>
  Object.fromEntries(
    [...(await placesFor(parsePositions(text), shards, only, 'orders', ofGroup))].map(([name, place]) => [
      name,
      placeText(place),
    ]),
  );

test('a position is a place in every shard, the end only in open ones', async () => {
  assert.deepEqual(await places('start'), { s0: 'start', s1: 'start', s2: 'start' });
  assert.deepEqual(await places('end'), { s1: 'end', s2: 'end' });
  assert.deepEqual(await places('group:g'), { s1: 'after:210' });
  assert.deepEqual(await places('s2:after:300,s0:@2026-01-01'), {
    s0: '@2026-01-01T00:00:00.000Z',
    s2: 'after:300',
  });
});

test('a sequence number is a place in the one shard that can hold it', async () => {
  assert.deepEqual(await places('150'), { s0: '150' });
  assert.deepEqual(await places('after:202'), { s1: 'after:202' });
  assert.deepEqual(await places('210', ['s2']), { s2: '210' });
  await assert.rejects(places('210'), /belongs to one shard, and 2 of "orders" may hold this one/);
  await assert.rejects(places('7'), /no shard of "orders" can hold/);
});

test('what cannot be counted, is not there or makes no sense is refused', async () => {
  for (const text of ['start+1', 'end-10', 'group:g:-1', 'id:x', 'current'])
    await assert.rejects(places(text), UsageError, text);
  await assert.rejects(places('s9:start'), NotFoundError);
  await assert.rejects(places('start', ['s9']), NotFoundError);
});

test('an end is exclusive, whatever kind of position it is', async () => {
  const bounds = await boundsFor(
    parsePositions('s0:150,s1:after:250,s2:@2026-01-01'),
    shards,
    null,
    'orders',
    ofGroup,
  );
  assert.deepEqual(Object.fromEntries(bounds), {
    s0: { kind: 'sequence', before: 150n },
    s1: { kind: 'sequence', before: 251n },
    s2: { kind: 'time', before: Date.UTC(2026, 0, 1) },
  });
});

test('a place that was kept as text is the same place again', () => {
  const all: readonly Place[] = [
    { kind: 'start' },
    { kind: 'end' },
    { kind: 'done' },
    { kind: 'at', sequence: '1' },
    { kind: 'after', sequence: '2' },
    { kind: 'time', at: 1_700_000_000_123 },
  ];
  for (const place of all) assert.deepEqual(placeFrom(placeText(place)), place);
  for (const text of ['', 'after:', '-1', '@nonsense', 'after:x']) assert.equal(placeFrom(text), null, text);
});
