import assert from 'node:assert/strict';
import test from 'node:test';

import { UsageError } from '../../../src/lib/errors.ts';
import { parseRate } from '../../../src/lib/input/rate.ts';

test('rates are read as messages a second', () => {
  assert.equal(parseRate('50/s'), 50);
  assert.equal(parseRate('50'), 50);
  assert.equal(parseRate('600/m'), 10);
  assert.equal(parseRate('1800/h'), 0.5);
  assert.equal(parseRate('max'), null);
});

test('what is no rate is refused', () => {
  for (const text of ['', '0', '0/s', '-5', '5/d', 'fast', '5/'])
    assert.throws(() => parseRate(text), UsageError, text);
});
