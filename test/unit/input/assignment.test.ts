import assert from 'node:assert/strict';
import test from 'node:test';

import { UsageError } from '../../../src/lib/errors.ts';
import { parseHeaders, parseProperties } from '../../../src/lib/input/assignment.ts';

test('headers keep order and repetition, split at the first equals sign', () => {
  assert.deepEqual(parseHeaders(['b=1', 'a=x=y', 'b=']), [
    { name: 'b', value: Buffer.from('1') },
    { name: 'a', value: Buffer.from('x=y') },
    { name: 'b', value: Buffer.from('') },
  ]);
});

test('a property is given once', () => {
  assert.deepEqual(parseProperties(['type=t', 'priority=5']), { type: 't', priority: '5' });
  assert.throws(() => parseProperties(['type=t', 'type=u']), UsageError);
});

test('what has no name is refused', () => {
  for (const text of ['x', '=x', '']) assert.throws(() => parseHeaders([text]), UsageError);
});
