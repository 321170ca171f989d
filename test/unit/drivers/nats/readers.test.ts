import assert from 'node:assert/strict';
import test from 'node:test';
import { reads } from '../../../../src/lib/drivers/nats/readers.ts';
import { subjectIn } from '../../../../src/lib/drivers/nats/subject-in-stream.ts';

const cases: readonly (readonly [filters: string[], subjects: string[], reads: boolean])[] = [
  [[], ['orders.new'], true],
  [['orders.new'], ['orders.new'], true],
  [['orders.new'], ['orders.eu'], false],
  [['orders.new'], ['orders.new.big'], false],
  [['orders.new.big'], ['orders.new'], false],
  [['orders.*'], ['orders.new'], true],
  [['orders.*'], ['orders'], false],
  [['orders.*'], ['orders.new.big'], false],
  [['orders.*.big'], ['orders.new.big'], true],
  [['orders.*.big'], ['orders.new.small'], false],
  [['orders.>'], ['orders.new.big'], true],
  [['orders.>'], ['orders'], false],
  [['>'], ['orders'], true],
  [['*.new'], ['orders.*'], true],
  [['*.new'], ['orders.eu'], false],
  [['orders.>'], ['*.*.big'], true],
  [['orders.*'], ['*.*.big'], false],
  [['Orders.new'], ['orders.new'], false],
  [['returns.>', 'orders.eu'], ['orders.new', 'orders.eu'], true],
  [['returns.>', 'orders.us'], ['orders.new', 'orders.eu'], false],
  [['orders.new'], [], false],
];

for (const [filters, subjects, expected] of cases)
  test(`a consumer of ${filters.join(' and ') || 'all'} ${expected ? 'gets' : 'does not get'} ${subjects.join(' and ') || 'nothing'}`, () => {
    assert.equal(reads(filters, subjects), expected);
  });

test('a message keeps its subject where the stream captures it, else takes the only one there is', () => {
  const many = { subjects: ['orders.>'], literal: null };
  assert.equal(subjectIn(many, 'orders.new'), 'orders.new');
  assert.equal(subjectIn(many, 'returns.new'), null);
  assert.equal(subjectIn(many, 'orders.*'), null);
  assert.equal(subjectIn(many, null), null);
  const one = { subjects: ['retry'], literal: 'retry' };
  assert.equal(subjectIn(one, 'orders.new'), 'retry');
  assert.equal(subjectIn(one, null), 'retry');
});
