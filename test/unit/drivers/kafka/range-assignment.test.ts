import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rangeAssignment } from '../../../../src/lib/drivers/kafka/range-assignment.ts';

test('each topic is spread in rows, the first members get the rest', () => {
  const assigned = rangeAssignment(
    new Map([
      ['b', ['t', 'u']],
      ['a', ['t']],
    ]),
    new Map([
      ['t', 3],
      ['u', 2],
    ]),
  );
  assert.deepEqual(assigned.get('a'), new Map([['t', [0, 1]]]));
  assert.deepEqual(
    assigned.get('b'),
    new Map([
      ['t', [2]],
      ['u', [0, 1]],
    ]),
  );
});

test('a member for which nothing is left gets nothing', () => {
  const assigned = rangeAssignment(
    new Map([
      ['a', ['t']],
      ['b', ['t']],
    ]),
    new Map([['t', 1]]),
  );
  assert.deepEqual(assigned.get('b'), new Map());
});
